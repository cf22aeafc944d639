"""Loads our modules in a process that is ours alone: straight from their compiled files, with stand-ins for libraries.

The compiled files are those that Python writes, and valid for the same reasons: where one is missing or not that of its
source, Python loads the module itself.
"""

from __future__ import annotations

import builtins
import marshal
import posix
import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import MAGIC_NUMBER, SourceFileLoader
from _imp import _fix_co_filename  # type: ignore[attr-defined]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, ModuleType
    from typing import Any

_PACKAGES = ("picobox", "ntshim")
_STAND_INS = {"typing": "picobox.start.typing", "re": "picobox.start.re"}
# A .pyc file begins with Python's magic number and flags, which are 0 if the source's time and size follow (PEP 552).
_HEADER = MAGIC_NUMBER + b"\0\0\0\0"
_HEADER_SIZE = 16
_MASK = 0xFFFF_FFFF
_Code = type((lambda: None).__code__)
_ENDING = f".{sys.implementation.cache_tag}.pyc"


def install() -> None:
    """Has it load every module of ours that is imported from now on, where compiled files are in their usual place."""
    if sys.flags.optimize == 0 and sys.pycache_prefix is None and not any(each is _Finder for each in sys.meta_path):
        sys.meta_path.insert(0, _Finder)


def _import(name: str, *others: Any) -> Any:
    """`import` as a module of ours says it."""
    stand_in = _STAND_INS.get(name)
    if stand_in is None:
        return _usual_import(name, *others)
    return sys.modules.get(stand_in) or _usual_import(stand_in, None, None, ("*",), 0)


_usual_import = builtins.__import__
_builtins = {**vars(builtins), "__import__": _import}


class _Loader(SourceFileLoader):
    """Loads one module whose code has been found."""

    def __init__(self, name: str, path: str, code: CodeType) -> None:
        super().__init__(name, path)
        self._code = code

    def get_code(self, _name: str) -> CodeType | None:
        """The code, found already."""
        return self._code

    def exec_module(self, module: ModuleType) -> None:
        """Runs the module; where it imports what has a stand-in, it gets that, unless it is itself one."""
        if not module.__name__.startswith(f"{__package__}."):
            vars(module)["__builtins__"] = _builtins
        super().exec_module(module)


class _Finder:
    """Finds modules of ours whose compiled files are those of their sources."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, _target: ModuleType | None = None) -> ModuleSpec | None:
        package, _, last = name.rpartition(".")
        if path is None or package.partition(".")[0] not in _PACKAGES:
            return None
        file = sys.modules[package].__file__ or ""
        directory = file[: file.rfind("/") + 1]
        source = f"{directory}{last}.py"
        cached = f"{directory}__pycache__/{last}{_ENDING}"
        code = _code(source, cached)
        is_package = code is None
        if is_package:
            source = f"{directory}{last}/__init__.py"
            cached = f"{directory}{last}/__pycache__/__init__{_ENDING}"
            code = _code(source, cached)
        if code is None:
            return None
        spec = ModuleSpec(name, _Loader(name, source, code), origin=source, is_package=is_package)
        spec.has_location = True
        spec.cached = cached
        if is_package:
            spec.submodule_search_locations = [f"{each}/{last}" for each in path]
        return spec


def _code(source: str, cached: str) -> CodeType | None:
    """The code of a source file as it is compiled already, None if it is not."""
    try:
        fd = posix.open(cached, posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        return None
    try:
        data = posix.read(fd, posix.fstat(fd).st_size)
        found = posix.stat(source)
    except OSError:
        return None
    finally:
        posix.close(fd)
    told = int(found.st_mtime) & _MASK, found.st_size & _MASK
    if not data.startswith(_HEADER + b"".join(number.to_bytes(4, "little") for number in told)):
        return None
    try:
        code = marshal.loads(memoryview(data)[_HEADER_SIZE:])  # noqa: S302  (Python reads the same file)
    except (EOFError, ValueError, TypeError):
        return None
    if not isinstance(code, _Code):
        return None
    # It may have been compiled under another path.
    _fix_co_filename(code, source)
    return code
