"""Blanking rectangles of one sequential JPEG frame, MCU by MCU."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from config.errors import UnsupportedObject
from deid.blank.jpeg.huffman import EOB, Huffman, extended, make_huffman
from deid.blank.jpeg.markers import Image, Scan, broken, read_image
from deid.blank.jpeg.rewrite import Plan, needed_sizes, plan_interval, write_interval
from deid.blank.jpeg.walk import BlockTables, Walked, walk
from deid.blank.jpeg.write import write_image
from deid.blank.region import Rectangle, disjoint

__all__ = ["BlankedJpeg", "blank_jpeg"]

RESTART = re.compile(rb"\xff+[\xd0-\xd7]")


@dataclass(frozen=True)
class BlankedJpeg:
    """A frame with its rectangles blanked.

    Parameters
    ----------
    data : bytes
        The new frame.
    blanked : tuple of Rectangle
        What was blanked: whole MCUs, cut at the edge of the image.
    mcu_rows, mcu_columns : int
        Pixels of an MCU.
    segments_dropped : int
        Comments and application segments left out, which could hold text.
    """

    data: bytes
    blanked: tuple[Rectangle, ...]
    mcu_rows: int
    mcu_columns: int
    segments_dropped: int


def blank_jpeg(
    data: bytes, rectangles: Iterable[Rectangle], *, photometric: str, rows: int, columns: int
) -> BlankedJpeg:
    """Blank every MCU that a rectangle touches; the coefficients of the others stay the same.

    Parameters
    ----------
    data : bytes
        One frame: Process 1, or 2 and 4 when sequential and Huffman-coded.
    rectangles : iterable of Rectangle
        What is blanked, within the image.
    photometric : str
        Photometric Interpretation.
    rows, columns : int
        Of the header; the frame has to agree.

    Raises
    ------
    UnsupportedObject
        ``JPEG_PROCESS_UNSUPPORTED`` or ``JPEG_TABLE_FULL``.
    UnreadableObject
        ``JPEG_BROKEN`` when the frame contradicts itself or the header.
    """
    image = read_image(data)
    if (image.rows, image.columns) != (rows, columns):
        raise broken("another size than the header says")
    if len(image.components) != (1 if photometric.startswith("MONOCHROME") else 3):
        raise broken("other colours than the header says")
    across = 8 * max(c.across for c in image.components)
    down = 8 * max(c.down for c in image.components)
    mask = _mcu_mask(image, disjoint(rectangles), down, across)
    levels = _levels(image, photometric)
    scans = tuple(_blank_scan(image, scan, mask, levels) for scan in image.scans)
    return BlankedJpeg(
        data=write_image(image, scans),
        blanked=_rectangles(mask, image, down, across),
        mcu_rows=down,
        mcu_columns=across,
        segments_dropped=len(image.dropped),
    )


def _mcu_mask(
    image: Image, rectangles: Iterable[Rectangle], down: int, across: int
) -> NDArray[np.bool_]:
    mask = np.zeros((_ceil(image.rows, down), _ceil(image.columns, across)), np.bool_)
    for r in rectangles:
        mask[
            r.row_start // down : _ceil(r.row_stop, down),
            r.column_start // across : _ceil(r.column_stop, across),
        ] = True
    return mask


def _rectangles(
    mask: NDArray[np.bool_], image: Image, down: int, across: int
) -> tuple[Rectangle, ...]:
    cells = (
        Rectangle(
            int(row) * down,
            min(int(row + 1) * down, image.rows),
            int(column) * across,
            min(int(column + 1) * across, image.columns),
        )
        for row, column in np.argwhere(mask)
    )
    return disjoint(cells)


def _levels(image: Image, photometric: str) -> dict[int, int]:
    """DC coefficient of a black block, per component.

    The DC coefficient is eight times the mean, less half the range, T.81 A.3.1 and A.3.3; it is
    rounded away from zero, so that the decoder clamps at the end of the range.
    """
    half = 1 << (image.precision - 1)
    lowest, highest = -8 * half, 8 * (half - 1)
    colour = len(image.components) == 3 and not _holds_rgb(image, photometric)
    wanted = highest if photometric == "MONOCHROME1" else lowest
    levels = {}
    for index, component in enumerate(image.components):
        step = image.quantisers.get(component.quantiser)
        if not step:
            raise broken("no quantisation table")
        target = 0 if colour and index else wanted
        levels[index] = (1 if target > 0 else -1) * _ceil(abs(target), step)
    return levels


def _holds_rgb(image: Image, photometric: str) -> bool:
    """Whether the colours are red, green and blue; what the frame says goes before the header."""
    if image.adobe:
        return image.adobe[11] == 0  # T.872 6.5.3
    if image.jfif:
        return False
    identifiers = bytes(c.identifier for c in image.components)
    return identifiers == b"RGB" or (photometric == "RGB" and identifiers != b"\1\2\3")


def _ceil(number: int, divisor: int) -> int:
    return -(-number // divisor)


@dataclass(frozen=True)
class _Layout:
    """The blocks of an MCU of a scan, and which MCUs of the image its MCUs belong to."""

    components: tuple[int, ...]
    tables: tuple[BlockTables, ...]
    destinations: tuple[tuple[int, int], ...]
    flat: NDArray[np.bool_]


def _layout(image: Image, scan: Scan, mask: NDArray[np.bool_]) -> _Layout:
    """Interleaved: all blocks of an MCU. Of one component: an MCU is a block, T.81 A.2.2."""
    parts: list[tuple[int, int, int]] = []
    if len(scan.components) == 1:
        parts = list(scan.components)
        component = image.components[parts[0][0]]
        most_across = max(c.across for c in image.components)
        most_down = max(c.down for c in image.components)
        width = _ceil(_ceil(image.columns * component.across, most_across), 8)
        height = _ceil(_ceil(image.rows * component.down, most_down), 8)
        block_rows = np.arange(height) // component.down
        block_columns = np.arange(width) // component.across
        flat = mask[np.ix_(block_rows, block_columns)].ravel()
    else:
        for part in scan.components:
            component = image.components[part[0]]
            parts += [part] * (component.across * component.down)
        flat = mask.ravel()
    return _Layout(
        components=tuple(part[0] for part in parts),
        tables=_block_tables(scan, parts),
        destinations=tuple((part[1], part[2]) for part in parts),
        flat=flat,
    )


def _block_tables(scan: Scan, parts: list[tuple[int, int, int]]) -> tuple[BlockTables, ...]:
    made: dict[tuple[int, int], BlockTables] = {}
    for _, dc, ac in parts:
        if (0, dc) not in scan.tables or (1, ac) not in scan.tables:
            raise broken("no Huffman table")
        made.setdefault(
            (dc, ac),
            BlockTables(make_huffman(*scan.tables[0, dc]), make_huffman(*scan.tables[1, ac])),
        )
    return tuple(made[dc, ac] for _, dc, ac in parts)


def _blank_scan(image: Image, scan: Scan, mask: NDArray[np.bool_], levels: dict[int, int]) -> Scan:
    layout = _layout(image, scan, mask)
    per_mcu = len(layout.components)
    intervals = _intervals(scan, len(layout.flat))
    worked: list[tuple[bytes, Walked, Plan]] = []
    at = 0
    for data, mcus in intervals:
        walked = walk(data, mcus, layout.tables)
        flat = np.repeat(layout.flat[at : at + mcus], per_mcu)
        worked.append((data, walked, plan_interval(walked, flat, layout.components, levels)))
        at += mcus
    tables = _tables_with_room(scan, layout, [plan for _, _, plan in worked], image.precision)
    chosen = tuple((tables[0, dc], tables[1, ac]) for dc, ac in layout.destinations)
    pieces = [write_interval(data, walked, plan, chosen) for data, walked, plan in worked]
    entropy = pieces[0] + b"".join(
        bytes((0xFF, 0xD0 + index % 8)) + piece for index, piece in enumerate(pieces[1:])
    )
    new = {key: (table.counts, table.symbols) for key, table in tables.items()}
    return replace(scan, tables=new, entropy=entropy)


def _intervals(scan: Scan, mcus: int) -> list[tuple[bytes, int]]:
    """Return the bytes between restarts without stuffing, and the MCUs of each, T.81 E.1.4."""
    numbers = [found[0][-1] - 0xD0 for found in RESTART.finditer(scan.entropy)]
    pieces = [piece.replace(b"\xff\x00", b"\xff") for piece in RESTART.split(scan.entropy)]
    interval = scan.restart_interval or mcus
    counts = [min(interval, mcus - first) for first in range(0, mcus, interval)]
    if len(pieces) == len(counts) + 1 and not pieces[-1]:
        pieces, numbers = pieces[:-1], numbers[:-1]  # some encoders end with a restart
    if len(pieces) != len(counts) or numbers != [i % 8 for i in range(len(numbers))]:
        raise broken("restart markers")
    return list(zip(pieces, counts, strict=True))


def _tables_with_room(
    scan: Scan, layout: _Layout, plans: list[Plan], precision: int
) -> dict[tuple[int, int], Huffman]:
    """Return the tables of the scan, with the symbols that its rewritten blocks need."""
    needed: dict[tuple[int, int], set[int]] = {}
    per_mcu = len(layout.components)
    for place, (dc, ac) in enumerate(layout.destinations):
        for plan in plans:
            here = np.zeros(len(plan.flat), np.bool_)
            here[place::per_mcu] = True
            needed.setdefault((0, dc), set()).update(needed_sizes(plan, here))
            needed.setdefault((1, ac), set()).update({EOB} if plan.flat[here].any() else set())
    largest = precision + 3  # T.81 F.1.2.1 and F.1.2.1.3
    if any(size > largest for (kind, _), sizes in needed.items() if not kind for size in sizes):
        raise UnsupportedObject("JPEG_TABLE_FULL", "a difference is too large")
    tables = {key: make_huffman(*table) for key, table in scan.tables.items()}
    return tables | {key: extended(tables[key], symbols) for key, symbols in needed.items()}
