"""A scan that knows headers again finds what a scan that knows nothing finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deid.fast_runs import RunScanner
from deid.fast_scan import Odd, Short, scan

TAGS = [0x00080008 + 2 * n for n in range(40)]
PRIVATE_CREATOR, PRIVATE = 0x00090010, 0x00091001


def element(tag: int, value: bytes, *, implicit_vr: bool) -> bytes:
    """An element of PS3.5 7.1.2 or 7.1.3, little endian."""
    place = (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little")
    if implicit_vr:
        return place + len(value).to_bytes(4, "little") + value
    return place + b"LO" + len(value).to_bytes(2, "little") + value


@st.composite
def headers(draw: st.DrawFn) -> tuple[bool, list[bytes]]:
    """A series whose headers share most elements; some differ, come and go, are cut or damaged."""
    implicit_vr = draw(st.booleans())
    made = []
    for _ in range(draw(st.integers(2, 6))):
        changes = draw(
            st.dictionaries(st.sampled_from(TAGS), st.sampled_from(b"abc\xff"), max_size=5)
        )
        without = draw(st.sets(st.sampled_from(TAGS), max_size=3))
        parts = [
            element(tag, bytes([changes.get(tag, 0)]) * 2 * (tag % 3 + 1), implicit_vr=implicit_vr)
            for tag in TAGS
            if tag not in without
        ]
        data = b"".join(parts)
        for _ in range(draw(st.sampled_from([0, 0, 0, 1]))):
            at = draw(st.integers(0, len(data) - 1))
            data = data[:at] + draw(st.binary(max_size=4)) + data[at + 1 :]
        made.append(data)
    return implicit_vr, made


def answer(read: object) -> object:
    try:
        return read()  # type: ignore[operator]
    except (Odd, Short) as error:
        return type(error), getattr(error, "end", None)


@given(headers())
def test_what_was_learnt_changes_no_scan(case: tuple[bool, list[bytes]]) -> None:
    implicit_vr, made = case
    scanner = RunScanner()
    for data in [*made, *made]:
        for size in (len(data), len(data) + 100):
            again = answer(lambda: scanner.scan(data, 0, implicit_vr=implicit_vr, size=size))  # noqa: B023
            alone = answer(lambda: scan(data, 0, implicit_vr=implicit_vr, size=size))  # noqa: B023
            assert again == alone
            if isinstance(again, tuple) and isinstance(alone, tuple) and again[0] == alone[0]:
                found = again[0]
                if isinstance(found, dict):
                    assert list(found) == list(alone[0])


def test_the_third_of_three_like_headers_comes_in_runs_and_loose_elements() -> None:
    def header(number: int) -> bytes:
        values = dict.fromkeys(TAGS, b"same") | {TAGS[20]: b"%04d" % number}
        return b"".join(element(t, v, implicit_vr=False) for t, v in values.items())

    scanner = RunScanner()
    for number in range(2):
        scanner.scan(header(number), 0, implicit_vr=False, size=len(header(number)))
    found, _ = scanner.scan(header(2), 0, implicit_vr=False, size=len(header(2)))
    assert found.loose == [TAGS[20]]
    assert [list(run.elements) for run in found.runs] == [TAGS[:20], TAGS[21:]]
    assert b"".join(found.values()) == header(2)


def test_a_run_names_the_creators_that_its_private_elements_need_from_outside() -> None:
    def header(creator: bytes) -> bytes:
        values = {PRIVATE_CREATOR: creator} | {PRIVATE + n: b"same" for n in range(12)}
        return b"".join(element(t, v, implicit_vr=False) for t, v in values.items())

    scanner = RunScanner()
    for creator in (b"ONE ", b"TWO ", b"SIX "):
        found, _ = scanner.scan(header(creator), 0, implicit_vr=False, size=len(header(creator)))
    (run,) = found.runs
    assert run.creators == (PRIVATE_CREATOR,)


@pytest.mark.parametrize("implicit_vr", [True, False])
def test_elements_of_one_encoding_are_not_known_in_the_other(*, implicit_vr: bool) -> None:
    data = b"".join(element(tag, b"same", implicit_vr=implicit_vr) for tag in TAGS)
    scanner = RunScanner()
    for _ in range(3):
        scanner.scan(data, 0, implicit_vr=implicit_vr, size=len(data))
    found = answer(lambda: scanner.scan(data, 0, implicit_vr=not implicit_vr, size=len(data)))
    assert found == answer(lambda: scan(data, 0, implicit_vr=not implicit_vr, size=len(data)))
