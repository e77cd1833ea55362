"""Where each block of an entropy-coded interval begins and ends, and its DC difference."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from deid.blank.jpeg.huffman import BLOCK_END, INVALID, Huffman
from deid.blank.jpeg.markers import broken

__all__ = ["BlockTables", "Walked", "walk"]

WINDOW_BYTES = 1 << 15
"""Bytes whose bit positions are looked up at a time: memory stays flat, tables stay in cache."""

LONGEST_BLOCK_BYTES = 256
"""64 codes of 16 bits with values of 15 make 248 bytes."""


@dataclass(frozen=True)
class BlockTables:
    """The two Huffman tables of a block."""

    dc: Huffman
    ac: Huffman

    @cached_property
    def steps(self) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
        """Look-ups of DC and AC."""
        return self.dc.dc_steps(), self.ac.ac_steps()


@dataclass(frozen=True)
class Walked:
    """The blocks of an interval in their order, offsets in bits.

    Parameters
    ----------
    start, ac_start, stop : array of int64
        First bit of the block, of its AC coefficients, and the bit after its last.
    difference : array of int64
        DC coefficient less the one before of the same component.
    """

    start: NDArray[np.int64]
    ac_start: NDArray[np.int64]
    stop: NDArray[np.int64]
    difference: NDArray[np.int64]


def walk(data: bytes, mcus: int, mcu: tuple[BlockTables, ...]) -> Walked:
    """Find the blocks of an interval; values of AC coefficients are stepped over, not read.

    Parameters
    ----------
    data : bytes
        Entropy-coded bytes of one interval, stuffing removed.
    mcus : int
        Number of MCUs in it.
    mcu : tuple of BlockTables
        Tables of each block of an MCU, in its order.

    Raises
    ------
    UnreadableObject
        ``JPEG_BROKEN`` when the bytes end early or hold no valid code.
    """
    ends = array("q", [0])
    window_start = 0
    while len(ends) <= mcus * len(mcu):
        piece = data[window_start : window_start + WINDOW_BYTES + 2 * LONGEST_BLOCK_BYTES]
        looked_up = _look_up(piece, mcu)
        _walk_window(looked_up, ends, window_start * 8, mcus * len(mcu))
        if ends[-1] > len(data) * 8:
            raise broken("entropy-coded data end early")
        window_start = ends[-1] // 8
    edges = np.frombuffer(ends, np.int64)
    start, stop = edges[:-1], edges[1:]
    ac_start, difference = _differences(data, start, mcu)
    return Walked(start, ac_start, stop, difference)


def _look_up(piece: bytes, mcu: tuple[BlockTables, ...]) -> list[tuple[array[int], array[int]]]:
    """Per block of an MCU the steps at every bit of the piece."""
    padded = np.frombuffer(piece + b"\xff" * (2 * LONGEST_BLOCK_BYTES), np.uint8).astype(np.uint32)
    words = (padded[:-2] << 16) | (padded[1:-1] << 8) | padded[2:]
    windows = (words[:, None] >> np.arange(8, 0, -1, dtype=np.uint32)) & 0xFFFF
    flat = windows.ravel()
    made: dict[BlockTablesKey, tuple[array[int], array[int]]] = {}
    found = []
    for tables in mcu:
        key = (id(tables.dc), id(tables.ac))
        if key not in made:
            dc, ac = tables.steps
            dc_bits = (dc >> 5) + (dc & 31)
            made[key] = (array("H", dc_bits[flat].tobytes()), array("H", ac[flat].tobytes()))
        found.append(made[key])
    return found


BlockTablesKey = tuple[int, int]


def _walk_window(
    looked_up: list[tuple[array[int], array[int]]], ends: array[int], offset: int, blocks: int
) -> None:
    """Append the ends of the blocks that begin in the window: the hot loop, flat on purpose."""
    position = ends[-1] - offset
    index = (len(ends) - 1) % len(looked_up)
    limit = WINDOW_BYTES * 8
    left = blocks - len(ends) + 1
    while position < limit and left:
        dc, ac = looked_up[index]
        index += 1
        if index == len(looked_up):
            index = 0
        step = dc[position]
        if not step:
            raise broken("no such DC code")
        position += step
        k = 1
        while k < 64:
            step = ac[position]
            position += step >> 8
            k += step & 255
        if k > 64 and not BLOCK_END < k < INVALID:
            raise broken("no such AC code")
        ends.append(position + offset)
        left -= 1


def _differences(
    data: bytes, start: NDArray[np.int64], mcu: tuple[BlockTables, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First AC bit and DC difference of each block, T.81 F.2.2.1: size, then that many bits."""
    padded = np.frombuffer(data + b"\xff" * 8, np.uint8)
    word = np.zeros(len(start), np.int64)
    for offset in range(5):
        word = (word << 8) | padded[(start >> 3) + offset]
    shift = start & 7
    step = np.zeros(len(start), np.int64)
    for index, tables in enumerate(mcu):
        here = slice(index, None, len(mcu))
        step[here] = tables.steps[0][(word[here] >> (24 - shift[here])) & 0xFFFF]
    length, size = step >> 5, step & 31
    bits = (word >> (40 - shift - length - size)) & ((1 << size) - 1)
    negative = (size > 0) & (bits < (1 << np.maximum(size - 1, 0)))
    return start + length + size, np.where(negative, bits - (1 << size) + 1, bits)
