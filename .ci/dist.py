"""Builds the source distribution and of it the wheel, checks that both are what they say, and runs the wheel installed.

python .ci/dist.py OUT PYTHON...

OUT gets both files. Each PYTHON gets an environment of its own, in which nothing but the wheel and what it needs is
installed, and no compiler is found. What is not as it should be ends this with a message.
"""

from __future__ import annotations

import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from abi3info import FUNCTIONS
from abi3info.models import Symbol
from elftools.elf.elffile import ELFFile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REPOSITORY = Path(__file__).parent.parent
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
# What tests of its own environment install, the same versions.
PINS = REPOSITORY / ".ci" / "requirements.txt"
CORE = "picobox/_native/_core.abi3.so"
# What building, testing and looking leave beside the sources.
LEFTOVERS = re.compile(
    r"(^|/)(__pycache__|\.cache|\.venv|build|dist|\.[a-z]+_cache|\.hypothesis)/|\.(so|pyc|o|egg-info)$"
)
# What belongs to the sources and not into a wheel.
SOURCES_ONLY = re.compile(r"\.(c|h)$|(^|/)(CMakeLists\.txt|tests|bench|docs)(/|$)")
MUSL_LIBRARY = Path("/usr/lib/x86_64-linux-musl/libc.so")
# Where Debian keeps the kernel's headers, which musl-gcc does not look for.
KERNEL_HEADERS = {"linux": "/usr/include/linux", "asm-generic": "/usr/include/asm-generic"}
KERNEL_HEADERS |= {"asm": "/usr/include/x86_64-linux-gnu/asm"}
# Where an installed wheel has what shells and man look for.
SHARED = ("man/man1/picobox.1", "man/man1/picobox-check.1", "bash-completion/completions/picobox")
SHARED += ("zsh/site-functions/_picobox", "fish/vendor_completions.d/picobox.fish")
SECONDS = 300


def say(text: str) -> None:
    """One line of what is done."""
    print(f"dist: {text}", flush=True)


def check(*, holds: bool, complaint: str) -> None:
    """Ends all unless something holds."""
    if not holds:
        sys.exit(f"dist: {complaint}")


