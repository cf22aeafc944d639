"""Owns the table as the C core has it for the text of calls: the same rows, vocabularies and names, in arrays."""

from __future__ import annotations

import os
import struct
from errno import errorcode
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ntshim.status import STATUS_SUCCESS, STATUS_UNSUCCESSFUL, status_of_errno
from picobox._native._core import ffi, lib
from picobox.abi import types
from picobox.abi.flags import VOCABULARIES
from picobox.abi.rendering import ERRNO_NAMES, RESTARTS
from picobox.platform.host import PSEUDO_FILE_SYSTEMS
from picobox.trace.event import DISPOSITIONS
from picobox.trace.recorder import OUTPUTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from picobox.abi.row import Row
    from picobox.confine.policy import Policy
    from picobox.platform.drives import HostVolume
    from picobox.trace.filters import Filters

GATE_CHANNEL = "gate"
# As picobox.confine.policy has it, which is not loaded for that.
HIDE = "hide"

# In the order of enum pb_trace_words.
_OWN_WORDS = ("O", "MAP", "CLONE", "SOCK", "SOCK_TYPE", "FUTEX", "FD", "AF", "POLL", "SIGNAL", "IOCTL")
_NONE = -1

_PERFORMED = {
    "creat": lib.PB_PERFORMS_OPEN,
    "close": lib.PB_PERFORMS_CLOSE,
    "dup": lib.PB_PERFORMS_COPY,
    "dup2": lib.PB_PERFORMS_REPLACE,
    "dup3": lib.PB_PERFORMS_REPLACE,
    "fcntl": lib.PB_PERFORMS_CONTROL,
}

_argument = struct.Struct("<8i2Q")
_row = struct.Struct("<7i")
_word = struct.Struct("<Qii")
_vocabulary = struct.Struct("<3i")
_error = struct.Struct("<3i")


