"""Takes instances in from archives and images, gives them out, and copies them."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

from picobox.errors import PicoboxError
from picobox.session.archives import images, reading
from picobox.session.archives.copying import copy_tree
from picobox.session.archives.packing import pack
from picobox.session.archives.unpacking import Unpacker
from picobox.session.archives.writing import compressed, format_of, replacing
from picobox.session.states import Step
from picobox.session.texts import Tree
from picobox.session.users import Users

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picobox.session.manager import Installation, Manager
    from picobox.session.registry import Instance

STANDARD = "-"


def import_instance(manager: Manager, name: str, base_path: str | None, file: str) -> Instance:
    """Makes an instance of a tar archive, an image in one, or an image in a directory; `-` is standard input.

    `base_path` None: a directory among the user's data. If it fails, nothing is left of it. SessionError, PicoboxError.
    """
    with manager.installing(name, base_path or manager.directory_of(name)) as installation:
        root = installation.instance.rootfs
        try:
            with Unpacker(root, file) as unpacker:
                _unpack(unpacker, file, installation)
                unpacker.finish()
        except OSError as error:
            raise PicoboxError(f"{file}: {error.filename or root}: {error.strerror}. Nothing is left of it.") from None
    return manager.find(installation.instance.guid).instance


def export_instance(manager: Manager, name: str, file: str, form: str | None = None) -> int:
    """Writes an instance, which is ended first, into a tar archive; gives the number of members.

    `form` None: what the file's name means; a file that is there is replaced once the archive is whole.
    """
    with manager.taken(name, Step.EXPORT) as instance:
        if file == STANDARD:
            return _export_to_output(instance.rootfs, form or "tar")
        with replacing(file) as output, compressed(output, form or format_of(file)) as packed:
            return pack(instance.rootfs, packed)


def _export_to_output(rootfs: str, form: str) -> int:
    try:
        # With a buffer of its own: what is left in it when nobody reads any more is not tried again at the end.
        with open(sys.stdout.fileno(), "wb", closefd=False) as output, compressed(output, form) as packed:
            return pack(rootfs, packed)
    except OSError as error:
        place = error.filename or "standard output"
        raise PicoboxError(f"{place}: {error.strerror}. What was written is no whole archive.") from None


def clone_instance(manager: Manager, name: str, new: str, base_path: str | None) -> Instance:
    """Copies an instance, which is ended first, under another name; files share their data where they can."""
    with manager.taken(name, Step.CONVERT) as instance:
        fields = {key: value for key, value in instance._asdict().items() if key in _COPIED}
        with manager.installing(new, base_path or manager.directory_of(new), **fields) as installation:
            try:
                copy_tree(instance.rootfs, installation.instance.rootfs, installation.instance.temp)
            except OSError as error:
                raise PicoboxError(f"{new}: {error.filename}: {error.strerror}. Nothing is left of it.") from None
    return manager.find(new).instance


_COPIED = ("default_uid", "environment", "drives", "flags", "version", "idle_timeout", "nt_files")


def _unpack(unpacker: Unpacker, file: str, installation: Installation) -> None:
    if file != STANDARD and os.path.isdir(file):
        _describe(installation, images.unpack(images.Directory(file), file, unpacker))
        return
    with _source(file) as source:
        content = reading.buffered(reading.plain(source))
        if not images.is_part(reading.first_name(content)):
            with reading.opened(content, file) as archive:
                unpacker.unpack(archive)
            return
        # Parts of an image are read in another order than that in which they lie.
        with tempfile.TemporaryFile(dir=installation.instance.temp) as whole:
            with reading.translated(file):
                shutil.copyfileobj(content, whole, 1 << 20)
            whole.seek(0)
            with images.in_file(cast("IO[bytes]", whole), file) as image:
                _describe(installation, images.unpack(image, file, unpacker))


def _describe(installation: Installation, told: images.Configuration) -> None:
    """Takes over what an image says of its programs: its environment over the usual one, and its user.

    One that its own /etc/passwd does not name is root's to be, as everywhere (facts wsl1.md 5.4).
    """
    usual = installation.instance.environment
    given = {entry.partition("=")[0] for entry in told.environment}
    kept = tuple(entry for entry in usual if entry.partition("=")[0] not in given)
    installation.found["environment"] = kept + told.environment
    user = told.user.partition(":")[0]
    if user.isdecimal():
        installation.found["default_uid"] = int(user)
    elif user:
        with Tree(installation.instance.rootfs) as tree:
            found = Users(tree.opened).named(user)
        if found is not None:
            installation.found["default_uid"] = found.uid


@contextmanager
def _source(file: str) -> Iterator[IO[bytes]]:
    if file == STANDARD:
        yield sys.stdin.buffer
        return
    try:
        source = open(file, "rb")  # noqa: SIM115  (what its reader raises is told elsewhere)
    except OSError as error:
        raise PicoboxError(f"{file}: {error.strerror}. Name an archive, or an image's directory.") from None
    with source:
        yield source
