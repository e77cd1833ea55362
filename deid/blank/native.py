"""Blanking rectangles in uncompressed pixels: a stream of bytes in and out, in flat memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from config.errors import UnreadableObject, UnsupportedObject
from deid.blank.black import black_samples
from deid.blank.region import Rectangle, for_frame
from deid.blank.shape import PixelShape

__all__ = ["blank_native", "native_length"]


@dataclass(frozen=True)
class Run:
    """Consecutive bits that become a repeated pattern, which begins on a byte unless it is uniform.

    Offsets are in bits from the start of the pixel data.
    """

    start_bit: int
    stop_bit: int
    pattern: bytes


def native_length(shape: PixelShape) -> int:
    """Return the length in bytes of the uncompressed pixel data, made even, PS3.5 8.1.1."""
    length = (shape.frames * shape.frame_bits + 7) // 8
    return length + length % 2


def blank_native(
    chunks: Iterable[bytes],
    shape: PixelShape,
    rectangles: Iterable[Rectangle],
    *,
    big_endian: bool = False,
    swapped_pairs: bool = False,
) -> Iterator[bytes]:
    """Yield the pixel data with the rectangles made black; everything else is copied.

    What stands after the last frame is left out, and the length made even with a null byte.
    Of colour that two pixels share, the rectangle grows to both.

    Parameters
    ----------
    chunks : iterable of bytes
        The value of Pixel Data in pieces of any size.
    shape : PixelShape
        What the header says of it.
    rectangles : iterable of Rectangle
        What is blanked; within the image.
    big_endian : bool
        Whether cells of more than one byte have their high byte first.
    swapped_pairs : bool
        Whether cells of at most 8 bits lie in big endian words (OW), so that each pair of bytes
        is the other way round, PS3.5 8.1.2.

    Raises
    ------
    UnreadableObject
        ``BLANK_PIXELS_SHORT`` when the data end before the last frame does.
    """
    given = tuple(rectangles)
    if swapped_pairs:
        straight = blank_native(_swap(chunks), shape, given)
        yield from _swap(straight)
        return
    length = (shape.frames * shape.frame_bits + 7) // 8
    runs = _all_runs(shape, given, big_endian=big_endian)
    run = next(runs, None)
    position = 0
    for chunk in chunks:
        piece = bytearray(chunk[: length - position])
        stop = position + len(piece)
        while run is not None and run.start_bit < stop * 8:
            _write(piece, position, run)
            if run.stop_bit > stop * 8:
                break
            run = next(runs, None)
        position = stop
        if piece:
            yield bytes(piece)
    if position < length:
        raise UnreadableObject("BLANK_PIXELS_SHORT", f"{position} of {length} bytes")
    if length % 2:
        yield b"\0"


def _write(piece: bytearray, position: int, run: Run) -> None:
    """Write the part of ``run`` that lies in ``piece``, which begins at byte ``position``."""
    start = max(run.start_bit - position * 8, 0)
    stop = min(run.stop_bit - position * 8, len(piece) * 8)
    if start % 8 == stop % 8 == 0:
        first, last = start // 8, stop // 8
        phase = (position + first - run.start_bit // 8) % len(run.pattern)
        count = (last - first + phase) // len(run.pattern) + 1
        piece[first:last] = (run.pattern * count)[phase : phase + last - first]
        return
    # The first pixel is the lowest bit of a byte, PS3.5 8.1.1.
    for index in range(start // 8, (stop + 7) // 8):
        mask = (0xFF << max(start - index * 8, 0)) & (0xFF >> max((index + 1) * 8 - stop, 0)) & 0xFF
        piece[index] = (piece[index] & ~mask) | (run.pattern[0] & mask)


def _all_runs(
    shape: PixelShape, given: tuple[Rectangle, ...], *, big_endian: bool
) -> Iterator[Run]:
    make = _runs_of(shape, big_endian=big_endian)
    per_frame = {r.frame for r in given if r.frame is not None}
    everywhere = for_frame((r for r in given if r.frame is None), 0)
    for frame in range(shape.frames):
        here = for_frame(given, frame) if frame in per_frame else everywhere
        for run in make(here):
            offset = frame * shape.frame_bits
            yield replace(run, start_bit=run.start_bit + offset, stop_bit=run.stop_bit + offset)


def _runs_of(
    shape: PixelShape, *, big_endian: bool
) -> Callable[[tuple[Rectangle, ...]], tuple[Run, ...]]:
    """Return what makes the runs of one frame, and remembers the last."""
    cells = [_cell(shape, value, big_endian=big_endian) for value in black_samples(shape)]
    bits = shape.bits_allocated

    @lru_cache(maxsize=4)
    def make(here: tuple[Rectangle, ...]) -> tuple[Run, ...]:
        if shape.half_chroma:
            y, cb, cr = cells
            return _lines(_whole_pairs(shape, here), shape.columns, 2 * bits, 0, y + y + cb + cr)
        if not shape.planar:
            return _lines(here, shape.columns, shape.samples * bits, 0, b"".join(cells))
        plane = shape.rows * shape.columns * bits
        return tuple(
            run
            for index, cell in enumerate(cells)
            for run in _lines(here, shape.columns, bits, index * plane, cell)
        )

    return make


def _whole_pairs(shape: PixelShape, here: tuple[Rectangle, ...]) -> tuple[Rectangle, ...]:
    if shape.columns % 2:
        raise UnsupportedObject("BLANK_PIXELS_UNSUPPORTED", "shared colour with odd columns")
    grown = (
        replace(
            r,
            column_start=r.column_start - r.column_start % 2,
            column_stop=r.column_stop + r.column_stop % 2,
        )
        for r in here
    )
    return for_frame(grown, 0)


def _lines(
    here: tuple[Rectangle, ...], columns: int, pixel_bits: int, offset: int, pattern: bytes
) -> tuple[Run, ...]:
    """Return the runs in the order of the bytes."""
    rows = sorted((row, r) for r in here for row in range(r.row_start, r.row_stop))
    return tuple(
        Run(
            offset + (row * columns + r.column_start) * pixel_bits,
            offset + (row * columns + r.column_stop) * pixel_bits,
            pattern,
        )
        for row, r in rows
    )


def _cell(shape: PixelShape, value: int, *, big_endian: bool) -> bytes:
    """Return the cell that holds ``value``, its sign carried to the highest bit."""
    if shape.bits_allocated == 1:
        return b"\xff" if value else b"\0"
    cell = (value << (shape.high_bit + 1 - shape.bits_stored)) % (1 << shape.bits_allocated)
    return cell.to_bytes(shape.bits_allocated // 8, "big" if big_endian else "little")


def _swap(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes with each pair the other way round."""
    rest = b""
    for chunk in chunks:
        joined = rest + chunk
        even = len(joined) - len(joined) % 2
        rest = joined[even:]
        piece = bytearray(joined[:even])
        piece[0::2], piece[1::2] = piece[1::2], piece[0::2]
        yield bytes(piece)
    if rest:
        yield rest