class _Strings:
    """Strings one after the other, each once, known by where it begins."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._places: dict[str, int] = {}

    def place(self, text: str) -> int:
        found = self._places.get(text)
        if found is None:
            found = self._places[text] = len(self.data)
            self.data += text.encode() + b"\0"
        return found


class CompiledTable:
    """`struct pb_trace_table` with all that it points to, for one form of the trace."""

    def __init__(self, rows: Iterable[Row], channel: str, *, as_json: bool, to_file: bool) -> None:
        """`channel`: the platform's name. `to_file`: text has the prefix that strace writes with -o."""
        self._strings = _Strings()
        self._words = {name: index for index, name in enumerate(_all_words())}
        self.unknown: set[int] = set()
        self._show_status = form_module(as_json=as_json).status_form
        self._arguments = bytearray()
        compiled = bytearray(_row.pack(_NONE, _NONE, _NONE, 0, 0, 0, 0) * lib.PB_NR_COUNT)
        for row in rows:
            _row.pack_into(compiled, row.nr * _row.size, *self._compile(row, as_json=as_json))
        vocabularies, words = self._compile_words()
        errors = self._compile_errors()
        other_status = self._strings.place(self._show_status(STATUS_UNSUCCESSFUL))
        self.native = ffi.new("struct pb_trace_table *")
        self._keep: list[Any] = []
        self.native.rows = self._array("struct pb_trace_row[]", compiled)
        self.native.arguments = self._array("struct pb_trace_argument[]", self._arguments)
        self.native.vocabularies = self._array("struct pb_trace_vocabulary[]", vocabularies)
        self.native.words = self._array("struct pb_trace_word[]", words)
        self.native.errors = self._array("struct pb_trace_error[]", errors)
        self.native.strings = self._array("char[]", self._strings.data)
        self.native.other_status = other_status
        self.native.as_json, self.native.to_file = as_json, to_file
        self.native.channel = self._array("char[]", channel.encode() + b"\0")
        self.native.gate_channel = self._array("char[]", GATE_CHANNEL.encode() + b"\0")
        self.native.pseudo = self._array("char[]", b"\n" + b"\n".join(sorted(PSEUDO_FILE_SYSTEMS)) + b"\n\0")
        self._as_json = as_json

    def know_volumes(self, volumes: Iterable[HostVolume]) -> None:
        """The volumes that guests' opens are on; before the run."""
        deepest_first = sorted(volumes, key=lambda volume: len(volume.path), reverse=True)
        native = ffi.new("struct pb_trace_volume[]", len(deepest_first))
        for place, volume in zip(native, deepest_first, strict=True):
            prefix = volume.prefix.replace("\\", "\\\\") if self._as_json else volume.prefix
            place.path, place.prefix = self._string(volume.path), self._string(prefix.encode())
            place.plain = [volume.keeps(chr(byte)) and chr(byte) not in '"\\' for byte in range(256)]
        self._keep.append(native)
        self.native.volumes, self.native.volume_count = native, len(deepest_first)

    def judge(self, policy: Policy, numbers: Iterable[int]) -> None:
        """Errors of these calls may be the policy's refusals; before the run."""
        rules = policy.rules()
        native = ffi.new("struct pb_trace_rule[]", len(rules))
        for place, (path, rule) in zip(native, rules.items(), strict=True):
            place.path, place.hides = self._string(path), rule.right == HIDE
        self._keep.append(native)
        self.native.rules, self.native.rule_count = native, len(rules)
        judged = bytearray(lib.PB_NR_COUNT)
        for number in numbers:
            judged[number] = True
        self.native.judged = self._array("uint8_t[]", judged)

    def filter(self, filters: Filters) -> None:
        """Only lines of calls that ended so are made; before the run."""
        self.native.results = filters.results
        if filters.statuses is None:
            return
        texts = [self._string(self._show_status(status).encode()) for status in sorted(filters.statuses)]
        self.native.statuses = self._keep_new("const char *[]", texts)
        self.native.status_count = len(texts)

    def count(self) -> Any:
        """Calls are counted and no lines are made of them; before the run. Gives the counts, by number."""
        counts = self._keep_new("struct pb_trace_count[]", lib.PB_NR_COUNT)
        self.native.counts = counts
        return counts

    def _string(self, data: bytes) -> Any:
        return self._array("char[]", data + b"\0")

    def _keep_new(self, kind: str, values: list[Any] | int) -> Any:
        made = ffi.new(kind, values)
        self._keep.append(made)
        return made

    def _array(self, kind: str, data: bytes | bytearray) -> Any:
        array = ffi.from_buffer(kind, data)
        self._keep.append(array)
        return array

    def _compile(self, row: Row, *, as_json: bool) -> tuple[int, ...]:
        """The row's members; its arguments are added to those of others."""
        first = len(self._arguments) // _argument.size
        places = {argument.name: index for index, argument in enumerate(row.args)}
        for argument in row.args:
            kind = kind_of(type(argument))
            if kind == lib.PB_KIND_UNKNOWN:
                self.unknown.add(row.nr)
            is_string = isinstance(argument, types.UserString | types.OutString)
            decides = isinstance(argument, types.FcntlArgument | types.OpenMode)
            sibling = places.get(_sibling(argument), _NONE)
            vocabulary = self._words[argument.vocabulary] if isinstance(argument, types.Named) else 0
            self._arguments += _argument.pack(
                kind, self._strings.place(argument.name), vocabulary, sibling, decides, as_json and is_string,
                isinstance(argument, OUTPUTS), 0, argument.mask, argument.sign,
            )  # fmt: skip
        service = _NONE if row.nt is None else self._strings.place(row.nt)
        disposition = self._strings.place(DISPOSITIONS[row.do.action])
        performs = lib.PB_PERFORMS_OPEN if row.open_flags() else _PERFORMED.get(row.name, lib.PB_PERFORMS_NOTHING)
        return self._strings.place(row.name), service, disposition, _form_of_result(row), first, len(row.args), performs

    def _compile_words(self) -> tuple[bytearray, bytearray]:
        vocabularies, words = bytearray(), bytearray()
        for name in self._words:
            entries = VOCABULARIES[name]
            vocabularies += _vocabulary.pack(self._strings.place(name), len(words) // _word.size, len(entries))
            for value, text in entries.items():
                words += _word.pack(value & 0xFFFF_FFFF_FFFF_FFFF, self._strings.place(text), 0)
        return vocabularies, words

    def _compile_errors(self) -> bytearray:
        success = self._strings.place(self._show_status(STATUS_SUCCESS))
        errors = bytearray(_error.pack(_NONE, _NONE, _NONE) * lib.PB_TRACE_ERRORS)
        _error.pack_into(errors, 0, _NONE, _NONE, success)
        for number, name in ERRNO_NAMES.items():
            result = self._strings.place(f"-1 {name} ({os.strerror(number)})")
            status = self._strings.place(self._show_status(status_of_errno(number)))
            json_name = self._strings.place(f'"{errorcode[number]}"')
            _error.pack_into(errors, number * _error.size, result, json_name, status)
        for number, text in RESTARTS.items():
            _error.pack_into(errors, number * _error.size, self._strings.place(f"? {text}"), _NONE, _NONE)
        return errors


def _all_words() -> list[str]:
    return [*_OWN_WORDS, *(name for name in VOCABULARIES if name not in _OWN_WORDS)]


def _sibling(argument: types.Argument) -> str:
    """The name of the argument that counts this one or says what it means; none has an empty one."""
    if isinstance(argument, types.CountedPointer):
        return argument.length
    if isinstance(argument, types.OpenMode):
        return argument.flags
    return "cmd" if isinstance(argument, types.FcntlArgument) else ""


def _form_of_result(row: Row) -> int:
    if issubclass(row.returns, types.Address | types.Hexadecimal):
        return int(lib.PB_RETURNS_HEXADECIMAL)
    return int(lib.PB_RETURNS_OCTAL if issubclass(row.returns, types.Mode) else lib.PB_RETURNS_DECIMAL)


def form_module(*, as_json: bool) -> Any:
    """What writes names, statuses and refusals in a form of the trace; the other form is not loaded."""
    return import_module("picobox.trace.jsonl" if as_json else "picobox.trace.text")


_kinds: dict[type, int] = {}


def kind_of(argument: type[types.Argument]) -> int:
    """The kind of the nearest ancestor that the core can show; PB_KIND_UNKNOWN if Python alone can show it."""
    found = _kinds.get(argument)
    if found is None:
        from picobox.abi.rendering import RENDERERS

        nearest = next(ancestor for ancestor in argument.__mro__ if ancestor in RENDERERS)
        name = f"PB_KIND_{nearest.__name__.upper()}"
        found = _kinds[argument] = getattr(lib, name, lib.PB_KIND_UNKNOWN)
    return found


def numbers_shown(rows: Mapping[int, Row], table: CompiledTable) -> frozenset[int]:
    """The numbers of calls whose arguments the core can show, those without a row included."""
    return frozenset(range(lib.PB_NR_COUNT)) - frozenset(table.unknown & rows.keys())
