"""Loads our modules in a process that is ours alone: straight from their compiled files, with stand-ins for libraries.

The compiled files are those that Python writes, and valid for the same reasons: where one is missing or not that of its
source, the module is compiled as Python does it.
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
# What has been loaded before, and needs no stand-in.
_FIRST = {"picobox", "picobox.__main__", "picobox.cli"}
_BEFORE = "picobox.start"
# What is imported when something of it is used: analyses of sources are kept, and most runs find nothing.
_LATE = frozenset(("ast", "json", "unicodedata"))
_STAND_INS = {"typing": "picobox.start.typing", "re": "picobox.start.re", "signal": "picobox.start.signal"}
# A .pyc file begins with Python's magic number and flags, which are 0 if the source's time and size follow (PEP 552).
_HEADER = MAGIC_NUMBER + b"\0\0\0\0"
_HEADER_SIZE = 16
_MASK = 0xFFFF_FFFF
_Code = type((lambda: None).__code__)
_ENDING = f".{sys.implementation.cache_tag}.pyc"


def install() -> None:
    """Has it load every module of ours that is imported from now on, if compiled files are in their usual place.

    Where modules of ours have been loaded already, the others are loaded like them.
    """
    ours = {name for name in sys.modules if name.partition(".")[0] in _PACKAGES and not name.startswith(_BEFORE)}
    if sys.flags.optimize == 0 and sys.pycache_prefix is None and ours <= _FIRST:
        sys.meta_path.insert(0, _Finder)


def _import(name: str, *others: Any) -> Any:
    """`import` as a module of ours says it while it is loaded."""
    stand_in = _STAND_INS.get(name)
    if name in _LATE and name not in sys.modules:
        return _late_modules[name]
    if stand_in is None:
        return _usual_import(name, *others)
    return sys.modules.get(stand_in) or _usual_import(stand_in, None, None, ("*",), 0)


class _LateModule:
    """A library of which nothing was asked for yet."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __getattr__(self, name: str) -> Any:
        from importlib import import_module

        found = getattr(import_module(self.__name__), name)
        setattr(self, name, found)
        return found


_late_modules = {name: _LateModule(name) for name in _LATE}
_usual_import = builtins.__import__
_builtins = dict(vars(builtins))


class _Loader(SourceFileLoader):
    """Loads one module."""

    def __init__(self, name: str, path: str, code: CodeType | None) -> None:
        """`code`: the module's, if it has been found already."""
        super().__init__(name, path)
        self._code = code

    def get_code(self, name: str) -> CodeType | None:
        """The code; compiled, and kept, as Python would do it."""
        return super().get_code(name) if self._code is None else self._code

    def exec_module(self, module: ModuleType) -> None:
        """Runs the module; what it imports while it is loaded has its stand-in, unless the module is itself one."""
        if module.__name__.startswith(f"{__package__}."):
            super().exec_module(module)
            return
        vars(module)["__builtins__"] = _builtins
        before = _builtins["__import__"]
        _builtins["__import__"] = _import
        try:
            super().exec_module(module)
        finally:
            # Functions import as usual, and at its speed.
            _builtins["__import__"] = before


class _Finder:
    """Finds modules of ours by the place of their package."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, _target: ModuleType | None = None) -> ModuleSpec | None:
        package, _, last = name.rpartition(".")
        if path is None or package.partition(".")[0] not in _PACKAGES:
            return None
        file = sys.modules[package].__file__ or ""
        directory = file[: file.rfind("/") + 1]
        source, cached = f"{directory}{last}.py", f"{directory}__pycache__/{last}{_ENDING}"
        found = _status(source)
        is_package = found is None
        if found is None:
            directory = f"{directory}{last}/"
            source, cached = f"{directory}__init__.py", f"{directory}__pycache__/__init__{_ENDING}"
            found = _status(source)
        if found is None:
            return None
        loader = _Loader(name, source, _compiled(source, cached, found))
        spec = ModuleSpec(name, loader, origin=source, is_package=is_package)
        spec.has_location = True
        spec.cached = cached
        if is_package:
            spec.submodule_search_locations = [f"{each}/{last}" for each in path]
        return spec


def _status(path: str) -> posix.stat_result | None:
    try:
        return posix.stat(path)
    except OSError:
        return None


def _compiled(source: str, cached: str, found: posix.stat_result) -> CodeType | None:
    """The code of a source file, whose status is `found`, as it is compiled already; None if it is not."""
    try:
        fd = posix.open(cached, posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        return None
    try:
        data = posix.read(fd, posix.fstat(fd).st_size)
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
