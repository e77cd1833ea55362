"""The levels of a slide's source, open for reading region by region."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from config.errors import UnreadableObject
from harmonise.series import Frame, Stack
from harmonise.slides.frames import FrameFile
from harmonise.vendor.groups import macro
from harmonise.vendor.headers import FOREIGN, quiet

__all__ = ["Level", "Levels"]

Rgb = NDArray[np.uint8]

MOST_KEPT_BYTES = 48 << 20
"""Decoded frames kept, the last ones used: a row of tiles is asked for again by its neighbours."""


@dataclass(frozen=True)
class Level:
    """One level: the objects that hold it, in the order of their frames, its size and scale."""

    frames: tuple[Frame, ...]
    rows: int
    columns: int
    microns: tuple[float, float]


class Levels:
    """Every level of one slide, the finest first; files are opened when a pixel is asked for."""

    def __init__(self, stack: Stack) -> None:
        by_size: dict[tuple[int, int], list[Frame]] = {}
        for frame in stack.frames:
            by_size.setdefault((frame.rows, frame.columns), []).append(frame)
        self.all: tuple[Level, ...] = tuple(
            _level(by_size[size]) for size in sorted(by_size, reverse=True)
        )
        self._open: dict[Path, FrameFile] = {}
        self._placed: dict[int, _Placed] = {}
        self._kept: OrderedDict[tuple[int, int, int], Rgb] = OrderedDict()
        self._kept_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every file and forget what was decoded."""
        for file in self._open.values():
            file.close()
        self._open.clear()
        self._placed.clear()
        self._kept.clear()
        self._kept_bytes = 0

    def header(self, number: int) -> Dataset:
        """Return the header of a level's first object."""
        return self._file(self.all[number].frames[0]).header

    def stored_bytes(self, number: int) -> int:
        """Return the bytes that a level's frames take as they are stored."""
        return sum(self._file(frame).stored_bytes for frame in self.all[number].frames)

    def region(self, number: int, top: int, left: int, rows: int, columns: int) -> Rgb:
        """Return pixels of a level, which must lie in it; a tile that is not stored is white."""
        placed = self._places(number)
        high, wide = placed.high, placed.wide
        result = np.full((rows, columns, 3), 255, dtype=np.uint8)
        for row in range(top // high, (top + rows - 1) // high + 1):
            for column in range(left // wide, (left + columns - 1) // wide + 1):
                tile = self._tile(number, row, column)
                if tile is None:
                    continue
                y, x = row * high - top, column * wide - left
                part = tile[max(0, -y) : rows - y, max(0, -x) : columns - x]
                result[max(0, y) : y + high, max(0, x) : x + wide] = part
        return result

    def _tile(self, number: int, row: int, column: int) -> Rgb | None:
        key = (number, row, column)
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found
        where = self._places(number).tiles.get((row, column))
        if where is None:
            return None
        file, index = where
        tile = file.frame(index)
        self._kept[key] = tile
        self._kept_bytes += tile.nbytes
        while self._kept_bytes > MOST_KEPT_BYTES and len(self._kept) > 1:
            self._kept_bytes -= self._kept.popitem(last=False)[1].nbytes
        return tile

    def _file(self, frame: Frame) -> FrameFile:
        if frame.path not in self._open:
            self._open[frame.path] = FrameFile(frame.path, frame.sop_instance_uid)
        return self._open[frame.path]

    def _places(self, number: int) -> _Placed:
        if number not in self._placed:
            level = self.all[number]
            self._placed[number] = _Placed(level, [self._file(f) for f in level.frames])
        return self._placed[number]


class _Placed:
    """Where each tile of a level is stored: (tile row, tile column) -> file and frame."""

    def __init__(self, level: Level, files: Sequence[FrameFile]) -> None:
        self.high, self.wide = files[0].rows, files[0].columns
        self.tiles: dict[tuple[int, int], tuple[FrameFile, int]] = {}
        across = -(-level.columns // self.wide)
        down = -(-level.rows // self.high)
        for file in files:
            if (file.rows, file.columns) != (self.high, self.wide):
                raise UnreadableObject("PIXELS_UNREADABLE", "tiles of several sizes in one level")
            for index in range(file.count):
                self.tiles[self._place(file, index, across)] = (file, index)
        if any(not (0 <= r < down and 0 <= c < across) for r, c in self.tiles):
            raise UnreadableObject("PIXELS_UNREADABLE", "a tile lies outside the level")
        if _is_full(files[0].header) and len(self.tiles) != down * across:
            detail = f"{len(self.tiles)} of {down * across} tiles"
            raise UnreadableObject("PIXELS_UNREADABLE", detail)

    def _place(self, file: FrameFile, index: int, across: int) -> tuple[int, int]:
        """Return the tile row and column of a frame (PS3.3 C.7.6.17.3, C.8.12.6.1)."""
        ds = file.header
        if _is_full(ds):
            return divmod(index + int(ds.get("ConcatenationFrameOffsetNumber") or 0), across)
        try:
            with quiet():
                plane = macro(ds, index, "PlanePositionSlideSequence")
                row = int(plane.RowPositionInTotalImagePixelMatrix) - 1
                column = int(plane.ColumnPositionInTotalImagePixelMatrix) - 1
        except FOREIGN as error:
            raise UnreadableObject("PIXELS_UNREADABLE", "a tile without a place") from error
        if row % self.high or column % self.wide:
            raise UnreadableObject("PIXELS_UNREADABLE", "tiles that overlap or leave gaps")
        return row // self.high, column // self.wide


def _is_full(ds: Dataset) -> bool:
    """Tell whether tiles are stored row by row without naming their places."""
    said = str(ds.get("DimensionOrganizationType") or "").strip().upper()
    return said == "TILED_FULL" or int(ds.get("NumberOfFrames") or 1) == 1


def _level(frames: Sequence[Frame]) -> Level:
    first = frames[0]
    row, column = first.pixel_spacing_mm or (0.0, 0.0)
    return Level(tuple(frames), first.rows, first.columns, (row * 1000, column * 1000))
