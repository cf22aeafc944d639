"""How many sequences of steps the models of the executive are compared over, and how a sequence is searched for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given, seed, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

FAST_SHARDS, FAST_SEQUENCES = 4, 500
FULL_SHARDS, FULL_SEQUENCES = 40, 2500
FAST_SEQUENCES_ON_A_HOST, FULL_SEQUENCES_ON_A_HOST = 100, 2500
SHARD_TIMEOUT = 600  # seconds; a shard of the full tier takes a quarter of a minute of an idle CPU


def search(
    steps: SearchStrategy[list[Any]], run: Callable[[list[Any]], None], sequences: int, random_seed: int
) -> None:
    """Run many sequences of steps, which the seed chooses; a busy machine may take its time."""
    seed(random_seed)(settings(max_examples=sequences, deadline=None)(given(steps)(run)))()
