"""Reads images of containers: OCI layouts and what `docker save` writes, in a directory or an archive."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from picobox.session.archives.errors import ArchiveError
from picobox.session.archives.reading import opened, plain, translated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picobox.session.archives.unpacking import Unpacker

_INDEX, _MANIFEST = "index.json", "manifest.json"
_PLATFORM = {"os": "linux", "architecture": "amd64"}
_MOST_JSON = 16 << 20
# An index may name another one.
_DEEPEST = 4


class Configuration(NamedTuple):
    """What an image says of the programs in it: entries of the environment, and the user, as it is written there."""

    environment: tuple[str, ...]
    user: str


class _Layer(NamedTuple):
    """A layer's file in the image, and the digest of what is in it once it is decompressed, empty if unknown."""

    path: str
    digest: str


class Source(Protocol):
    """Where the files of an image are."""

    def open(self, path: str) -> IO[bytes]:
        """One of them. ArchiveError if it is not there."""


def is_part(name: str) -> bool:
    """Whether a member with which an archive begins is an image's and no tree's."""
    first = name.removeprefix("./").partition("/")[0]
    is_digest = len(first.removesuffix(".json")) == 64 and not set(first.removesuffix(".json")) - set(
        "0123456789abcdef"
    )
    return first in ("blobs", "oci-layout", _INDEX, _MANIFEST, "repositories") or is_digest


class Directory:
    """An image in a directory."""

    def __init__(self, path: str) -> None:
        self._path = path

    def open(self, path: str) -> IO[bytes]:
        """See Source."""
        if ".." in path.split("/"):
            raise ArchiveError(_broken(self._path, f"{path!r} leads out of it"))
        try:
            return open(os.path.join(self._path, path), "rb")
        except FileNotFoundError:
            raise ArchiveError(_broken(self._path, f"{path} is missing")) from None


class Archive:
    """An image in a tar archive in a file that can be read anywhere."""

    def __init__(self, archive: tarfile.TarFile, name: str) -> None:
        self._archive = archive
        self._name = name
        self._members = {member.name.removeprefix("./"): member for member in archive}

    def open(self, path: str) -> IO[bytes]:
        """See Source."""
        member = self._members.get(path)
        content = None if member is None else self._archive.extractfile(member)
        if content is None:
            raise ArchiveError(_broken(self._name, f"{path} is missing"))
        return content


@contextmanager
def in_file(file: IO[bytes], name: str) -> Iterator[Archive]:
    """The image in an archive, which is not compressed. ArchiveError if it is damaged."""
    with translated(name), tarfile.open(fileobj=file, mode="r:", errorlevel=2) as archive:
        yield Archive(archive, name)


def unpack(source: Source, name: str, unpacker: Unpacker) -> Configuration:
    """Unpacks the layers of the image for this machine, each over those before it; gives what it says of itself.

    ArchiveError if a part is missing, is not what its digest says, or is for other machines only; OSError.
    """
    layers, told = _docker(source, name) if _has(source, _MANIFEST) else _oci(source, name)
    for layer in layers:
        with source.open(layer.path) as packed:
            content = _Digested(plain(io.BufferedReader(cast("Any", packed))))
            with opened(cast("IO[bytes]", content), f"{name}: {layer.path}") as archive:
                unpacker.unpack(archive, is_layer=True)
            if layer.digest and content.digest != layer.digest:
                raise ArchiveError(_broken(name, f"{layer.path} is {content.digest} and should be {layer.digest}"))
    config = told.get("config") or {}
    return Configuration(tuple(config.get("Env") or ()), config.get("User") or "")


class _Digested(io.RawIOBase):
    """Content whose digest is taken as it is read."""

    def __init__(self, content: IO[bytes]) -> None:
        self._content = content
        self._hash = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        piece = self._content.read(size)
        self._hash.update(piece)
        return piece

    @property
    def digest(self) -> str:
        """Of what was read."""
        return f"sha256:{self._hash.hexdigest()}"


def _docker(source: Source, name: str) -> tuple[list[_Layer], dict[str, Any]]:
    manifests = _json(source, _MANIFEST, name)
    try:
        chosen = manifests[0]
        told = _json(source, chosen["Config"], name)
        return _layers(chosen["Layers"], told, name), told
    except (KeyError, IndexError, TypeError):
        raise ArchiveError(_broken(name, f"{_MANIFEST} names no image")) from None


def _oci(source: Source, name: str) -> tuple[list[_Layer], dict[str, Any]]:
    try:
        manifest = _json(source, _INDEX, name)
        for _ in range(_DEEPEST):
            if "manifests" not in manifest:
                break
            manifest = _blob(source, _chosen(manifest["manifests"], name), name)
        told = _blob(source, manifest["config"]["digest"], name)
        return _layers([_path(layer["digest"], name) for layer in manifest["layers"]], told, name), told
    except (KeyError, TypeError):
        raise ArchiveError(_broken(name, "its manifest names no image")) from None


def _layers(paths: list[str], told: dict[str, Any], name: str) -> list[_Layer]:
    digests = told.get("rootfs", {}).get("diff_ids") or []
    if len(digests) != len(paths):
        raise ArchiveError(_broken(name, f"{len(paths)} layers have {len(digests)} digests"))
    return [_Layer(path, digest) for path, digest in zip(paths, digests, strict=True)]


def _chosen(manifests: list[dict[str, Any]], name: str) -> str:
    """The digest of the first manifest for this machine."""
    for each in manifests:
        platform = each.get("platform") or _PLATFORM
        if all(platform.get(key) == value for key, value in _PLATFORM.items()):
            return str(each["digest"])
    raise ArchiveError(f"{name}: it is for other machines only. Fetch the image for linux/amd64.")


def _blob(source: Source, digest: str, name: str) -> dict[str, Any]:
    with source.open(_path(digest, name)) as file:
        content = file.read(_MOST_JSON)
    found = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if found != digest:
        raise ArchiveError(_broken(name, f"a blob is {found} and should be {digest}"))
    return cast("dict[str, Any]", _parsed(content, digest, name))


def _path(digest: str, name: str) -> str:
    algorithm, _, value = digest.partition(":")
    if algorithm != "sha256" or len(value) != 64 or set(value) - set("0123456789abcdef"):
        raise ArchiveError(_broken(name, f"{digest!r} is no digest by SHA-256"))
    return f"blobs/sha256/{value}"


def _json(source: Source, path: str, name: str) -> Any:
    with source.open(path) as file:
        return _parsed(file.read(_MOST_JSON), path, name)


def _parsed(content: bytes, path: str, name: str) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise ArchiveError(_broken(name, f"{path} is no JSON")) from None


def _has(source: Source, path: str) -> bool:
    try:
        source.open(path).close()
    except ArchiveError:
        return False
    return True


def _broken(name: str, why: str) -> str:
    return f"{name}: it is no whole image: {why}. Save it anew."
