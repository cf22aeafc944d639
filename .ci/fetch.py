"""Downloads the files of others that tests read, as inputs.toml names them; --fast leaves out the full tier's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from pathlib import Path
from urllib.parse import urljoin

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from inputs import Input, MissingInputError, input_file, load

# Seconds for one release.
TIMEOUT = 300
INDEX = "https://pypi.org/simple"


def wheel_options(file: str) -> list[str]:
    """What makes pip choose this wheel of a release on any machine: the tags in its name."""
    python, abi, platforms = file.removesuffix(".whl").split("-")[-3:]
    implementation = "cp" if python.startswith("cp") else "py"
    options = ["--only-binary", ":all:", "--python-version", "3.11", "--implementation", implementation, "--abi", abi]
    return options + [word for platform in platforms.split(".") for word in ("--platform", platform)]


def download(wanted: Input, folder: Path) -> Path:
    """Download a release; returns its one file, which must have the name that the table gives it."""
    if wanted.file.endswith(".whl"):
        download_wheel(wanted, folder)
    else:
        download_source(wanted, folder)
    names = [path.name for path in folder.iterdir()]
    if names != [wanted.file]:
        raise MissingInputError(f"{wanted.pypi} is {', '.join(names)}, not {wanted.file}: mend .ci/inputs.toml")
    return folder / wanted.file


def download_wheel(wanted: Input, folder: Path) -> None:
    """Let pip choose and download the wheel."""
    options = wheel_options(wanted.file)
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", *options, "-d", str(folder), wanted.pypi]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    if done.returncode != 0:
        raise MissingInputError(f"{wanted.pypi} cannot be downloaded: {' '.join(done.stderr.split())[-500:]}")


def download_source(wanted: Input, folder: Path) -> None:
    """Take the source distribution from the index as it is; pip would build it first, to learn its name."""
    index = os.environ.get("PIP_INDEX_URL", INDEX).rstrip("/")
    page = f"{index}/{wanted.pypi.partition('==')[0]}/"
    try:
        # ruff: noqa: S310 - a file: index is what its user has asked for.
        request = urllib.request.Request(page, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            files = json.load(answer)["files"]
        for file in files:
            if file["filename"] == wanted.file:
                with urllib.request.urlopen(urljoin(page, file["url"]), timeout=TIMEOUT) as answer:
                    (folder / wanted.file).write_bytes(answer.read())
    except (OSError, ValueError, KeyError) as error:
        raise MissingInputError(f"{wanted.pypi} cannot be downloaded from {page}: {error}") from None


def member_of(archive: Path, name: str) -> bytes:
    """The bytes of one file of a wheel or a source distribution."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(name)
    with tarfile.open(archive) as source:
        stream = source.extractfile(name)
        if stream is None:
            raise MissingInputError(f"{name} in {archive.name} is no file")
        return stream.read()


def fetch(wanted: Input) -> None:
    """Put an input into the cache, whole and checked, or raise MissingInputError."""
    with tempfile.TemporaryDirectory() as folder:
        archive = download(wanted, Path(folder))
        try:
            data = member_of(archive, wanted.member) if wanted.member else archive.read_bytes()
        except KeyError:
            raise MissingInputError(f"{wanted.file} holds no {wanted.member}: mend .ci/inputs.toml") from None
    if not wanted.is_sound(data):
        raise MissingInputError(f"{wanted.pypi} has other bytes than .ci/inputs.toml pins for {wanted.name}")
    path = wanted.path()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_bytes(data)
    part.replace(path)


def main(arguments: list[str]) -> int:
    """Fetch what is not in the cache; the status is 1 if any of it could not be had."""
    status = 0
    for wanted in load().values():
        if wanted.full and "--fast" in arguments:
            continue
        try:
            input_file(wanted.name)
        except MissingInputError:
            try:
                fetch(wanted)
            except (MissingInputError, subprocess.TimeoutExpired) as error:
                print(f".ci/fetch.py: {error}", file=sys.stderr)
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
