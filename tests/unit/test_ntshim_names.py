"""Name rules of each layer: components, streams, device names, and the way to the host's bytes and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ntshim import status as nt
from ntshim.fs import names
from ntshim.status import NtError

ANY_UNITS = st.text(st.characters(categories=None))


def refusal(call: object, *args: object) -> int:
    """The status with which a check refuses, 0 if it does not."""
    assert callable(call)
    try:
        call(*args)
    except NtError as error:
        return error.status
    return 0


@pytest.mark.parametrize("name", ["a", ".hidden", "trail. ", "CON", "\ufffe", "\ud800", "\u202e", "a\x7f", "...", " "])
def test_legal_component(name: str) -> None:
    assert refusal(names.check_component, name) == 0


@pytest.mark.parametrize("name", ["", ".", "..", "a\x00", "\x1f", "tab\t", *(f"a{sign}" for sign in '"*/:<>?\\|')])
def test_illegal_component(name: str) -> None:
    assert refusal(names.check_component, name) == nt.STATUS_OBJECT_NAME_INVALID


@pytest.mark.parametrize(("letter", "longest"), [("a", 255), ("é", 255), ("一", 255), ("😀", 127)])
def test_length_counts_utf16_units(letter: str, longest: int) -> None:
    assert refusal(names.check_component, letter * longest) == 0
    assert refusal(names.check_component, letter * (longest + 1)) == nt.STATUS_OBJECT_NAME_INVALID


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("file", ("file", "", "$DATA")),
        ("file:stream", ("file", "stream", "$DATA")),
        ("file:stream:$data", ("file", "stream", "$DATA")),
        ("file::$DATA", ("file", "", "$DATA")),
        ('file:<">|?*\x01', ("file", '<">|?*\x01', "$DATA")),
        ("dir::$INDEX_ALLOCATION", ("dir", "", "$INDEX_ALLOCATION")),
        ("dir:$i30:$Index_Allocation", ("dir", "$i30", "$INDEX_ALLOCATION")),
    ],
)
def test_stream(name: str, parts: tuple[str, str, str]) -> None:
    assert names.split_stream(name) == parts


@pytest.mark.parametrize(
    "name",
    [
        *("file:", "file::", "file:s:", ":stream", "::$DATA", "file:a:b", "file:a:$DATA:", "dir:x:$INDEX_ALLOCATION"),
        *("file:a/b", "file:a\\b", "file:\x00", "a<:s", "file:" + "s" * 256, "file:" + "😀" * 128),
    ],
)
def test_malformed_stream(name: str) -> None:
    assert refusal(names.split_stream, name) == nt.STATUS_OBJECT_NAME_INVALID


def test_main_stream() -> None:
    main = ["f", "f::$DATA", "d::$INDEX_ALLOCATION", "d:$I30:$INDEX_ALLOCATION"]
    assert all(names.split_stream(name).is_main_stream for name in main)
    assert not names.split_stream("f:s").is_main_stream


@pytest.mark.parametrize(
    "name",
    ["con", "con.txt", "con .txt", "NUL.tar.gz", "aux:", "com1:x", "lpt9", "Prn", "COM\u00b9", "lpt\u00b3.x", "conin$"],
)
def test_reserved(name: str) -> None:
    assert names.device_of(name) is not None
    assert names.reaches_device(name)
    assert not names.judge(name).portable
    assert names.judge(name).win32 is names.Win32.DEVICE
    assert names.reaches_device(name, names.WINDOWS_11) == name.replace("$", "").isalnum()


@pytest.mark.parametrize("name", ["com0", "COM10", "conx", ".con", "acon", " con", "clock$", "c\u00f4n", "com\u2074"])
def test_not_reserved(name: str) -> None:
    assert names.device_of(name) is None


@pytest.mark.parametrize(
    ("name", "kind", "stored"),
    [
        ("a", names.Win32.SAME, "a"),
        ("a. .", names.Win32.STRIPPED, "a"),
        (". .", names.Win32.DIRECTORY, ""),
        (".", names.Win32.DIRECTORY, ""),
        ("f:.", names.Win32.STRIPPED, None),
        ("a?.", names.Win32.STRIPPED, None),
        ("con", names.Win32.DEVICE, None),
    ],
)
def test_win32(name: str, kind: names.Win32, stored: str | None) -> None:
    verdict = names.judge(name)
    assert (verdict.win32, verdict.stored_as) == (kind, stored)


def test_windows_11_stores_device_names_with_an_extension() -> None:
    verdict = names.judge("con.txt", names.WINDOWS_11)
    assert (verdict.win32, verdict.stored_as, verdict.portable) == (names.Win32.SAME, "con.txt", False)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a", "ok"),
        ("", "empty"),
        (":s", "stream with empty file name"),
        ("..", "relative component"),
        ("a" * 256, "too long"),
        ("a|b", "reserved character"),
        ("f:", "malformed stream"),
    ],
)
def test_reason(name: str, reason: str) -> None:
    assert names.judge(name).reason == reason


def test_order_is_that_of_upcased_units() -> None:
    order = ["-", "1", "10", "2", "A", "a b", "a.b", "a1", "b", "Z", "z2", "_x", "~", "È", "é", "😀", "\uff21"]
    assert sorted(set(order), key=names.order_key) == order


@given(st.binary(min_size=1, max_size=255))
def test_every_host_name_has_its_own_nt_name(raw: bytes) -> None:
    assert names.to_host(names.from_host(raw)) == raw


@given(ANY_UNITS.filter(lambda name: 0 < len(name) < 60))
def test_no_two_nt_names_share_a_host_name(name: str) -> None:
    status = refusal(names.to_host, name)
    assert status == nt.STATUS_OBJECT_NAME_INVALID or names.from_host(names.to_host(name)) == name


@pytest.mark.parametrize("raw", [b"\xed\xa0\x80", b"\xed\xb0\x80x"])
def test_lone_surrogates_are_three_bytes_on_the_host(raw: bytes) -> None:
    assert names.from_host(raw).encode("utf-8", "surrogatepass") == raw


def test_name_that_another_one_stands_for() -> None:
    two_bytes, pair = "\udcc3\udca9", "\ud83d\ude00"
    assert refusal(names.to_host, two_bytes) == refusal(names.to_host, pair) == nt.STATUS_OBJECT_NAME_INVALID


def test_host_counts_bytes() -> None:
    assert refusal(names.to_host, "é" * 127) == 0
    assert refusal(names.to_host, "é" * 128) == nt.STATUS_NAME_TOO_LONG
