"""Claims about header templates."""

from __future__ import annotations

import pytest

from pipelines.demo.template import fill

CONTEXT = {"charset": "ISO_IR 100", "name": "LEFÈVRE", "pair": ["1.5", "2.5"]}


def test_a_keyword_that_dicom_does_not_know_is_refused() -> None:
    with pytest.raises(KeyError, match="PatientNickname"):
        fill({"PatientNickname": "{name}"}, CONTEXT)


def test_a_field_that_the_context_does_not_hold_is_refused() -> None:
    with pytest.raises(KeyError, match="absent"):
        fill({"PatientName": "{absent}"}, CONTEXT)


def test_values_become_what_their_vr_says() -> None:
    ds = fill({"Rows": "12", "PixelSpacing": "{pair}", "DiffusionBValue": "800"}, CONTEXT)
    assert ds.Rows == 12
    assert ds.PixelSpacing == [1.5, 2.5]
    assert ds.DiffusionBValue == 800.0


def test_unknown_bytes_are_written_in_the_charset_at_even_length() -> None:
    """PS3.5 section 6.2: a value has an even number of bytes."""
    block = {"group": "0035", "creator": "X", "elements": [["01", "UN", "{name}"]]}
    ds = fill({"private": [block]}, CONTEXT)
    assert ds[0x0035, 0x1001].value == b"LEF\xc8VRE "