def run(words: list[str], directory: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    """What a program prints; if it fails, that and the end."""
    done = subprocess.run(
        words,
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    check(holds=done.returncode == 0, complaint=f"{' '.join(words)}: status {done.returncode}\n{done.stdout}")
    return done.stdout


def only(directory: Path, pattern: str) -> Path:
    """The one file that a pattern finds."""
    found = list(directory.glob(pattern))
    check(holds=len(found) == 1, complaint=f"{directory} holds {len(found)} of {pattern}")
    return found[0]


def tracked() -> set[str]:
    """The files of the repository, committed or about to be; of an unpacked source distribution none."""
    command = ["git", "-c", f"safe.directory={REPOSITORY}", "ls-files", "-z", "-co", "--exclude-standard"]
    return set(run(command, REPOSITORY).split("\0")) - {""}


def build_sources(out: Path) -> Path:
    """The source distribution; it holds files of the repository alone, and what the wheel is built of."""
    run([sys.executable, "-m", "build", "--no-isolation", "--sdist", "--outdir", str(out), str(REPOSITORY)])
    made = only(out, "*.tar.gz")
    with tarfile.open(made) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    strangers = names - tracked() - {"PKG-INFO"}
    check(holds=not strangers, complaint=f"{made.name} holds what is not in the repository: {sorted(strangers)[:5]}")
    leftovers = sorted(filter(LEFTOVERS.search, names))
    check(holds=not leftovers, complaint=f"{made.name} holds leftovers: {leftovers[:5]}")
    wanted = {name for name in tracked() if name.startswith(("picobox/", "ntshim/", "tests/", "docs/", "LICENSE"))}
    check(holds=wanted <= names, complaint=f"{made.name} lacks {sorted(wanted - names)[:5]}")
    say(f"{made.name}: {len(names)} files, {made.stat().st_size // 1024} KiB")
    return made


def build_wheel(sources: Path, out: Path, settings: Mapping[str, str] | None = None) -> Path:
    """A wheel of the source distribution, unpacked where nothing else is."""
    with tempfile.TemporaryDirectory() as name:
        with tarfile.open(sources) as archive:
            archive.extractall(name, filter="data")
        tree = only(Path(name), "*")
        command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(out), str(tree)]
        run(command, environment={**os.environ, **(settings or {})})
    return only(out, "*.whl")


def check_contents(wheel: Path) -> None:
    """What is installed: the packages whole, typed, the compiled core, and no sources of it."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
        told = email.message_from_bytes(archive.read(metadata))
        entries = archive.read(metadata.replace("METADATA", "entry_points.txt")).decode()
    information = metadata.rpartition("/")[0]
    modules = {name for name in tracked() if re.match(r"(picobox|ntshim)/.*\.py$", name)}
    wanted = modules | {CORE, "picobox/py.typed", "ntshim/py.typed", f"{information}/licenses/LICENSE"}
    check(holds=wanted <= names, complaint=f"{wheel.name} lacks {sorted(wanted - names)[:5]}")
    strangers = sorted(name for name in names if SOURCES_ONLY.search(name) or LEFTOVERS.search(name.replace(CORE, "")))
    check(holds=not strangers, complaint=f"{wheel.name} holds {strangers[:5]}")
    says = (told["Name"], told["Version"], told["License-Expression"], told["Requires-Python"])
    should = (PROJECT["name"], PROJECT["version"], PROJECT["license"], PROJECT["requires-python"])
    check(holds=says == should, complaint=f"{wheel.name} calls itself {says}, not {should}")
    check(holds=f"picobox={PROJECT['scripts']['picobox']}" in entries.replace(" ", ""), complaint="no command picobox")


def audit(wheel: Path, out: Path) -> Path:
    """The wheel under the tag that its symbols allow: the stable ABI alone, the C library's alone."""
    check(holds="-cp311-abi3-" in wheel.name, complaint=f"{wheel.name} is not for the stable ABI of 3.11")
    run([sys.executable, "-m", "abi3audit", "--strict", str(wheel)])
    # Nothing is taken into the wheel: what is told of other libraries would be a mistake.
    run([sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", str(out), str(wheel)], environment=with_scripts())
    made = only(out, "*linux_*.whl")
    check(
        holds="manylinux" in made.name or "musllinux" in made.name, complaint=f"{made.name} is for this machine alone"
    )
    with zipfile.ZipFile(made) as archive:
        check(
            holds=not [name for name in archive.namelist() if ".libs/" in name],
            complaint=f"{made.name} takes libraries",
        )
    say(f"{made.name}: {made.stat().st_size // 1024} KiB")
    return made


def with_scripts() -> dict[str, str]:
    """The environment with the programs that are installed beside this Python."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def symbols(path: Path, *, defined: bool) -> set[str]:
    """The dynamic symbols that a library has, or wants of others."""
    with path.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".dynsym")
        found = [symbol for symbol in table.iter_symbols() if (symbol["st_shndx"] != "SHN_UNDEF") == defined]
        return {symbol.name for symbol in found if symbol["st_info"]["bind"] != "STB_WEAK" or defined} - {""}


def check_musl(sources: Path, directory: Path) -> None:
    """The core compiled by musl-gcc wants nothing but what musl and the stable ABI have.

    It is not run: that needs a Python made with musl, which .ci/run is on Alpine.
    """
    headers = directory / "headers"
    headers.mkdir()
    for name, place in KERNEL_HEADERS.items():
        (headers / name).symlink_to(place)
    wheel = build_wheel(sources, directory / "musl", {"CC": "musl-gcc", "CFLAGS": f"-idirafter {headers}"})
    with zipfile.ZipFile(wheel) as archive:
        core = Path(archive.extract(CORE, directory))
    with core.open("rb") as file:
        elf = ELFFile(file)
        needed = [tag.needed for tag in elf.get_section_by_name(".dynamic").iter_tags("DT_NEEDED")]
        versions = elf.get_section_by_name(".gnu.version_r")
    check(holds=needed == ["libc.so"] and versions is None, complaint=f"the core built with musl needs {needed}")
    wanted = symbols(core, defined=False)
    strangers = {name for name in wanted - symbols(MUSL_LIBRARY, defined=True) if not is_stable(name)}
    check(holds=not strangers, complaint=f"the core built with musl wants what musl does not have: {sorted(strangers)}")
    check(holds=bool(wanted), complaint="the core built with musl wants nothing at all")
    say(f"with musl: {len(wanted)} symbols, all of musl and of the stable ABI")


def is_stable(name: str) -> bool:
    """Whether a symbol is of the stable ABI."""
    from abi3info import DATAS

    return Symbol(name) in FUNCTIONS or Symbol(name) in DATAS


def pins() -> str:
    """The versions of .ci/requirements.txt without hashes, since the wheel that was just made has none there."""
    lines = re.findall(r"^([a-z0-9-]+==[^\\\n]+?) ?\\?$", PINS.read_text(), re.MULTILINE)
    return "\n".join(lines) + "\n"


def check_installed(wheel: Path, python: str, directory: Path) -> None:
    """In an environment with the wheel and what it needs, the command runs, and finds no compiler."""
    directory.mkdir()
    (directory / "pins.txt").write_text(pins())
    run([python, "-m", "venv", str(directory / "venv")])
    scripts = directory / "venv" / "bin"
    installing = ["install", "-q", "--only-binary", ":all:", "-c", str(directory / "pins.txt"), str(wheel)]
    run([str(scripts / "python"), "-m", "pip", *installing])
    work = directory / "work"
    work.mkdir()
    settings = {"PATH": str(scripts), "HOME": str(work), "LC_ALL": "C.UTF-8"}
    check(holds=shutil.which("cc", path=settings["PATH"]) is None, complaint=f"{scripts} holds a compiler")

    def installed(*words: str) -> str:
        return run([str(scripts / words[0]), *words[1:]], work, settings)

    place = installed(
        "python", "-c", "import ntshim.system, picobox._native._core as core; print(core.__file__)"
    ).strip()
    check(holds=place.startswith(str(directory)) and place.endswith(".abi3.so"), complaint=f"the core is {place}")
    for name in SHARED:
        check(holds=(directory / "venv" / "share" / name).is_file(), complaint=f"{wheel.name} installs no share/{name}")
    expect(installed("picobox", "completion", "bash"), lambda text: "complete " in text)
    expect(installed("picobox", "--version"), lambda text: text == f"{PROJECT['name']} {PROJECT['version']}\n")
    expect(installed("picobox", "--", "/bin/echo", "said"), lambda text: text.endswith("said\n"))
    expect(installed("picobox", "check", "--", "/bin/true"), lambda text: "no findings" in text)
    expect(installed("picobox", "doctor"), lambda text: "picobox can run programs here." in text)
    say(f"{wheel.name} runs under {installed('python', '--version').strip()}")


def expect(text: str, holds: Callable[[str], bool]) -> None:
    """Ends all unless something holds of what a command has printed."""
    check(holds=holds(text), complaint=f"an installed command printed\n{text}")


def main(out: Path, pythons: list[str]) -> None:
    """All of it."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="picobox-dist-") as name:
        directory = Path(name)
        sources = build_sources(out)
        built = build_wheel(sources, directory / "built")
        check_contents(built)
        wheel = audit(built, out)
        if MUSL_LIBRARY.exists():
            check_musl(sources, directory)
        for number, python in enumerate(pythons):
            check_installed(wheel, python, directory / f"python{number}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])
