"""The real reader, made once, and lines with a text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deid.blank.region import Rectangle
from deid.text.line import Line
from deid.text.rapid import RapidReader


@pytest.fixture(scope="session")
def rapid() -> RapidReader:
    return RapidReader()


@pytest.fixture
def line() -> Callable[..., Line]:
    def make(text: str, score: float = 0.99, wide: int | None = None) -> Line:
        columns = wide if wide is not None else max(12 * len(text), 4)
        return Line(Rectangle(10, 34, 5, 5 + columns), text, score)

    return make
