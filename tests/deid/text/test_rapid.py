"""The reader itself, on letters drawn here; nothing it reads may be in a failure's message."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from config.errors import EnvironmentFault
from deid.text import rapid as module
from deid.text.rapid import RapidReader
from tests.support.letters import box_of, letters


def page() -> np.ndarray:
    cover = letters("LEFEVRE Marie", 24, (200, 400), (40, 60))
    cover = cover + letters("12/03/1957", 24, (200, 400), (120, 60))
    return (cover * 255).astype(np.uint8)


def test_two_lines_are_read_from_the_top(rapid: RapidReader) -> None:
    lines = rapid.read(page())
    assert [
        line.text == said for line, said in zip(lines, ("LEFEVRE Marie", "12/03/1957"), strict=True)
    ] == [True, True]
    top, bottom, left, right = box_of(page()[:100].astype(np.float32))
    r = lines[0].rectangle
    assert r.row_start <= top < bottom <= r.row_stop
    assert r.column_start <= left < right <= r.column_stop


def test_heat_is_as_large_as_the_view_and_between_0_and_1(rapid: RapidReader) -> None:
    heat = rapid.heat(page()[:77, :101])
    assert heat.shape == (77, 101)
    assert 0 <= float(heat.min()) <= float(heat.max()) <= 1


def test_a_reader_that_has_rested_sees_and_reads_the_same(rapid: RapidReader) -> None:
    before, read = rapid.heat(page()), rapid.words([page()[30:80]])
    rapid.rest()
    assert (rapid.heat(page()) == before).all()
    assert (rapid.words([page()[30:80]]) == read) is True


def test_an_empty_picture_and_a_crop_of_nothing_are_no_text(rapid: RapidReader) -> None:
    assert rapid.read(np.zeros((64, 64), np.uint8)) == ()
    assert rapid.words([np.zeros((2, 9), np.uint8)]) == (("", 0.0),)
    assert rapid.words([]) == ()


def test_thresholds_can_be_set_for_one_reading(rapid: RapidReader) -> None:
    assert rapid.read(page(), weak=1.1) == ()


def test_reading_says_nothing(
    rapid: RapidReader, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        lines = RapidReader().read(page())
    said = capfd.readouterr()
    assert (said.out, said.err, len(caplog.records)) == ("", "", 0)
    assert not any(line.text in repr(line) for line in lines)


def test_a_missing_model_stops_with_its_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "_MODELS", {"Det": "not-there.onnx"})
    with pytest.raises(EnvironmentFault, match="PIXEL_READER_MISSING"):
        RapidReader()
