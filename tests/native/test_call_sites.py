"""Which call sites take a jump and what is written for it: a program of every kind, and this machine's own images."""

from __future__ import annotations

import random
import re
import struct
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from native.sites import Looked, call_sites, images, listing, look, run_moved
from picobox.platform.site_finder import plan_of
from picobox.platform.site_image import Image
from picobox.platform.site_records import StoredPlan, to_bytes
from picobox.platform.sites import COVERED, MOST_MOVED, PATCH, REASONS, UNDECODED, UNREACHED, UnreadableError, patch_of

if TYPE_CHECKING:
    from picobox.platform.sites import Site

# Of each function of call_sites.c: for each site the bytes before the call that are replaced, all that are, and the
# number of the call; and for one that stays as it is the reason.
TAKEN = {
    "compares_after": [(0, 8, 39)],
    "number_by_zeroing": [(0, 8, 0)],
    "number_is_an_argument": [(0, 8, None)],
    "number_of_two_ways": [(0, 8, None)],
    "returns_and_is_padded": [(0, 7, 39)],
    "returns_before_a_boundary": [(5, 7, 39)],
    "branches_after": [(0, 8, 39)],
    "calls_after": [(0, 10, 39)],
    "calls_by_pointer_after": [(5, 7, 39)],
    "reads_data_after": [(0, 8, 39)],
    "reads_data_into_a_high_byte": [(0, 8, 39)],
    "reads_data_into_all": [(5, 7, 39)],
    "loops": [(0, 7, None)],
    "twice": [(5, 7, 39), (0, 8, None)],
    "branched_into": [(5, 7, 39)],
    "branched_into_from_elsewhere": [(5, 7, 39)],
    "taken_address": [(5, 7, 39)],
    "pointed_at": [(5, 7, 39)],
    "in_a_table": [(5, 7, 39)],
    "marked_as_landing": [(5, 7, 39)],
    "catches": [(5, 7, 39)],
    "stores_in_its_frame": [(8, 10, 39)],
}
LEFT = {
    "changes_what_it_reads": COVERED,
    "stores_elsewhere": COVERED,
    "changes_flags_that_it_reads": COVERED,
    "led_to_from_before": COVERED,
    "ends_a_handler": "rt_sigreturn stays a stop, whatever its site is",
    "makes_a_task": "clone stays a stop, whatever its site is",
    "makes_a_process": "fork stays a stop, whatever its site is",
    "borrows_a_stack": "vfork stays a stop, whatever its site is",
    "makes_a_task_newly": "clone3 stays a stop, whatever its site is",
    "unreached": UNREACHED,
    "data_amid": UNDECODED,
    # The one with the entry that begins early has no symbol.
    "": "rt_sigreturn stays a stop, whatever its site is",
}
KEPT = REASONS[REASONS.index(COVERED) + 1 :]


@pytest.fixture(params=images())
def looked(request: pytest.FixtureRequest) -> Looked:
    return look(images()[request.param])


def test_each_kind_of_site_is_decided_as_it_should_be() -> None:
    _, _, image, plan = call_sites()
    taken: dict[str, list[tuple[int, int, int | None]]] = {}
    for site in plan.sites:
        told = (site.bytes_before, len(site.original), site.nr)
        taken.setdefault(image.function_at(site.address), []).append(told)
    assert taken == TAKEN
    assert {image.function_at(image.address_of(each.offset) or 0): each.reason for each in plan.refused} == LEFT


def test_what_is_moved_stays_as_it_is_where_it_can() -> None:
    _, _, image, plan = call_sites()
    rewritten = {
        image.function_at(site.address)
        for site in plan.sites
        if site.before.code + site.after.code
        != site.original[: site.bytes_before] + site.original[site.bytes_before + 2 :]
    }
    # What pads a function is replaced and not moved.
    assert rewritten == {
        "branches_after",
        "calls_after",
        "reads_data_after",
        "reads_data_into_a_high_byte",
        "loops",
        "returns_and_is_padded",
    }


def test_moved_code_does_the_same_in_every_kind_of_site() -> None:
    looked = call_sites()
    same, said = run_moved(looked, looked.plan.sites, rounds=200)
    assert same, said


def test_moved_code_does_the_same_in_images(looked: Looked) -> None:
    same, said = run_moved(looked, looked.plan.sites, rounds=4)
    assert same, said
    assert re.fullmatch(r"\d+ runs, \d+ states, \d+ faults, 0 failed", said[-1])
    assert int(said[-1].split()[0]) >= 4 * len(looked.plan.sites)


def wrong(site: Site, at: int) -> Site:
    """The site with one byte of what it runs after the call changed."""
    code = bytearray(site.after.code)
    code[at] ^= 1
    return site._replace(after=site.after._replace(code=bytes(code)))


