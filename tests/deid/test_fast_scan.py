"""The scanner finds what pydicom finds, and does not guess."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence

from deid.fast_scan import Odd, Short, scan


def _encoded(ds: Dataset, *, implicit: bool) -> bytes:
    buffer = io.BytesIO()
    dcmwrite(buffer, ds, implicit_vr=implicit, little_endian=True)
    return buffer.getvalue()


def _object(texts: list[str], *, undefined: bool) -> Dataset:
    ds = Dataset()
    ds.PatientName, ds.Rows, ds.ImageComments = texts[0], 4, texts[-1]
    ds.RequestAttributesSequence = Sequence([Dataset() for _ in texts])
    for item, text in zip(ds.RequestAttributesSequence, texts, strict=True):
        item.ScheduledProcedureStepDescription = text
        item.is_undefined_length_sequence_item = undefined
    ds["RequestAttributesSequence"].is_undefined_length = undefined
    return ds


words = st.lists(st.text("abc XYZ019", max_size=40), min_size=1, max_size=4)


@given(words, st.booleans(), st.booleans())
def test_it_finds_the_tags_that_pydicom_finds(texts, undefined, implicit) -> None:
    data = _encoded(_object(texts, undefined=undefined), implicit=implicit)
    found, end = scan(data, 0, implicit_vr=implicit, size=len(data))
    assert end == len(data)
    assert list(found) == [0x00100010, 0x00204000, 0x00280010, 0x00400275]
    assert b"".join(found.values()) == data


@given(words, st.booleans(), st.data())
def test_a_buffer_that_ends_early_is_told_and_not_taken_for_the_end(texts, implicit, draw) -> None:
    data = _encoded(_object(texts, undefined=True), implicit=implicit)
    cut = draw.draw(st.integers(1, len(data) - 1))
    with pytest.raises(Short) as short:
        scan(data[:cut], 0, implicit_vr=implicit, size=len(data))
    assert short.value.end > cut


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_end_in_a_result_or_a_refusal(data, implicit) -> None:
    try:
        found, end = scan(data, 0, implicit_vr=implicit, size=len(data))
    except Odd:
        return
    assert end <= len(data)
    assert b"".join(found.values()) == data[:end]


def test_tags_out_of_order_are_left_to_others() -> None:
    element = struct.pack("<HH2sH", 0x0010, 0x0020, b"LO", 0)
    with pytest.raises(Odd):
        scan(element * 2, 0, implicit_vr=False, size=len(element) * 2)
