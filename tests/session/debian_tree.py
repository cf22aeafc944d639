"""Writes an archive of a small Debian out of what this machine has installed, as debootstrap lays out its least one."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# What offers awk is no essential package, but one that these need.
_WANTED = ("apt", "gawk", "mawk")
_LEFT_OUT = re.compile(
    r"/usr/share/(?:doc|man|locale|info|lintian|bug|i18n|zoneinfo)/|/usr/lib/x86_64-linux-gnu/gconv/|/etc/apt/"
)
_INFO = Path("/var/lib/dpkg/info")
_STATUS = Path("/var/lib/dpkg/status")
# /etc/passwd is made by scripts of packages, which nobody runs here.
_MASTER = Path("/usr/share/base-passwd")
_ADDED_USERS = {"passwd": "_apt:*:42:65534::/nonexistent:/usr/sbin/nologin\n", "group": ""}
_DIRECTORIES = (
    "dev", "proc", "sys", "tmp", "run", "root", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers",
    "var/lib/dpkg/alternatives", "var/cache/apt/archives/partial", "var/lib/apt/lists/partial", "var/log/apt",
    "etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/trusted.gpg.d", "etc/apt/sources.list.d", "repository",
)  # fmt: skip


def is_possible() -> bool:
    """Whether this machine is a Debian with a database of packages."""
    return _STATUS.exists() and (_INFO / "dpkg.list").exists() and _MASTER.is_dir()


def write_debian(archive: Path, added: Iterable[Path], sources: str) -> None:
    """`added`: files for /repository; `sources`: what /etc/apt/sources.list says."""
    stanzas = _stanzas()
    packages = _closure(stanzas)
    names = {"/bin", "/lib", "/lib64", "/sbin"} | {name for package in packages for name in _files_of(package)}
    with tarfile.open(archive, "w") as tar:
        for name in sorted(names):
            if os.path.lexists(name) and not _LEFT_OUT.search(name + "/" * os.path.isdir(name)):
                tar.add(name, name.lstrip("/") or ".", recursive=False)
        for directory in _DIRECTORIES:
            member = tarfile.TarInfo(directory)
            member.type, member.mode = tarfile.DIRTYPE, 0o1777 if directory == "tmp" else 0o755
            tar.addfile(member)
        for package in packages:
            for path in _INFO.glob(f"{package}[.:]*"):
                tar.add(path, str(path).lstrip("/"))
        # As the scripts of dash make it.
        shell = tarfile.TarInfo("usr/bin/sh")
        shell.type, shell.linkname = tarfile.SYMTYPE, "dash"
        tar.addfile(shell)
        _add(tar, "var/lib/dpkg/status", "\n".join(stanzas[package] for package in packages))
        _add(tar, "var/lib/dpkg/arch", "amd64\n")
        _add(tar, "etc/apt/sources.list", sources)
        for kind, more in _ADDED_USERS.items():
            _add(tar, f"etc/{kind}", (_MASTER / f"{kind}.master").read_text() + more)
        for path in added:
            tar.add(path, f"repository/{path.name}")


def make_package(directory: Path, control: str, scripts: dict[str, str], files: dict[str, tuple[str, int]]) -> Path:
    """A package of these files, each with its text and mode; `control` has its name first. Gives where it is."""
    tree = directory / "package"
    for name, (text, mode) in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
    (tree / "DEBIAN").mkdir(mode=0o755)
    (tree / "DEBIAN/control").write_text(control)
    for name, text in scripts.items():
        (tree / "DEBIAN" / name).write_text(text)
        (tree / "DEBIAN" / name).chmod(0o755 if text.startswith("#!") else 0o644)
    made = directory / "package.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, made], check=True, stdout=subprocess.DEVNULL)
    return made


def make_index(directory: Path, package: Path) -> Path:
    """The index of a repository with one package."""
    control = subprocess.run(["dpkg-deb", "-f", package], check=True, capture_output=True, text=True).stdout
    content = package.read_bytes()
    index = directory / "Packages"
    digest = hashlib.sha256(content).hexdigest()
    index.write_text(f"{control}Filename: ./{package.name}\nSize: {len(content)}\nSHA256: {digest}\n")
    return index


def _add(tar: tarfile.TarFile, name: str, text: str) -> None:
    member = tarfile.TarInfo(name)
    member.mode, member.size = 0o644, len(text.encode())
    tar.addfile(member, io.BytesIO(text.encode()))


def _stanzas() -> dict[str, str]:
    """What is installed, by name."""
    found = {}
    for stanza in _STATUS.read_text().split("\n\n"):
        if "\nStatus: install ok installed" in stanza:
            found[stanza.partition("\n")[0].removeprefix("Package: ")] = stanza.strip() + "\n"
    return found


def _closure(stanzas: dict[str, str]) -> list[str]:
    """The wanted packages with all that they depend on, as far as it is installed by its own name."""
    found: set[str] = set()
    left = [*_WANTED, *(name for name, stanza in stanzas.items() if "\nEssential: yes\n" in stanza)]
    while left:
        package = left.pop()
        if package in found or package not in stanzas:
            continue
        found.add(package)
        for line in re.findall(r"^(?:Pre-)?Depends: (.*)$", stanzas[package], re.MULTILINE):
            left += [re.split(r"[ :(]", each.strip())[0] for each in re.split(r"[,|]", line)]
    return sorted(found)


def _files_of(package: str) -> set[str]:
    lists = [path for path in (_INFO / f"{package}.list", _INFO / f"{package}:amd64.list") if path.exists()]
    return {name for path in lists for name in path.read_text().split("\n") if name}
