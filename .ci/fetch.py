"""Downloads the files of others that tests read, as inputs.toml names them; --fast leaves out the full tier's."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from inputs import Input, MissingInputError, input_file, load

# Seconds for one release; a source distribution also has its build tools fetched, which tell pip its name.
TIMEOUT = 300


def download(wanted: Input, folder: Path) -> Path:
    """Let pip download a release; returns its one file, which must have the name that the table gives it."""
    project = wanted.pypi.partition("==")[0]
    kind = ("--only-binary", ":all:") if wanted.file.endswith(".whl") else ("--no-binary", project)
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", *kind, "-d", str(folder), wanted.pypi]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    if done.returncode != 0:
        raise MissingInputError(f"{wanted.pypi} cannot be downloaded: {' '.join(done.stderr.split())[-500:]}")
    names = [path.name for path in folder.iterdir()]
    if names != [wanted.file]:
        raise MissingInputError(f"{wanted.pypi} is {', '.join(names)}, not {wanted.file}: mend .ci/inputs.toml")
    return folder / wanted.file


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
