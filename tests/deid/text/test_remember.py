"""A reader with a memory: the same pixels are looked at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from deid.text.line import Heat, Line, View
from deid.text.remember import RememberingReader


class Counting:
    def __init__(self) -> None:
        self.views, self.crops = 0, 0

    def rest(self) -> None:
        pass

    def heat(self, view: View) -> Heat:
        self.views += 1
        return np.full(view.shape[:2], view.mean() / 255, np.float32)

    def words(self, crops: Sequence[View]) -> tuple[tuple[str, float], ...]:
        self.crops += len(crops)
        return tuple((str(int(crop.max())), 1.0) for crop in crops)

    def read(self, grey: View, **options: Any) -> tuple[Line, ...]:
        return ()


def view(level: int, shape: tuple[int, ...] = (8, 16)) -> View:
    return np.full(shape, level, np.uint8)


def test_the_same_pixels_are_looked_at_once_and_give_the_same() -> None:
    reader = Counting()
    remembering = RememberingReader(reader)
    first = remembering.heat(view(100))
    assert np.array_equal(first, remembering.heat(view(100)))
    assert first[0, 0] == pytest.approx(100 / 255)
    assert remembering.words([view(1), view(2), view(1)]) == (("1", 1.0), ("2", 1.0), ("1", 1.0))
    assert remembering.words([view(2)]) == (("2", 1.0),)
    assert (reader.views, reader.crops) == (1, 2)


def test_another_shape_of_the_same_samples_is_looked_at() -> None:
    reader = Counting()
    remembering = RememberingReader(reader)
    remembering.heat(view(7, (8, 16)))
    assert remembering.heat(view(7, (16, 8))).shape == (16, 8)
    assert reader.views == 2


def test_memory_has_an_end() -> None:
    reader = Counting()
    remembering = RememberingReader(reader, most_px=200, most_words=1)
    for level in (1, 2, 1):
        remembering.heat(view(level))
    assert reader.views == 3
    remembering.words([view(1), view(2)])
    remembering.words([view(1)])
    assert reader.crops == 3
