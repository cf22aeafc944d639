"""How many sites this machine's images have; and that a program whose every site jumps to a stub runs as before."""

from __future__ import annotations

import subprocess
from struct import Struct
from typing import TYPE_CHECKING

import pytest
from native.sites import Looked, images, look

from picobox.platform.site_records import StoredPlan, to_bytes
from picobox.platform.sites import COVERED, REASONS, SLOT_BYTES, Site, code_of, patched

if TYPE_CHECKING:
    from pathlib import Path

CODE = 0x7C000000
STUB = 128
_SEGMENT = Struct("<II6Q")
_PT_NOTE, _PT_LOAD, _READ_EXECUTE = 4, 1, 5
_JUMP_BACK = b"\xff\x25"
_NO_INSTRUCTION = b"\x06"

# Of images as Debian 12 has them: sites, of which so many stay stops by what they do, and so many cannot take a jump of
# 7 bytes. In musl four are branched around by a jump to the byte behind them, and that is the usual way.
NUMBERS = {"glibc": (526, 5, 0), "ld.so": (46, 1, 0), "musl": (499, 3, 8), "busybox": (284, 5, 0)}
KEPT = REASONS[REASONS.index(COVERED) + 1 :]


@pytest.mark.parametrize("name", NUMBERS)
def test_debians_images_have_as_many_sites_as_were_counted(name: str) -> None:
    looked = look(images()[name])
    kept = [each for each in looked.plan.refused if each.reason in KEPT]
    covered = [each for each in looked.plan.refused if each.reason == COVERED]
    counted = len(looked.plan.sites) + len(looked.plan.refused), len(kept), len(covered)
    assert counted == NUMBERS[name]
    assert len(kept) + len(covered) == len(looked.plan.refused)


def slot_at(number: int) -> int:
    """Where the slot of a stub is: its address ends with one of two bytes, by turns."""
    stub = CODE + STUB * number
    return next(stub + at for at in range(8) if stub + at & 255 in SLOT_BYTES)


def stub(number: int, site: Site) -> bytes:
    """A stub of 128 bytes: its slot, where it goes back to, and what it runs."""
    start = CODE + STUB * number
    code = code_of(site.before, 0) + b"\x0f\x05" + code_of(site.after, 0) + _JUMP_BACK
    # The address to go back to is 8 bytes before the code.
    code += (-8 - len(code) - 4).to_bytes(4, "little", signed=True)
    at = slot_at(number) - start
    head = bytearray(24)
    head[at : at + 8] = (start + 24).to_bytes(8, "little")
    head[16:24] = site.return_address.to_bytes(8, "little")
    return bytes(head + code).ljust(STUB, _NO_INSTRUCTION)


def with_stubs(looked: Looked) -> bytes:
    """The program with jumps at all its sites; what was a note is a segment of stubs behind the file's end."""
    numbers = {site: number for number, site in enumerate(looked.plan.sites)}
    data = bytearray(patched(looked.data, looked.plan, lambda site: slot_at(numbers[site])))
    data += bytes(-len(data) % 4096)
    stubs = b"".join(stub(number, site) for site, number in numbers.items())
    table, count = int.from_bytes(data[32:40], "little"), int.from_bytes(data[56:58], "little")
    place = next(
        at for at in range(table, table + 56 * count, 56) if _SEGMENT.unpack_from(data, at)[0] == _PT_NOTE
    )  # fmt: skip
    _SEGMENT.pack_into(data, place, _PT_LOAD, _READ_EXECUTE, len(data), CODE, CODE, len(stubs), len(stubs), 4096)
    return bytes(data + stubs)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The static busybox with jumps at all its sites, by the plan as it comes back from where it is kept."""
    looked = look(images()["busybox"])
    looked = looked._replace(plan=StoredPlan(to_bytes(looked.plan)).plan())
    path = tmp_path_factory.mktemp("patched") / "busybox"
    path.write_bytes(with_stubs(looked))
    path.chmod(0o755)
    return path


def run(program: Path, script: str, directory: Path) -> tuple[int, str, str]:
    words = [str(program), "sh", "-c", script]
    environment = {"PATH": "/nowhere", "BUSYBOX": str(program)}
    done = subprocess.run(
        words, cwd=directory, env=environment, capture_output=True, text=True, check=False, timeout=30
    )
    return done.returncode, done.stdout, done.stderr


SCRIPTS = [
    "echo said; exit 3",
    "mkdir -p a/b; echo text > a/b/file; ln -s b a/link; ls -R a; cat a/link/file; stat -c %s a/b/file; rm -r a; ls",
    "for i in 1 2 3 4 5 6 7 8; do echo $i | sed s/^/line-/; done | sort -r | head -n 3",
    "trap 'echo caught' USR1; kill -USR1 $$; sleep 0.01 & wait; echo done",
    "head -c 3000000 /dev/zero | gzip | gunzip | md5sum; head -c 100000 /dev/zero | tar c /etc/hostname 2>&1 | tar t",
    "cat /nowhere; echo $?; cd /nowhere; echo $?",
    "ulimit -n; umask; date -u -d @0; id -u; uname -s; nice -n 1 true; kill -9 $$",
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_program_runs_by_its_stubs_as_without(program: Path, script: str, tmp_path: Path) -> None:
    for name in ("as", "with"):
        (tmp_path / name).mkdir()
    native = run(images()["busybox"], script, tmp_path / "as")
    assert run(program, script, tmp_path / "with") == native
    assert sorted(tmp_path.glob("as/*")) == sorted(tmp_path.glob("with/*")) == []


def test_sites_of_the_program_are_jumps(program: Path) -> None:
    looked = look(images()["busybox"])
    data = program.read_bytes()
    for site in looked.plan.sites:
        now = data[site.patch_offset :][: len(site.original)]
        assert now[:3] == b"\xff\x24\x65"
        assert set(now[7:]) <= set(_NO_INSTRUCTION)


def test_what_is_not_as_planned_stays_as_it_is() -> None:
    looked = look(images()["busybox"])
    changed = bytearray(looked.data)
    site, other = looked.plan.sites[:2]
    changed[site.patch_offset + len(site.original) - 1] ^= 1
    written = patched(bytes(changed), looked.plan, lambda each: CODE + 6 if each in (site, other) else None)
    assert written[site.patch_offset :][: len(site.original)] == changed[site.patch_offset :][: len(site.original)]
    assert written[other.patch_offset :][:3] == b"\xff\x24\x65"
    differing = [at for at, (one, two) in enumerate(zip(written, changed, strict=True)) if one != two]
    assert len(range(differing[0], differing[-1] + 1)) <= len(other.original)
