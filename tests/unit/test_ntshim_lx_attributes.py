"""Owner and mode of files on WSL volumes: what counts of what is stored, and what is shown without it."""

from __future__ import annotations

import stat

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ntshim.lx.attributes import (
    INVALID_ID,
    EffectiveAccess,
    LxAttributes,
    MountOptions,
    computed_mode,
    inherited,
    is_read_only,
    may_make,
    mode_after_chown,
    mode_after_write,
    shown,
    validated,
)

REG, DIR, LNK, FIFO = stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFIFO
ALL = EffectiveAccess(read=True, write=True, execute=True)
READ = EffectiveAccess(read=True, write=False, execute=False)


@pytest.mark.parametrize(
    ("stored", "counts"),
    [
        (LxAttributes(1, 2, REG | 0o644, (3, 4)), LxAttributes(1, 2, REG | 0o644, (3, 4))),
        (LxAttributes(0, 0, REG | 0o7777), LxAttributes(0, 0, REG | 0o7777)),
        (LxAttributes(INVALID_ID, 2, REG), LxAttributes(None, 2, REG)),
        (LxAttributes(1, INVALID_ID, REG), LxAttributes(1, None, REG)),
        (LxAttributes(1, 2, DIR | 0o755), LxAttributes(1, 2)),
        (LxAttributes(1, 2, 0o644), LxAttributes(1, 2)),
        (LxAttributes(1, 2, REG | 1 << 16), LxAttributes(1, 2)),
        (LxAttributes(mode=-1), LxAttributes()),
        (LxAttributes(-1, 1 << 40), LxAttributes()),
        (LxAttributes(device=(1 << 12, 0)), LxAttributes()),
        (LxAttributes(device=(0, 1 << 20)), LxAttributes()),
    ],
)
def test_each_field_is_validated_by_itself(stored: LxAttributes, counts: LxAttributes) -> None:
    assert validated(stored, REG) == counts


@pytest.mark.parametrize(
    ("file_type", "access", "options", "mode"),
    [
        (REG, ALL, MountOptions(), 0o777),
        (REG, READ, MountOptions(), 0o444),
        (DIR, ALL, MountOptions(umask=0o022), 0o755),
        (DIR, ALL, MountOptions(umask=0o002, dmask=0o070, fmask=0o777), 0o705),
        (REG, ALL, MountOptions(umask=0o002, dmask=0o777, fmask=0o111), 0o664),
        (LNK, READ, MountOptions(umask=0o777), 0o777),
        (FIFO, READ, MountOptions(fmask=0o004), 0o440),
    ],
)
def test_computed_modes(file_type: int, access: EffectiveAccess, options: MountOptions, mode: int) -> None:
    assert computed_mode(file_type, access, options) == file_type | mode


def test_what_is_stored_counts_with_metadata_alone() -> None:
    stored = LxAttributes(5, None, REG | 0o600)
    options = MountOptions(uid=1, gid=2, umask=0o077)
    assert shown(stored, REG, ALL, options) == (REG | 0o700, 1, 2)
    assert shown(stored, REG, ALL, options._replace(metadata=True)) == (REG | 0o600, 5, 2)
    assert shown(LxAttributes(mode=LNK | 0o600), LNK, ALL, options._replace(metadata=True))[0] == LNK | 0o777


@given(some.integers(), some.integers(), some.integers(), some.sampled_from([REG, DIR, LNK, FIFO]))
def test_anything_may_be_stored(uid: int, gid: int, mode: int, file_type: int) -> None:
    """What is shown always has the right type and ids that are some."""
    found = shown(LxAttributes(uid, gid, mode), file_type, READ, MountOptions(metadata=True))
    assert stat.S_IFMT(found[0]) == file_type
    assert found[0] <= 0o177777
    assert all(0 <= value < INVALID_ID for value in found[1:])


@pytest.mark.parametrize(
    ("mode", "after"),
    [
        (REG | 0o6755, REG | 0o755),
        (REG | 0o6745, REG | 0o2745),
        (REG | 0o4644, REG | 0o644),
        (REG | 0o644, REG | 0o644),
        (DIR | 0o6777, DIR | 0o6777),
    ],
)
def test_chown_takes_privileges(mode: int, after: int) -> None:
    assert mode_after_chown(mode) == after


def test_a_write_takes_both_bits() -> None:
    assert mode_after_write(REG | 0o6644) == REG | 0o644
    assert mode_after_write(REG | 0o1644) == REG | 0o1644


def test_read_only() -> None:
    assert [is_read_only(mode) for mode in (0o444, 0o555, 0, 0o200, 0o020, 0o002)] == [True] * 3 + [False] * 3


def test_what_mknod_may_make() -> None:
    types = (REG, FIFO, stat.S_IFSOCK, stat.S_IFCHR, stat.S_IFBLK)
    assert [may_make(each, MountOptions()) for each in types] == [True] + [False] * 4
    assert all(may_make(each, MountOptions(metadata=True)) for each in types)
    assert not may_make(0o050000, MountOptions(metadata=True))


def test_a_set_group_id_directory_is_inherited_from() -> None:
    assert inherited(REG | 0o644, 1, DIR | 0o2755, 7) == (REG | 0o644, 7)
    assert inherited(DIR | 0o755, 1, DIR | 0o2755, 7) == (DIR | 0o2755, 7)
    assert inherited(DIR | 0o755, 1, DIR | 0o755, 7) == (DIR | 0o755, 1)


def test_options_as_they_are_shown() -> None:
    options = MountOptions(True, 1, 2, 0o22, 0, 0o111, "dir", True)
    assert options.text() == "uid=1,gid=2,umask=22,fmask=111,metadata,case=dir"
