"""Reads names where they are stored, without looking at what they name: directory trees and git's index."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from picobox.errors import PicoboxError
from picobox.findings.name_lists import NameList

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# What a version control system keeps here is made anew on each machine, and checked out nowhere.
_KEPT_BY_TOOLS = frozenset((".git", ".hg", ".jj", ".svn"))
# What archives are called that picobox reads, or says why it does not.
ARCHIVE_SUFFIXES = (
    ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tzst", ".zip", ".whl",
    ".jar", ".egg",
)  # fmt: skip
_GIT_SYMLINK = "120000"
_GIT_SUBMODULE = "160000"
_GIT_TIMEOUT = 300
_ELSEWHERE = ("/", "../", "./..")
_LONGEST_TARGET = 4096  # PATH_MAX


class Tree(NamedTuple):
    """The names of a directory tree, and one line for each directory in it that could not be read."""

    names: NameList
    failures: list[str]


def is_directory(path: str, *, follow: bool = True) -> bool:
    """Whether there is a directory at a path."""
    return os.path.isdir(path) and (follow or not os.path.islink(path))


def links_among(paths: Iterable[str]) -> dict[str, str]:
    """Those of some paths that are symbolic links, and where they lead."""
    return {path: _target(path) for path in paths if os.path.islink(path)}


def is_regular(path: str) -> bool:
    """Whether a path leads to a regular file. PicoboxError if nothing is there."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError as error:
        if os.path.islink(path):
            return False
        raise PicoboxError(f"{path}: {error.strerror}. Name a directory, an archive or a file that is there.") from None


def absolute(path: str) -> str:
    """A path from the root, without links being looked at. PicoboxError if the working directory is gone."""
    try:
        return os.path.abspath(path)
    except FileNotFoundError:
        raise PicoboxError("the working directory is gone. Change into one that is there.") from None


def name_of(path: str) -> str:
    """The last part of a path."""
    return os.path.basename(path)


def stem_of(path: str) -> str:
    """The last part of an archive's path, without what tells that it is an archive."""
    name = os.path.basename(path)
    suffix = next((suffix for suffix in ARCHIVE_SUFFIXES if name.lower().endswith(suffix)), "")
    return name[: len(name) - len(suffix)]


def placed(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names as paths from the working directory, and those that lie elsewhere as paths from the root directory.

    They are read by their text alone; what is below the working directory already is left as it is given.
    """
    if not any(name.startswith(_ELSEWHERE) for name in names):
        return list(names), []
    here = os.getcwd()
    prefix = here.rstrip("/") + "/"
    below: list[str] = []
    elsewhere: list[str] = []
    for name in names:
        if not name.startswith(_ELSEWHERE):
            below.append(name)
            continue
        whole = os.path.normpath(os.path.join(here, name)) + ("/" if name.endswith("/") else "")
        if whole.startswith(prefix):
            below.append(whole[len(prefix) :])
        else:
            elsewhere.append(whole.lstrip("/"))
    return below, elsewhere


def in_repository(path: str, root: str) -> str:
    """A path as git has it in an index: from the repository's root, without links being followed in its last part."""
    head, name = os.path.split(os.path.abspath(path))
    return os.path.relpath(os.path.join(os.path.realpath(head), name), os.path.realpath(root)).replace(os.sep, "/")


def tree(root: str) -> Tree:
    """All names below a directory; symbolic links are not followed. PicoboxError if it cannot be read itself."""
    paths: list[str] = []
    directories: list[str] = []
    links: dict[str, str] = {}
    failures: list[str] = []
    pending = [""]
    while pending:
        below = pending.pop()
        try:
            with os.scandir(f"{root}/{below}" if below else root) as entries:
                head = f"{below}/" if below else ""
                for entry in entries:
                    path = head + entry.name
                    paths.append(path)
                    if entry.is_dir(follow_symlinks=False):
                        directories.append(path)
                        if entry.name not in _KEPT_BY_TOOLS:
                            pending.append(path)
                    elif entry.is_symlink():
                        links[path] = _target(f"{root}/{path}")
        except OSError as error:
            if not below:
                raise PicoboxError(f"{root}: {error.strerror}. Name a directory that you may read.") from None
            failures.append(f"{root}/{below}: {error.strerror}. The names in it were not judged.")
    return Tree(NameList(absolute(root), paths, frozenset(directories), links), failures)


def _target(path: str) -> str:
    """Where a symbolic link leads; "" if it is gone."""
    try:
        return os.readlink(path)
    except OSError:
        return ""


def git_index(directory: str) -> NameList:
    """The names in the index of the git repository that holds a directory, staged symbolic links told apart."""
    root = git_root(directory)
    # A line is mode, object and stage, of the same length in all lines of an index, then a tab and the path.
    lines = _text(_git(root, "ls-files", "-z", "--stage", "--full-name")).split("\0")[:-1]
    start = lines[0].index("\t") + 1 if lines else 0
    links = {line[start:]: line.split(" ", 2)[1] for line in lines if line.startswith(_GIT_SYMLINK)}
    return NameList(
        root,
        [line[start:] for line in lines],
        frozenset(line[start:] for line in lines if line.startswith(_GIT_SUBMODULE)),
        _staged_targets(root, links),
    )


def _staged_targets(root: str, objects: dict[str, str]) -> dict[str, str]:
    """Where staged symbolic links lead, by the objects that hold it; "" where one is missing or holds no path."""
    names = sorted(set(objects.values()))
    listed = _git(root, "cat-file", "--batch-check", given=names) if names else b""
    # Each line is the object, its type and its size, or the object and "missing".
    sizes = {found[0]: int(found[2]) for found in map(bytes.split, listed.splitlines()) if found[1:2] == [b"blob"]}
    usable = [name for name, size in sizes.items() if size <= _LONGEST_TARGET]
    contents = _git(root, "cat-file", "--batch", given=map(bytes.decode, usable)) if usable else b""
    targets: dict[str, str] = {}
    place = 0
    for name in usable:
        start = contents.index(b"\n", place) + 1
        end = start + sizes[name]
        targets[name.decode()] = _text(contents[start:end])
        place = end + 1  # behind the newline that ends it
    return {path: targets.get(name, "") for path, name in objects.items()}


def git_root(directory: str) -> str:
    """The root of the git repository that holds a directory."""
    return absolute(_text(_git(directory, "rev-parse", "--show-toplevel")).removesuffix("\n"))


def _git(directory: str, *words: str, given: Iterable[str] = ()) -> bytes:
    """What git prints in a directory, given lines on standard input. PicoboxError if it cannot be run, or refuses."""
    import subprocess

    # An index can name a program that is to watch for changes; nothing of a repository is to run here.
    command = ["git", "-C", directory, "-c", "core.fsmonitor=false", *words]
    lines = "".join(f"{line}\n" for line in given).encode()
    try:
        done = subprocess.run(command, input=lines, capture_output=True, check=False, timeout=_GIT_TIMEOUT)
    except FileNotFoundError:
        raise PicoboxError("--git: git was not found. Install it, or name a directory without --git.") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PicoboxError(f"--git: git could not be run: {error}. Name a directory without --git.") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise PicoboxError(
            f"--git: {directory}: {said or f'git ended with status {done.returncode}'}. "
            "Name a directory of a git repository."
        )
    return done.stdout


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
