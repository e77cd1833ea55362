"""A slide: what the steps of a recipe take and give in place of a volume; no pixel until asked.

A slide of gigabytes never is in memory. It knows its levels, which of them its pixels are made
from, and the colour maps that steps have put on it; every region asked for is read, resampled and
mapped there and then.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harmonise.encode.private import canonical_json
from harmonise.grids import grid_to_json
from harmonise.slides.levels import Level, Levels
from harmonise.volume import Grid

__all__ = ["Encoding", "Slide", "witness_tiles"]

Rgb = NDArray[np.uint8]
Map = Callable[[Rgb], Rgb]

WITNESSES = 16
"""Tiles that stand for a slide in the digest of a step: hashing all would mean making all, once a
step. Those of the result are hashed every one, as they are written."""

REACH = 2
"""Pixels of the result that the resampling filter looks beyond a region."""


@dataclass(frozen=True)
class Encoding:
    """How the result is written: pixels a side of a tile, JPEG quality (1 to 95)."""

    tile: int = 512
    quality: int = 85


@dataclass(frozen=True)
class Slide:
    """One slide, lazily.

    Parameters
    ----------
    levels : Levels
        The source's levels, open for reading.
    level : int
        The level that pixels are made from, 0 the finest.
    factor : tuple of float
        Pixels of that level to one of the slide, (row, column), 1 or more.
    shape : tuple of int
        Rows and columns of the slide.
    maps : tuple of callable
        Colour maps in order, uint8 RGB to uint8 RGB, pixel by pixel.
    encoding : Encoding
    meta : dict
        Facts that steps hand on, JSON-serialisable; no identity.
    """

    levels: Levels
    level: int
    factor: tuple[float, float]
    shape: tuple[int, int]
    maps: tuple[Map, ...] = ()
    encoding: Encoding = Encoding()
    meta: dict[str, Any] = field(default_factory=dict)

    unit = "1"
    quantitative = False

    @property
    def source(self) -> Level:
        """The level that pixels are made from."""
        return self.levels.all[self.level]

    @property
    def microns(self) -> tuple[float, float]:
        """Micrometres a pixel, (row, column)."""
        row, column = self.source.microns
        return row * self.factor[0], column * self.factor[1]

    @property
    def resampled(self) -> bool:
        """Whether pixels are interpolated between those of the source."""
        return self.factor != (1.0, 1.0)

    @property
    def grid(self) -> Grid:
        """The pixels as one slice without a place in the patient; spacing in millimetres."""
        row, column = self.microns
        return Grid((1, *self.shape), (None, row / 1000, column / 1000), positioned=False)

    def close(self) -> None:
        """Close the files of the source."""
        self.levels.close()

    def mapped(self, colours: Map) -> Slide:
        """Return the slide with one more colour map."""
        return replace(self, maps=(*self.maps, colours))

    def region(self, top: int, left: int, rows: int, columns: int) -> Rgb:
        """Return pixels, shape (rows, columns, 3); beyond the edge its last pixels go on.

        Raises
        ------
        UnreadableObject
            ``PIXELS_UNREADABLE``.
        """
        pixels = self._native(top, left, min(rows, self.shape[0] - top), columns)
        for colours in self.maps:
            pixels = colours(pixels)
        below, beside = rows - pixels.shape[0], columns - pixels.shape[1]
        if below or beside:
            pixels = np.pad(pixels, ((0, below), (0, beside), (0, 0)), mode="edge")
        return pixels

    def overview(self, microns: float) -> tuple[Rgb, float]:
        """Return the whole slide at about ``microns`` a pixel, and the exact size of a pixel.

        From the coarsest level that is at least as fine, averaged by whole blocks; read in strips.
        """
        fine = [n for n, one in enumerate(self.levels.all) if one.microns[0] <= microns]
        number = max([n for n in fine if n >= self.level], default=self.level)
        level = self.levels.all[number]
        block = max(1, math.floor(microns / level.microns[0]))
        rows, columns = max(1, level.rows // block), max(1, level.columns // block)
        result = np.empty((rows, columns, 3), dtype=np.uint8)
        step = max(1, 1024 // block)
        for top in range(0, rows, step):
            for left in range(0, columns, step):
                high, wide = min(step, rows - top), min(step, columns - left)
                part = self.levels.region(
                    number, top * block, left * block, high * block, wide * block
                )
                part = _blocks(part, block)
                for colours in self.maps:
                    part = colours(part)
                result[top : top + high, left : left + wide] = part
        return result, level.microns[0] * block

    def digest(self) -> str:
        """Return the SHA-256 (hex) of the grid and of the witness tiles, as they now look."""
        digest = hashlib.sha256(canonical_json(grid_to_json(self.grid)))
        size = self.encoding.tile
        for row, column in witness_tiles(self.shape, size):
            digest.update(self.region(row * size, column * size, size, size).tobytes())
        return digest.hexdigest()

    def _native(self, top: int, left: int, rows: int, columns: int) -> Rgb:
        """Return pixels before any colour map, cut at the slide's edge."""
        rows, columns = min(rows, self.shape[0] - top), min(columns, self.shape[1] - left)
        if not self.resampled:
            return self.levels.region(self.level, top, left, rows, columns)
        down, across = self.factor
        first = [max(0, math.floor((at - REACH) * f)) for at, f in ((top, down), (left, across))]
        last = [
            min(n, math.ceil((at + REACH) * f))
            for at, f, n in (
                (top + rows, down, self.source.rows),
                (left + columns, across, self.source.columns),
            )
        ]
        raw = self.levels.region(
            self.level, first[0], first[1], last[0] - first[0], last[1] - first[1]
        )
        box = (
            left * across - first[1],
            top * down - first[0],
            min((left + columns) * across - first[1], raw.shape[1]),
            min((top + rows) * down - first[0], raw.shape[0]),
        )
        size = (columns, rows)
        return np.asarray(Image.fromarray(raw).resize(size, Image.Resampling.HAMMING, box=box))


def witness_tiles(shape: tuple[int, int], size: int) -> list[tuple[int, int]]:
    """Return row and column of up to sixteen tiles, evenly over the slide, the same every time."""
    down, across = (math.ceil(n / size) for n in shape)
    count = down * across
    chosen = sorted({round(i * (count - 1) / (WITNESSES - 1)) for i in range(WITNESSES)})
    return [divmod(number, across) for number in chosen]


def _blocks(pixels: Rgb, block: int) -> Rgb:
    """Return the mean of square blocks, rounded."""
    if block == 1:
        return pixels
    rows, columns = pixels.shape[0] // block, pixels.shape[1] // block
    parts = pixels.reshape(rows, block, columns, block, 3).mean(axis=(1, 3), dtype=np.float32)
    result: Rgb = (parts + np.float32(0.5)).astype(np.uint8)
    return result