def test_moved_code_that_differs_is_noticed() -> None:
    looked = call_sites()
    sites = {looked.image.function_at(site.address): site for site in looked.plan.sites}
    # The register of a comparison, the condition of a branch, the address of data, the target of a call.
    data, call = sites["reads_data_after"], sites["calls_after"]
    pushed, called = call.after.literals
    changed = [
        wrong(sites["number_by_zeroing"], 1),
        wrong(sites["branches_after"], 2),
        data._replace(after=data.after._replace(literals=((2, call.address),))),
        call._replace(after=call.after._replace(literals=(pushed, (called[0], data.address)))),
    ]
    same, said = run_moved(looked, changed, rounds=200)
    assert not same
    assert said[-1].endswith("4 failed"), said


def test_another_disassembler_sees_the_same_sites(looked: Looked) -> None:
    others = listing(looked.path)
    refused = {looked.image.address_of(each.offset) for each in looked.plan.refused}
    assert {site.address for site in looked.plan.sites} | refused == others.calls


def test_nothing_leads_into_what_is_replaced(looked: Looked) -> None:
    others = listing(looked.path)
    end = 0
    for site in looked.plan.sites:
        assert site.start >= end, hex(site.address)
        end = site.return_address
        assert site.start in others.addresses
        assert end in others.addresses
        assert not others.targets.intersection(range(site.start + 1, end)), hex(site.address)
        assert PATCH <= len(site.original) == end - site.start
        assert len(site.before.code) + len(site.after.code) <= MOST_MOVED
        assert looked.data[site.patch_offset :][: len(site.original)] == site.original


@pytest.mark.full
@pytest.mark.parametrize("flags", [[], ["-ldflags=-s -w"]], ids=["with symbols", "stripped"])
def test_programs_of_go(tmp_path: Path, flags: list[str]) -> None:
    source, program = tmp_path / "fetch.go", tmp_path / "fetch"
    source.write_text('package main\n\nimport "net/http"\n\nfunc main() { http.Get("") }\n')
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "CGO_ENABLED": "0", "GO111MODULE": "off"}
    subprocess.run(["go", "build", *flags, "-o", program, source], env=environment, check=True, timeout=300)
    looked = look(program)
    assert {each.reason for each in looked.plan.refused} <= set(KEPT)
    assert len(looked.plan.refused) == 2
    assert len(looked.plan.sites) >= 40
    test_another_disassembler_sees_the_same_sites(looked)
    test_nothing_leads_into_what_is_replaced(looked)
    test_moved_code_does_the_same_in_images(looked)


def test_image_without_sites_has_an_empty_plan() -> None:
    plan = plan_of(Path("/bin/sh").resolve().read_bytes())
    assert plan.sites == ()
    assert plan.refused == ()
    assert len(plan.digest) == 32


@pytest.mark.parametrize("slot", [0, 0x06, 0x7C000082, 0x7C000008, 0x80000006, -250])
def test_slots_are_where_a_jump_reaches_them_and_tells_who_lands_in_it(slot: int) -> None:
    site = call_sites().plan.sites[0]
    if slot in (0x06, 0x7C000082):
        assert patch_of(site, slot) == b"\xff\x24\x65" + slot.to_bytes(4, "little") + b"\x06"
    else:
        with pytest.raises(ValueError, match="no slot can be at"):
            patch_of(site, slot)


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"#!/bin/sh\n" * 10, bytes(1000)])
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableError, match="the image is no "):
        Image(data)


def damaged(data: bytes, places: list[range], chance: random.Random) -> bytes:
    """An image with some bytes or numbers of its tables and its code replaced."""
    image = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        at = chance.choice(chance.choice(places))
        number = chance.choice((0, 1, (1 << 64) - 1, 1 << 63, 1 << 31, chance.getrandbits(64)))
        size = chance.choice((1, 4, 8))
        image[at : at + size] = (number & (1 << 8 * size) - 1).to_bytes(size, "little")
    return bytes(image)


def test_damaged_image_has_a_plan_that_fits_or_is_refused() -> None:
    _, data, image, _ = call_sites()
    chance = random.Random(5)
    headers = int.from_bytes(data[40:48], "little")
    places = [range(64), range(64, 64 + 13 * 56), range(headers, len(data) - 8)]
    for name in (b".eh_frame", b".gcc_except_table", b".symtab", b".text"):
        section = image.section(name)
        assert section is not None
        places.append(range(section.offset, section.offset + section.size))
    plans = 0
    for _ in range(400):
        try:
            plan = plan_of(damaged(data, places, chance))
        except UnreadableError:
            continue
        plans += 1
        # Addresses that are too far from each other have no room in a record; the cache keeps an empty plan then.
        with suppress(struct.error):
            assert StoredPlan(to_bytes(plan)).plan() == plan
    assert 100 < plans < 400
