"""Clips: text that stands still and text that comes later, with a reader of bright text."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from config.errors import UnreadableObject
from deid.text.cine import ClipText, find_in_clip
from deid.text.find import Searching, TextFinder
from deid.text.grey import Views, views_of_shown
from deid.text.judge import Judge
from deid.text.quiet import Listening
from tests.support.letters import BrightReader, box_of, letters

SHAPE = (256, 384)
COVER = letters("DUPONT", 24, SHAPE, (40, 60))
COUNT = 12
Clip = Callable[[], Iterator[Views]]


def clip(shown: range, *, moving: bool, at: tuple[int, int] = (0, 0)) -> Clip:
    text = np.roll(COVER, at, (0, 1))

    def frames() -> Iterator[Views]:
        for index in range(COUNT):
            rng = np.random.default_rng(index)
            picture = np.zeros(SHAPE, np.float32)
            if moving:
                picture[100:240, 40:340] = rng.integers(0, 120, (140, 300))
            if index in shown:
                picture = picture * (1 - text) + 255 * text
            yield views_of_shown(picture.astype(np.uint8))

    return frames


def found_in(frames: Clip) -> tuple[ClipText, BrightReader]:
    reader = BrightReader("DUPONT", least=180)
    as_shown = Searching(listening=Listening(faint=0), zoomed_px=0)
    return find_in_clip(TextFinder(reader, Judge(), as_shown), frames, "other"), reader


def covers(result: ClipText, cover: np.ndarray) -> bool:
    top, bottom, left, right = box_of(cover > 0.5)
    return any(
        f.line.rectangle.row_start <= top
        and f.line.rectangle.row_stop >= bottom
        and f.line.rectangle.column_start <= left
        and f.line.rectangle.column_stop >= right
        and f.line.rectangle.frame is None
        for f in result.found
        if not f.keep
    )


@pytest.mark.parametrize("moving", [False, True])
def test_text_that_stands_still_is_read_in_the_first_frame_only(moving: bool) -> None:
    result, _ = found_in(clip(range(COUNT), moving=moving))
    assert covers(result, COVER)
    assert result.frames_read == 1


@pytest.mark.parametrize("shown", [range(5, 9), range(11, 12), range(1, 2)])
def test_text_that_comes_later_beside_tissue_is_found(shown: range) -> None:
    result, _ = found_in(clip(shown, moving=True))
    assert covers(result, COVER)


def test_text_that_comes_later_on_moving_tissue_is_found() -> None:
    result, _ = found_in(clip(range(4, 7), moving=True, at=(100, 60)))
    assert covers(result, np.roll(COVER, (100, 60), (0, 1)))


def test_moving_tissue_alone_is_not_read_again() -> None:
    result, _ = found_in(clip(range(0), moving=True))
    assert result.frames_read == 1


def test_a_clip_without_frames_is_refused() -> None:
    with pytest.raises(UnreadableObject, match="BLANK_PIXELS_SHORT"):
        found_in(lambda: iter(()))
