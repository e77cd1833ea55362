"""Frames with letters drawn on them, and a reader that finds what was drawn and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from deid.text.line import Heat, Line, View

Floats = NDArray[np.float32]


def letters(text: str, size_px: int, shape: tuple[int, int], at: tuple[int, int]) -> Floats:
    """The cover of each pixel by letters whose box begins at row and column ``at``, 0 to 1."""
    path = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    font = ImageFont.truetype(str(path), size_px)
    left, top, _, _ = font.getbbox(text)
    picture = Image.new("L", (shape[1], shape[0]))
    ImageDraw.Draw(picture).text((at[1] - left, at[0] - top), text, fill=255, font=font)
    return np.asarray(picture, np.float32) / 255


def box_of(cover: NDArray[Any]) -> tuple[int, int, int, int]:
    """First row, row after the last, first column, column after the last that letters touch."""
    rows, columns = np.flatnonzero(cover.any(axis=1)), np.flatnonzero(cover.any(axis=0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


class BrightReader:
    """Takes what is brighter than ``least`` for a line, and reads the same text everywhere."""

    def __init__(self, text: str, least: int = 200, score: float = 0.99) -> None:
        self.text, self.least, self.score = text, least, score
        self.searched = 0

    def rest(self) -> None:
        pass

    def heat(self, view: View) -> Heat:
        self.searched += int(view.shape[0] * view.shape[1])
        flat = view.max(axis=2) if view.ndim == 3 else view
        found = np.zeros(flat.shape, np.float32)
        bright = flat >= self.least
        if bright.any():
            top, bottom, left, right = box_of(bright.astype(np.float32))
            found[top:bottom, left:right] = 0.95
        return found

    def words(self, crops: Sequence[View]) -> tuple[tuple[str, float], ...]:
        return tuple((self.text, self.score) for _ in crops)

    def read(self, grey: View, **options: Any) -> tuple[Line, ...]:
        raise NotImplementedError
