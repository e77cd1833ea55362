"""Volumes that a difference between headers has torn: parts that are whole only together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from harmonise.geometry import judge
from harmonise.series import Stack
from harmonise.split import ORIENTATION_TOLERANCE

__all__ = ["without_torn"]

MOST_STACKS = 64
"""More parts than this are volumes over and over: of them the first ones tell."""

FEWEST_SINGLE = 3
"""Single slices that make a regular stack together."""

NAMES = (
    ("image_type", "(0008,0008)"),
    ("echo_time_ms", "(0018,0081)"),
    ("temporal_position", "(0020,0100)"),
    ("pixel_spacing_mm", "(0028,0030)"),
    ("rows", "(0028,0010)"),
    ("b_value", "(0018,9087)"),
    ("sop_class_uid", "(0008,0016)"),
)


def without_torn(stacks: Sequence[Stack]) -> tuple[list[Stack], str]:
    """Return the stacks of a series that stand by themselves, and what tore the others; "" if none.

    Volumes of one series (b-values, echoes, phases) lie at the same places. Two parts that share no
    place, lie within each other and make one regular stack together were one volume, of which some
    slices say something else: each alone would pass for a whole one with slices farther apart. So
    were three single slices or more that make one, and a slice without a place that is otherwise
    like the others: it may be one of theirs.
    """
    torn: set[int] = set()
    why = ""
    for one, other in combinations(range(min(len(stacks), MOST_STACKS)), 2):
        if _within(stacks[one], stacks[other]) and _are_whole((stacks[one], stacks[other])):
            torn |= {one, other}
            why = why or _difference(stacks[one], stacks[other])
    for one, other in _unplaced(stacks):
        torn |= {one, other}
        why = why or "(0020,0032) absent in some slices of one volume"
    single = [n for n, stack in enumerate(stacks) if len(stack.frames) == 1]
    if len(single) >= FEWEST_SINGLE and _are_whole([stacks[n] for n in single]):
        torn |= set(single)
        why = why or _difference(stacks[single[0]], stacks[single[1]])
    return [stack for n, stack in enumerate(stacks) if n not in torn], why


def _unplaced(stacks: Sequence[Stack]) -> list[tuple[int, int]]:
    """Return the pairs of a slice without a place and a stack that it is otherwise like."""
    bare = [n for n, stack in enumerate(stacks) if stack.frames[0].position_mm is None]
    return [
        (one, other)
        for one in bare
        for other in range(len(stacks))
        if other not in bare and _kind(stacks[one]) == _kind(stacks[other])
    ]


def _kind(stack: Stack) -> tuple[object, ...]:
    frame = stack.frames[0]
    return (frame.sop_class_uid, frame.image_type, frame.rows, frame.columns, frame.b_value)


def _within(one: Stack, other: Stack) -> bool:
    """Tell whether the slices of two parallel parts lie within each other; not: two slabs."""
    turn, frames = one.frames[0].orientation, (*one.frames, *other.frames)
    if turn is None or any(frame.position_mm is None for frame in frames):
        return False
    normal = np.cross(turn[:3], turn[3:])
    lows, highs = zip(*(_range(stack, normal) for stack in (one, other)), strict=True)
    return bool(max(lows) <= min(highs))


def _are_whole(stacks: Sequence[Stack]) -> bool:
    """Tell whether parallel parts make one regular stack together."""
    most = max(stacks, key=lambda s: (min(s.frames[0].pixel_spacing_mm or (0,)) > 0, len(s.frames)))
    like = most.frames[0]
    frames = [frame for stack in stacks for frame in stack.frames]
    if like.orientation is None or any(
        frame.orientation is None
        or np.abs(np.subtract(frame.orientation, like.orientation)).max() >= ORIENTATION_TOLERANCE
        for frame in frames
    ):
        return False
    alike = [
        replace(frame, pixel_spacing_mm=like.pixel_spacing_mm, rows=like.rows) for frame in frames
    ]
    return judge(replace(most, frames=tuple(alike))).verdict == "REGULAR"


def _range(stack: Stack, normal: NDArray[np.float64]) -> tuple[float, float]:
    along = np.asarray([frame.position_mm for frame in stack.frames], dtype=np.float64) @ normal
    return float(along.min()), float(along.max())


def _difference(one: Stack, other: Stack) -> str:
    first, second = one.frames[0], other.frames[0]
    names = [name for key, name in NAMES if getattr(first, key) != getattr(second, key)]
    if one.frame_of_reference_uid != other.frame_of_reference_uid:
        names.append("(0020,0052)")
    counts = f"{len(one.frames)} and {len(other.frames)} slices of one volume"
    return f"{counts} differ in {', '.join(names) or 'an attribute that parts volumes'}"
