"""Owns the situations of a path: as a guest spells it under nt, and as it is stored."""

from __future__ import annotations

from typing import NamedTuple

AT_SYMLINK_NOFOLLOW = 0x100
AT_SYMLINK_FOLLOW = 0x400
AT_EMPTY_PATH = 0x1000
NULL = "\1"
NOWHERE = "\2"


class Situation(NamedTuple):
    """A path as it is asked for, and the one that it means; likewise the working and the other directory.

    The paths may begin with `{root}`. Flags are for calls that take some of AT_*.
    """

    name: str
    asked: str
    meant: str
    cwd: tuple[str, str] = ("", "")
    directory: tuple[str, str] = ("", "")
    flags: int = 0


def _same(name: str, path: str, **others: object) -> Situation:
    return Situation(name, path, path, **others)  # type: ignore[arg-type]


_LONG = "n" * 256
_FILLER = "./" * 2100

SITUATIONS = (
    _same("exact", "File"),
    Situation("other case", "fILE", "File"),
    Situation("folded middle, exact end", "dIR/iNNER/File", "Dir/Inner/File"),
    Situation("folded middle", "DIR/inner/fILE", "Dir/Inner/File"),
    Situation("exact middle", "Dir/Inner/fILE", "Dir/Inner/File"),
    Situation("beyond ASCII", "DIR/éTÉ", "Dir/Été"),
    Situation("directory", "DIR/EMPTY", "Dir/Empty"),
    Situation("full directory", "DIR", "Dir"),
    _same("missing", "missing"),
    Situation("missing in folded", "DIR/missing", "Dir/missing"),
    _same("missing middle", "missing/fILE"),
    Situation("file in the middle", "fILE/File", "File/File"),
    _same("exact twin", "Twin"),
    _same("other exact twin", "tWIN"),
    Situation("neither twin", "TWIN", "Twin"),
    Situation("dots", "./DIR/./INNER/../fILE", "./Dir/./Inner/../File"),
    Situation("parent", "DIR/../fILE", "Dir/../File"),
    Situation("many slashes", ".//DIR///fILE", ".//Dir///File"),
    Situation("last is ..", "DIR/INNER/..", "Dir/Inner/.."),
    Situation("last is .", "DIR/.", "Dir/."),
    Situation("absolute", "{root}/DIR/fILE", "{root}/Dir/File"),
    Situation("after chdir", "INNER/fILE", "Inner/File", cwd=("DIR", "Dir")),
    Situation("after chdir, up", "../fILE", "../File", cwd=("DIR/INNER", "Dir/Inner")),
    Situation("after chdir through a link", "../fILE", "../File", cwd=("DIRTURNED/INNER", "DirTurned/Inner")),
    Situation("dirfd", "INNER/fILE", "Inner/File", directory=("DIR", "Dir")),
    Situation("dirfd, up", "../DIR/fILE", "../Dir/File", directory=("DIR", "Dir")),
    Situation("dirfd, absolute", "{root}/DIR/fILE", "{root}/Dir/File", directory=("Empty", "Empty")),
    Situation("dirfd of a file", "fILE", "File", directory=("fILE", "File")),
    _same("link", "Link"),
    Situation("link otherwise", "lINK", "Link"),
    Situation("link in folded", "DIR/uP", "Dir/Up"),
    Situation("link's text otherwise", "Turned", "Turned"),
    Situation("both otherwise", "tURNED", "Turned"),
    Situation("chain", "cHAIN", "Chain"),
    Situation("directory link", "dIRLINK/fILE", "DirLink/File"),
    Situation("directory link's text otherwise", "DirTurned/File", "DirTurned/File"),
    Situation("directory link, all otherwise", "dIRtURNED/INNER/fILE", "DirTurned/Inner/File"),
    Situation("directory link, up", "dIRtURNED/../fILE", "DirTurned/../File"),
    Situation("links to the parent", "dIR/tOP/DIR/Top/fILE", "Dir/Top/Dir/Top/File"),
    Situation("link itself", "tURNED", "Turned", flags=AT_SYMLINK_NOFOLLOW),
    Situation("link followed", "tURNED", "Turned", flags=AT_SYMLINK_FOLLOW),
    _same("dangling", "Dangling"),
    Situation("dangling otherwise", "dANGLING", "Dangling"),
    _same("loop", "Loop"),
    Situation("loop otherwise", "lOOP", "Loop"),
    Situation("through a loop", "lOOP/fILE", "Loop/File"),
    Situation("slash after a file", "fILE/", "File/"),
    Situation("slash after a directory", "EMPTY/", "Empty/"),
    Situation("slashes after a directory", "DIR/EMPTY///", "Dir/Empty///"),
    Situation("slash after a link", "tURNED/", "Turned/"),
    Situation("slash after a directory link", "dIRtURNED/", "DirTurned/"),
    _same("slash after nothing", "missing/"),
    _same("empty", ""),
    Situation("empty, itself", "", "", directory=("fILE", "File"), flags=AT_EMPTY_PATH),
    Situation("empty, a directory", "", "", directory=("DIR", "Dir"), flags=AT_EMPTY_PATH),
    Situation("empty, cwd", "", "", flags=AT_EMPTY_PATH),
    _same("NULL", NULL),
    _same("nowhere", NOWHERE),
    _same("long component", _LONG),
    Situation("long component in folded", "DIR/" + _LONG, "Dir/" + _LONG),
    _same("longest component", "n" * 255),
    _same("long path", _FILLER + "fILE"),
    Situation("longest path", ("./" * 2100)[: 4094 - 8] + "DIR/fILE", ("./" * 2100)[: 4094 - 8] + "Dir/File"),
    _same("no UTF-8", "Bad\udcff"),
    _same("no UTF-8, otherwise", "bAD\udcff"),
    Situation("no UTF-8 in folded", "DIR/../Bad\udcff", "Dir/../Bad\udcff"),
)
