"""Every service with arguments right and wrong: an answer or an NT status, nothing else, and often enough a success."""

from __future__ import annotations

import secrets
from collections import Counter
from typing import Any

import pytest
from fuzz_calls import CALLS
from fuzz_world import Fuzz

from ntshim import status as st
from ntshim.nt import NtServices

# Of the calls of each service, what must succeed: otherwise the fuzz does not reach its depths.
LEAST_SUCCESS = 0.3
FAST_ROUNDS, FAST_SHARDS = 100, 3
FULL_ROUNDS, FULL_SHARDS = 1000, 8
WILDNESS = (0.0, 0.0, 0.1, 0.3, 1.0)


def services() -> list[str]:
    return sorted({name for name in dir(NtServices(Fuzz(0).system.executive)) if name.startswith("Nt")})


def run(seed: int, rounds: int) -> tuple[Counter[str], Counter[str]]:
    """Call every service so many times, in random order; gives how often each was called, and succeeded."""
    called: Counter[str] = Counter()
    succeeded: Counter[str] = Counter()
    fuzz = Fuzz(seed)
    for name in fuzz.random.sample(sorted(CALLS) * rounds, rounds * len(CALLS)):
        fuzz.wildness = fuzz.one(WILDNESS)
        fuzz.calling = fuzz.caller()
        args = prepare(fuzz, name)
        if args is None:
            continue
        called[name] += 1
        try:
            getattr(fuzz.nt, name)(fuzz.calling, *args[0], **args[1])
        except st.NtError:
            continue
        except Exception as error:
            raise AssertionError(f"seed {seed}: {name}{args} raised {error!r}") from error
        succeeded[name] += 1
        if fuzz.chance(0.05):
            fuzz.pass_time()
    return called, succeeded


def prepare(fuzz: Fuzz, name: str) -> Any:
    """Make the arguments of a call; None if what they need can no longer be made in this system's state."""
    try:
        return CALLS[name](fuzz)
    except st.NtError:
        return None


def check(called: Counter[str], succeeded: Counter[str]) -> None:
    rare = {name: (succeeded[name], called[name]) for name in CALLS if succeeded[name] < LEAST_SUCCESS * called[name]}
    assert not rare
    assert min(called.values()) * 2 >= max(called.values())


def test_every_service_is_called() -> None:
    assert sorted(CALLS) == services()


@pytest.mark.parametrize("shard", range(FAST_SHARDS))
def test_services_answer(shard: int) -> None:
    check(*run(shard, FAST_ROUNDS))


@pytest.mark.full
@pytest.mark.timeout(900)
@pytest.mark.parametrize("shard", range(FULL_SHARDS))
def test_services_answer_new_calls(shard: int) -> None:
    check(*run(secrets.randbits(64) + shard, FULL_ROUNDS))
