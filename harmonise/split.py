"""Splitting: frames of one series parted until each part may be one volume."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harmonise.series import Frame

__all__ = ["split_frames"]

ORIENTATION_TOLERANCE = 1e-3
"""Direction cosines closer than this (0.06 degrees) are one orientation written twice."""

MOST_PLANES = 3
"""A series of more orientations than a three-plane localizer is one that turns from slice to slice:
it is left whole, so that the geometry gate refuses it instead of one volume a slice leaving."""

ECHO_TOLERANCE_MS = 0.1
"""Echo times closer than this are one echo."""

Headers = Mapping[str, dict[str, Any]]
"""Plain headers by SOPInstanceUID."""

Divide = Callable[[list[Frame]], list[list[Frame]]]


def split_frames(frames: list[Frame], headers: Headers) -> list[list[Frame]]:
    """Return the parts of a series, each of which may be one volume, in a fixed order.

    By SOP class, frame of reference, ImageType, matrix and spacing, stack, b-value and direction,
    temporal position, echo and orientation; then by acquisition where a place is imaged again.
    A projection, which has no place, is a part of its own.
    """
    parts = [sorted(frames, key=lambda f: (f.sop_instance_uid, f.frame_index, f.tile or ()))]
    for divide in (_by_attributes(headers), _by_echo, _by_orientation, _by_repeat(headers)):
        parts = [piece for part in parts for piece in divide(part)]
    return parts


def _grouped(frames: list[Frame], key: Callable[[Frame], Any]) -> list[list[Frame]]:
    groups: dict[Any, list[Frame]] = defaultdict(list)
    for frame in frames:
        groups[key(frame)].append(frame)
    return [groups[k] for k in sorted(groups, key=repr)]


def _by_attributes(headers: Headers) -> Divide:
    def key(frame: Frame) -> tuple[Any, ...]:
        spacing = frame.pixel_spacing_mm
        return (
            frame.sop_class_uid,
            headers[frame.sop_instance_uid].get("FrameOfReferenceUID"),
            frame.image_type,
            (frame.rows, frame.columns),
            spacing and tuple(round(value, 4) for value in spacing),
            frame.stack_id,
            "" if frame.b_value is None else f"{frame.b_value:010.2f}",
            frame.gradient and tuple(round(value, 3) for value in frame.gradient),
            frame.scan_gradient and tuple(round(value, 3) for value in frame.scan_gradient),
            f"{frame.temporal_position or 0:06d}",
            _own_part(frame),
            # one object of tiled slices is one volume
            frame.tile
            and frame.region is None
            and (f"{frame.instance_number or 0:06d}", frame.sop_instance_uid),
        )

    return lambda frames: _grouped(frames, key)


def _own_part(frame: Frame) -> tuple[Any, ...] | None:
    """Return what parts an image without a place from all others; None for one that has a place.

    The frames of a cine stay together, each picture on them by itself.
    """
    if frame.region is not None:
        return (frame.sop_instance_uid, frame.tile)
    if frame.position_mm is None:
        return (frame.sop_instance_uid, frame.frame_index)
    return None


def _by_echo(frames: list[Frame]) -> list[list[Frame]]:
    number: dict[float | None, int] = {None: 0}
    before: float | None = None
    for time in sorted({f.echo_time_ms for f in frames if f.echo_time_ms is not None}):
        is_new = before is None or time - before > ECHO_TOLERANCE_MS
        number[time] = number[before] + is_new
        before = time
    return _grouped(frames, lambda f: number[f.echo_time_ms])


def _by_orientation(frames: list[Frame]) -> list[list[Frame]]:
    groups: list[tuple[NDArray[np.float64], list[Frame]]] = []
    for frame in frames:
        turn = np.asarray(frame.orientation or (0.0,) * 6)
        for first, members in groups:
            if float(np.abs(first - turn).max()) < ORIENTATION_TOLERANCE:
                members.append(frame)
                break
        else:
            groups.append((turn, [frame]))
    return [members for _, members in groups] if len(groups) <= MOST_PLANES else [frames]


def _by_repeat(headers: Headers) -> Divide:
    """Part volumes taken again at the same place where no temporal position is given."""

    def divide(frames: list[Frame]) -> list[list[Frame]]:
        if frames[0].region is not None:
            return [frames]
        places = _grouped(frames, lambda f: f.position_mm)
        if len(places) in (len(frames), 0) or frames[0].temporal_position is not None:
            return [frames]
        by_number = _grouped(frames, lambda f: f.acquisition_number)
        if len(by_number) > 1 and all(_no_repeat(part) for part in by_number):
            return by_number
        header = headers[frames[0].sop_instance_uid]
        volumes = int(header.get("NumberOfTemporalPositions") or 1)
        if max(len(place) for place in places) > volumes:
            return [frames]
        rank: dict[tuple[str, int], int] = {}
        for place in places:
            ordered = sorted(place, key=lambda f: (f.instance_number or 0, f.sop_instance_uid))
            rank.update({(f.sop_instance_uid, f.frame_index): n for n, f in enumerate(ordered)})
        return _grouped(frames, lambda f: rank[f.sop_instance_uid, f.frame_index])

    return divide


def _no_repeat(frames: list[Frame]) -> bool:
    return len({f.position_mm for f in frames}) == len(frames)
