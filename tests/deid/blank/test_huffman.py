"""Huffman tables: codes of the standard, and room for symbols that a table lacks."""

from __future__ import annotations

import pytest

from config.errors import UnreadableObject, UnsupportedObject
from deid.blank.jpeg.huffman import extended, make_huffman

LUMINANCE_DC = bytes([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
"""T.81 Table K.3."""


def test_codes_are_those_of_table_k3() -> None:
    codes = make_huffman(LUMINANCE_DC, bytes(range(12))).codes
    printed = "00 010 011 100 101 110 1110 11110 111110 1111110 11111110 111111110"
    assert " ".join(f"{code:0{length}b}" for code, length in codes.values()) == printed


def test_new_symbols_leave_the_codes_of_the_others_as_they_are() -> None:
    counts = bytes([1, 1, *([0] * 14)])  # 0 and 10
    table = make_huffman(counts, bytes([3, 5]))
    wider = extended(table, {0, 3, 7})
    assert {s: wider.codes[s] for s in (3, 5)} == table.codes
    # The first three bits that neither begin as another code nor are ones only: 110; then 1110.
    assert set(wider.codes) == {0, 3, 5, 7}
    codes = {f"{code:0{length}b}" for code, length in wider.codes.values()}
    assert not any(a != b and b.startswith(a) for a in codes for b in codes)
    assert all("0" in code for code in codes)


def test_a_table_without_room_is_refused() -> None:
    # One code of each length 1 to 16: only sixteen ones are left, which are never used.
    table = make_huffman(bytes([1] * 16), bytes(range(1, 17)))
    with pytest.raises(UnsupportedObject, match="JPEG_TABLE_FULL"):
        extended(table, {0})


@pytest.mark.parametrize(
    ("counts", "symbols"), [([3], [1, 2, 3]), ([0, 2], [4, 4])], ids=["too many", "twice"]
)
def test_a_table_that_cannot_be_is_refused(counts: list[int], symbols: list[int]) -> None:
    filled = bytes(counts + [0] * (16 - len(counts)))
    with pytest.raises(UnreadableObject, match="JPEG_BROKEN"):
        make_huffman(filled, bytes(symbols))
