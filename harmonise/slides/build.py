"""The pyramid of a slide made tile by tile: depth first, so that memory does not grow with it.

Tiles of the finest level are read, mapped and encoded; four of them make one of the next level as
soon as they are there. No more than four tiles a level are ever held. Encoded tiles go to a spool
file in the order they come, and are taken from it in the order DICOM wants them.
"""

from __future__ import annotations

import hashlib
import io
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from config.files import disk_faults
from harmonise.slides.slide import Slide, witness_tiles
from harmonise.slides.ssim import similarity
from harmonise.slides.stain import dyed

__all__ = ["BuiltLevel", "Pyramid", "encoded"]

Rgb = NDArray[np.uint8]


def encoded(pixels: Rgb, quality: int) -> bytes:
    """Return a tile as JPEG baseline, of even length (PS3.5 8.2.1, A.4).

    The three colours are encoded as they are, photometric interpretation RGB: halved chroma leaves
    the blue of H&E a structural similarity of 0.84 (docs/pathology.md).
    """
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling=0, keep_rgb=True)
    data = buffer.getvalue()
    return data + b"\0" * (len(data) % 2)


@dataclass
class BuiltLevel:
    """One level of the result: its size, and where each tile lies in the spool (start, length)."""

    rows: int
    columns: int
    tiles: tuple[int, int]
    spans: NDArray[np.int64]

    @property
    def stored_bytes(self) -> int:
        """Bytes of all tiles as encoded."""
        return int(self.spans[..., 1].sum())

    @property
    def ratio(self) -> float:
        """Bytes of the pixels before compression over those after (PS3.3 C.7.6.1.1.5.2)."""
        return self.rows * self.columns * 3 / max(1, self.stored_bytes)


@dataclass
class Pyramid:
    """A slide's result, every tile of it encoded, in a spool file beside where it will be written.

    Attributes
    ----------
    levels : list of BuiltLevel
        The finest first; the last one is a single tile.
    sha256 : str
        Digest of every tile of the finest level before it was encoded, row by row.
    similarities : list of float
        Structural similarity of the witness tiles to what their JPEG decodes to.
    blank_tiles : int
        Tiles of the finest level that hold no dye, and passed as they were.
    """

    slide: Slide
    folder: Path
    levels: list[BuiltLevel] = field(default_factory=list)
    sha256: str = ""
    similarities: list[float] = field(default_factory=list)
    blank_tiles: int = 0

    def __enter__(self) -> Self:
        with disk_faults():
            self.folder.mkdir(parents=True, exist_ok=True)
            # a name that leaves the folder at once: nothing stays behind, whatever happens
            self._spool: BinaryIO = tempfile.TemporaryFile(dir=self.folder)
        try:
            self._build()
        except BaseException:
            self._spool.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._spool.close()

    def frames(self, number: int) -> Iterator[bytes]:
        """Yield the encoded tiles of a level, row by row (PS3.3 C.7.6.17.3)."""
        for start, length in self.levels[number].spans.reshape(-1, 2).tolist():
            self._spool.seek(start)
            yield self._spool.read(length)

    def _build(self) -> None:
        size = self.slide.encoding.tile
        shape = self.slide.shape
        while True:
            tiles = (math.ceil(shape[0] / size), math.ceil(shape[1] / size))
            self.levels.append(BuiltLevel(*shape, tiles, np.zeros((*tiles, 2), np.int64)))
            if tiles == (1, 1):
                break
            shape = (math.ceil(shape[0] / 2), math.ceil(shape[1] / 2))
        self._digests = np.zeros((*self.levels[0].tiles, 32), np.uint8)
        self._witnesses = set(witness_tiles(self.slide.shape, size))
        with disk_faults():
            self._tile(len(self.levels) - 1, 0, 0)
        self.sha256 = hashlib.sha256(self._digests.tobytes()).hexdigest()

    def _tile(self, number: int, row: int, column: int) -> Rgb | None:
        """Make one tile and all below it; None where it lies beyond the edge."""
        level = self.levels[number]
        if row >= level.tiles[0] or column >= level.tiles[1]:
            return None
        if number == 0:
            pixels = self._finest(row, column)
        else:
            pixels = self._halved(
                [
                    [self._tile(number - 1, 2 * row + r, 2 * column + c) for c in (0, 1)]
                    for r in (0, 1)
                ]
            )
        data = encoded(pixels, self.slide.encoding.quality)
        level.spans[row, column] = self._spool.tell(), len(data)
        self._spool.write(data)
        if number == 0 and (row, column) in self._witnesses:
            self.similarities.append(similarity(pixels, np.asarray(Image.open(io.BytesIO(data)))))
        return pixels

    def _finest(self, row: int, column: int) -> Rgb:
        size = self.slide.encoding.tile
        pixels = np.ascontiguousarray(self.slide.region(row * size, column * size, size, size))
        digest = hashlib.sha256(pixels.tobytes()).digest()
        self._digests[row, column] = np.frombuffer(digest, np.uint8)
        self.blank_tiles += not dyed(pixels).any()
        return pixels

    def _halved(self, four: list[list[Rgb | None]]) -> Rgb:
        """Return the mean of two by two pixels of four tiles; beyond the edge its pixels go on."""
        size = self.slide.encoding.tile
        whole = np.empty((2 * size, 2 * size, 3), np.uint8)
        for r, pair in enumerate(four):
            for c, tile in enumerate(pair):
                place = whole[r * size : (r + 1) * size, c * size : (c + 1) * size]
                if tile is not None:
                    place[:] = tile
                elif c == 1 and pair[0] is not None:
                    place[:] = pair[0][:, -1:]
                else:
                    place[:] = whole[size - 1 : size, c * size : (c + 1) * size]
        sums = whole[0::2, 0::2].astype(np.uint16)
        for r, c in ((0, 1), (1, 0), (1, 1)):
            sums += whole[r::2, c::2]
        sums += 2
        sums >>= 2
        return sums.astype(np.uint8)
