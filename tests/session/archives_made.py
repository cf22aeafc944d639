"""Archives and images that tests make, and all that an archive says of its members."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from typing import Any

ODD_NAMES = (
    "a b",
    "new\nline",
    "*",
    "-rf",
    "ä",
    os.fsdecode(b"\xff\xfe"),
    "x" * 255,
    " ",
    "\\",
    "Makefile",
    "MAKEFILE",
)
BINARY = b"\x01\0\0\2\xff\xfe\0\n=\0"


def member(name: str, kind: bytes = tarfile.REGTYPE, **fields: Any) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.mtime, made.uid, made.gid = kind, 1_600_000_000, 0, 0
    made.mode = {tarfile.DIRTYPE: 0o755, tarfile.SYMTYPE: 0o777}.get(kind, 0o644)
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def archive_of(*members: tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT, errors="surrogateescape") as archive:
        for each in members:
            made, content = each if isinstance(each, tuple) else (each, b"")
            made.size = len(content)
            archive.addfile(made, io.BytesIO(content))
    return output.getvalue()


def told(content: bytes) -> dict[str, tuple[object, ...]]:
    """All that an archive says of each member, but which of a file's names is the first."""
    found: dict[str, tuple[object, ...]] = {}
    with tarfile.open(fileobj=io.BytesIO(content), errors="surrogateescape") as archive:
        for each in archive:
            first = archive.getmember(each.linkname) if each.islnk() else each
            attributes = {key: value for key, value in first.pax_headers.items() if key.startswith("SCHILY.xattr.")}
            data = archive.extractfile(first) if first.isreg() else None
            digest = hashlib.sha256(data.read()).hexdigest() if data else ""
            found[each.name.removeprefix("./")] = (
                tarfile.REGTYPE if each.islnk() else each.type,
                oct(first.mode), first.uid, first.gid, first.mtime, first.size, digest,
                each.linkname if each.issym() else "",
                (first.devmajor, first.devminor) if each.isdev() and not each.isfifo() else (),
                attributes,
            )  # fmt: skip
    return found


def everything() -> bytes:
    """A tree that has one of each kind."""
    directory = tarfile.DIRTYPE
    attributes = {
        "SCHILY.xattr.user.plain": "value",
        "SCHILY.xattr.security.capability": BINARY.decode("utf-8", "surrogateescape"),
    }
    return archive_of(
        member(".", directory, mode=0o711, uid=3),
        member("etc", directory, pax_headers={"mtime": "1600000000.123456789"}),
        (member("etc/shadow", mode=0o640, gid=42), b"root:*:\n"),
        (member("etc/none", mode=0, uid=65534, gid=65534), b""),
        (member("etc/old", mtime=0), b"old"),
        member("bin", tarfile.SYMTYPE, linkname="usr/bin"),
        member("loop", tarfile.SYMTYPE, linkname="loop", uid=1000, gid=1000),
        member("dangling", tarfile.SYMTYPE, linkname="/nowhere\n"),
        member("usr", directory),
        member("usr/bin", directory),
        (member("usr/bin/su", mode=0o4755, pax_headers=attributes), b"\x7fELF"),
        member("usr/bin/again", tarfile.LNKTYPE, linkname="usr/bin/su"),
        member("tmp", directory, mode=0o1777),
        member("closed", directory, mode=0),
        (member("closed/in", mode=0o400, uid=7), b"in"),
        member("dev", directory),
        member("dev/null", tarfile.CHRTYPE, mode=0o666, devmajor=1, devminor=3),
        member("dev/loop0", tarfile.BLKTYPE, mode=0o660, gid=6, devmajor=7, devminor=0),
        member("dev/pipe", tarfile.FIFOTYPE, mode=0o620, uid=5, gid=5),
        member("odd", directory),
        *((member(f"odd/{name}"), name.encode("utf-8", "surrogateescape")) for name in ODD_NAMES),
    )


class Image:
    """Files of an image of these layers."""

    def __init__(self, *layers: bytes, architecture: str = "amd64", user: str = "1000") -> None:
        self.files: dict[str, bytes] = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
        config = {
            "config": {"Env": ["PATH=/bin", "A=b"], "User": user},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(each).hexdigest()}" for each in layers]},
        }
        self.config = self._blob(json.dumps(config).encode())
        self.layers = [self._blob(gzip.compress(each, mtime=0)) for each in layers]
        manifest = {"config": {"digest": self.config}, "layers": [{"digest": each} for each in self.layers]}
        inner = self._blob(json.dumps(manifest).encode())
        other = {"digest": f"sha256:{'0' * 64}", "platform": {"os": "linux", "architecture": "arm64"}}
        chosen = {"digest": inner, "platform": {"os": "linux", "architecture": architecture}}
        outer = self._blob(json.dumps({"manifests": [other, chosen]}).encode())
        self.files["index.json"] = json.dumps({"manifests": [{"digest": outer}]}).encode()

    def _blob(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        self.files[f"blobs/sha256/{digest}"] = content
        return f"sha256:{digest}"

    def saved_by_docker(self) -> None:
        paths = [f"blobs/sha256/{digest.removeprefix('sha256:')}" for digest in (self.config, *self.layers)]
        manifest = [{"Config": paths[0], "RepoTags": ["x:latest"], "Layers": paths[1:]}]
        self.files = {path: self.files[path] for path in paths} | {"manifest.json": json.dumps(manifest).encode()}

    def archive(self) -> bytes:
        return archive_of(*((member(name), content) for name, content in self.files.items()))
