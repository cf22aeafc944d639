"""Stands in for `typing` while our modules are loaded: what they name for a type checker is nothing at run time."""

from __future__ import annotations

import sys
from _collections import _tuplegetter  # type: ignore[import-not-found]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any as AnyType
    from typing import Self as SelfType


class _Base:
    """Stands between the bases of a class, or in an annotation."""

    __slots__ = ()

    def __class_getitem__(cls, _parameters: object) -> type:
        return cls


Any = ClassVar = Concatenate = Generic = IO = NoReturn = Protocol = Self = TextIO = TypeAlias = _Base


class TypeVar:
    """A name that stands for types, or for what a function takes."""

    def __init__(self, name: str, *_kinds: object, **_settings: object) -> None:
        self.__name__ = name


ParamSpec = TypeVar


def NewType(_name: str, _kind: type) -> Callable[[AnyType], AnyType]:  # noqa: N802  (its name in typing)
    """A type's other name: its values are those that it is given."""
    return _same


def _same(value: AnyType) -> AnyType:
    return value


def cast(_kind: object, value: AnyType) -> AnyType:
    """The value."""
    return value


def __getattr__(name: str) -> AnyType:
    """Whatever else typing has."""
    if name.startswith("__"):
        raise AttributeError(name)
    import typing

    return getattr(typing, name)


class _Record(tuple):  # type: ignore[type-arg]
    """What all named tuples have, as collections.namedtuple says it."""

    __slots__ = ()
    _fields: tuple[str, ...] = ()

    @classmethod
    def _make(cls, values: Iterable[object]) -> SelfType:
        made = tuple.__new__(cls, values)
        if len(made) != len(cls._fields):
            raise TypeError(f"Expected {len(cls._fields)} arguments, got {len(made)}")
        return made

    def _replace(self, /, **changes: object) -> SelfType:
        made = self._make(map(changes.pop, self._fields, self))
        if changes:
            kind = TypeError if sys.version_info >= (3, 13) else ValueError
            raise kind(f"Got unexpected field names: {list(changes)!r}")
        return made

    def _asdict(self) -> dict[str, object]:
        return dict(zip(self._fields, self, strict=True))

    def __getnewargs__(self) -> tuple[object, ...]:
        return tuple(self)

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
        return f"{type(self).__name__}({shown})"


class _RecordMaker(type):
    """Makes the class of a named tuple out of what its definition says."""

    def __new__(cls, name: str, _bases: tuple[type, ...], namespace: dict[str, AnyType]) -> type:
        fields = tuple(namespace.get("__annotations__", ()))
        defaults = {field: namespace[field] for field in fields if field in namespace}
        namespace.update((field, _tuplegetter(place, "")) for place, field in enumerate(fields))
        namespace.update(_fields=fields, __match_args__=fields, _field_defaults=defaults, __slots__=())
        made_so_far = 0

        def make(kind: type, /, *values: object, **named: object) -> AnyType:
            """Makes the first ones. A function for this class is compiled once there are many, or for its error."""
            nonlocal made_so_far
            made_so_far += 1
            filled = _filled(fields, defaults, values, named) if made_so_far < _MANY else None
            if filled is not None:
                return tuple.__new__(kind, filled)
            compiled = _maker(name, fields, defaults)
            made.__new__ = staticmethod(compiled)  # type: ignore[method-assign]
            return compiled(kind, *values, **named)

        namespace["__new__"] = make
        made = type(name, (_Record,), namespace)
        return made


# Compiling a function takes as long as doing without it so many times.
_MANY = 16


def _filled(
    fields: tuple[str, ...], defaults: dict[str, object], values: tuple[object, ...], named: dict[str, object]
) -> tuple[object, ...] | None:
    """The values of all fields; None if these are not the arguments for them."""
    rest = fields[len(values) :]
    given = {**defaults, **named}
    if len(values) > len(fields) or not named.keys() <= set(rest) or not given.keys() >= set(rest):
        return None
    return values + tuple([given[field] for field in rest])


def _maker(name: str, fields: tuple[str, ...], defaults: dict[str, object]) -> Callable[..., AnyType]:
    """The function that makes a named tuple of that class."""
    listed = "".join(f"{field}, " for field in fields)
    text = f"lambda _cls, {listed}: _tuple_new(_cls, ({listed}))"
    make: AnyType = eval(text, {"_tuple_new": tuple.__new__})  # noqa: S307  (the names stand in our sources)
    make.__name__ = "__new__"
    make.__qualname__ = f"{name}.__new__"
    make.__defaults__ = tuple(defaults.values()) or None
    return make  # type: ignore[no-any-return]


class _NamedTuple:
    """Among the bases of a class it has the class made by another maker."""

    _between = type.__new__(_RecordMaker, "NamedTuple", (), {})

    def __mro_entries__(self, _bases: tuple[object, ...]) -> tuple[type, ...]:
        return (self._between,)

    def __call__(self, *arguments: AnyType) -> AnyType:
        """A class of these fields, as typing makes it."""
        from typing import NamedTuple

        return NamedTuple(*arguments)


NamedTuple = _NamedTuple()
