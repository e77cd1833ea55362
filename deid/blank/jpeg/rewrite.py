"""Rewriting one interval: chosen blocks become flat, all other coefficients stay as they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deid.blank.jpeg.huffman import EOB, Huffman
from deid.blank.jpeg.walk import Walked

__all__ = ["Plan", "needed_sizes", "plan_interval", "write_interval"]

Bits = NDArray[np.uint8]


@dataclass(frozen=True)
class Plan:
    """What becomes of the blocks of an interval.

    Parameters
    ----------
    flat : array of bool
        Blocks that become flat.
    difference : array of int64
        The new DC difference of every block.
    rewritten : array of int64
        Indices of the blocks that are not copied whole.
    """

    flat: NDArray[np.bool_]
    difference: NDArray[np.int64]
    rewritten: NDArray[np.int64]


def plan_interval(
    walked: Walked, flat: NDArray[np.bool_], components: tuple[int, ...], level: dict[int, int]
) -> Plan:
    """Work out the DC differences once the flat blocks have their level.

    Prediction begins at 0 in each interval and goes from block to block of a component,
    T.81 F.1.1.5.1.

    Parameters
    ----------
    walked : Walked
        The blocks as they are.
    flat : array of bool
        Those that become flat.
    components : tuple of int
        Component of each block of an MCU, in its order.
    level : dict
        Component -> DC coefficient of a flat block.
    """
    difference = walked.difference.copy()
    of_block = np.tile(np.array(components), len(flat) // len(components))
    for component in set(components):
        here = of_block == component
        dc = np.cumsum(walked.difference[here])
        dc[flat[here]] = level[component]
        difference[here] = np.diff(dc, prepend=0)
    rewritten = np.flatnonzero(flat | (difference != walked.difference))
    return Plan(flat, difference, rewritten)


def needed_sizes(plan: Plan, positions: NDArray[np.bool_]) -> set[int]:
    """Return the DC sizes that the rewritten blocks at ``positions`` of the interval use."""
    written = plan.difference[plan.rewritten[positions[plan.rewritten]]]
    return {int(value).bit_length() for value in np.unique(np.abs(written))}


def write_interval(
    data: bytes, walked: Walked, plan: Plan, tables: tuple[tuple[Huffman, Huffman], ...]
) -> bytes:
    """Return the new bytes of the interval, with stuffing.

    Parameters
    ----------
    data : bytes
        The interval as it is, without stuffing.
    walked, plan
        Its blocks and what becomes of them.
    tables : tuple of (Huffman, Huffman)
        DC and AC table of each block of an MCU, with every symbol that is needed.
    """
    source = np.unpackbits(np.frombuffer(data, np.uint8))
    parts: list[Bits] = []
    copied = 0
    ends = [_bits(*ac.codes[EOB]) if EOB in ac.codes else _bits(0, 0) for _, ac in tables]
    known: dict[tuple[int, int], Bits] = {}
    for block in plan.rewritten.tolist():
        parts.append(source[copied : walked.start[block]])
        place = block % len(tables)
        key = (place, int(plan.difference[block]))
        if key not in known:
            known[key] = _dc_bits(tables[place][0], key[1])
        parts.append(known[key])
        if plan.flat[block]:
            parts.append(ends[place])
            copied = int(walked.stop[block])
        else:
            copied = int(walked.ac_start[block])
    parts.append(source[copied : walked.stop[-1]])
    whole = np.concatenate(parts)
    filling = np.ones(-len(whole) % 8, np.uint8)  # 1-bits to the byte, T.81 F.1.2.3
    packed = np.packbits(np.concatenate([whole, filling])).tobytes()
    return packed.replace(b"\xff", b"\xff\x00")


def _dc_bits(table: Huffman, difference: int) -> Bits:
    """Code of the size and the value in that many bits, T.81 F.1.2.1."""
    size = abs(difference).bit_length()
    value = difference if difference >= 0 else difference + (1 << size) - 1
    code, length = table.codes[size]
    return _bits((code << size) | value, length + size)


def _bits(value: int, length: int) -> Bits:
    return np.array([(value >> (length - 1 - i)) & 1 for i in range(length)], np.uint8)
