"""Lists the members of a tar archive by its headers: ustar, pax and GNU's (POSIX.1-2024 pax, GNU tar's manual)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from picobox.platform.archive_members import CUT_OFF, ArchiveError, Member, member

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 512
_EMPTY = bytes(BLOCK)
_DAMAGED = "a header in it is damaged"
_MOST_EXTENSION = 1 << 20  # bytes of a header that only tells of another one

_LINK, _SYMLINK, _DIRECTORY = b"1", b"2", b"5"
# What has no data, whatever size its header tells: links, devices, directories, FIFOs.
_WITHOUT_DATA = frozenset((_LINK, _SYMLINK, b"3", b"4", _DIRECTORY, b"6"))
_PAX, _PAX_GLOBAL, _GNU_NAME, _GNU_LINK, _GNU_SPARSE = b"x", b"g", b"L", b"K", b"S"
_VOLUME, _CONTINUED = b"V", b"M"
_LARGE = 0x80  # a number in the base 256


class Bytes(Protocol):
    """The bytes of an archive, from the first one to the last."""

    def read(self, count: int, /) -> bytes:
        """The next `count` bytes, fewer only at the end."""
        ...

    def skip(self, count: int, /) -> None:
        """Go on behind the next `count` bytes. ArchiveError if there are fewer."""
        ...


def is_header(block: bytes) -> bool:
    """Whether a block is a header: it says so, or its check sum is right."""
    if len(block) != BLOCK or block == _EMPTY:
        return False
    return block[257:262] == b"ustar" or _sum(block) == _octal(block[148:156])


def tar_members(data: Bytes) -> Iterator[Member]:
    """The members, in the order of the archive. Raises ArchiveError."""
    everywhere: dict[bytes, bytes] = {}
    here: dict[bytes, bytes] = {}
    while True:
        header = data.read(BLOCK)
        if header == _EMPTY or not header:
            return
        if len(header) < BLOCK:
            raise ArchiveError(CUT_OFF)
        if not is_header(header):
            raise ArchiveError(_DAMAGED)
        kind, size = header[156:157], _number(header[124:136])
        if kind in (_PAX, _PAX_GLOBAL, _GNU_NAME, _GNU_LINK):
            content = _extension(data, size)
            if kind in (_GNU_NAME, _GNU_LINK):
                here[b"path" if kind == _GNU_NAME else b"linkpath"] = content.partition(b"\0")[0]
            else:
                (here if kind == _PAX else everywhere).update(_records(content))
            continue
        told, here = everywhere | here, {}
        if kind not in _WITHOUT_DATA:
            _skip_content(data, header, _decimal(told[b"size"]) if b"size" in told else size)
        if kind not in (_VOLUME, _CONTINUED):
            name = told.get(b"GNU.sparse.name") or told.get(b"path") or _name(header)
            target = told.get(b"linkpath") or header[157:257].partition(b"\0")[0]
            if kind == _LINK:
                # The name of another member, from the root of the archive.
                target = b"../" * name.strip(b"/").count(b"/") + target
            yield member(name, directory=kind == _DIRECTORY, link=kind in (_LINK, _SYMLINK), target=target)


def _extension(data: Bytes, size: int) -> bytes:
    if size > _MOST_EXTENSION:
        raise ArchiveError(f"a header in it has over {_MOST_EXTENSION:,} bytes")
    content = data.read(_rounded(size))
    if len(content) < size:
        raise ArchiveError(CUT_OFF)
    return content[:size]


def _skip_content(data: Bytes, header: bytes, size: int) -> None:
    # An old sparse file of GNU's has more headers, each of which says whether another one follows.
    more = header[156:157] == _GNU_SPARSE and header[482]
    while more:
        block = data.read(BLOCK)
        if len(block) < BLOCK:
            raise ArchiveError(CUT_OFF)
        more = block[504]
    data.skip(_rounded(size))


def _records(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The keywords and values of a pax header: records of their own length, a blank, keyword=value and a newline."""
    place = 0
    while place < len(content):
        blank = content.find(b" ", place)
        end = place + _decimal(content[place:blank])
        keyword, equals, value = content[blank + 1 : end].partition(b"=")
        if blank < 0 or not equals or end > len(content) or value[-1:] != b"\n":
            raise ArchiveError(_DAMAGED)
        yield keyword, value[:-1]
        place = end


def _name(header: bytes) -> bytes:
    name = header[:100].partition(b"\0")[0]
    prefix = header[345:500].partition(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _number(field: bytes) -> int:
    """A number of a header: octal digits, or with the first bit set one in the base 256."""
    value = int.from_bytes(field[1:]) if field[0] == _LARGE else _octal(field)
    if value is None or field[0] > _LARGE:
        raise ArchiveError(_DAMAGED)
    return value


def _octal(field: bytes) -> int | None:
    digits = field.strip(b" \0").partition(b"\0")[0]
    if not digits:
        return 0
    return int(digits, 8) if digits.isdigit() and not digits.strip(b"01234567") else None


def _decimal(digits: bytes) -> int:
    if not digits.isdigit() or len(digits) > 20:
        raise ArchiveError(_DAMAGED)
    return int(digits)


def _sum(block: bytes) -> int:
    """The check sum of a header, whose own field counts as blanks."""
    return sum(block) - sum(block[148:156]) + 8 * ord(" ")


def _rounded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
