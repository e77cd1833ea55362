"""The SUV of a stack: the frames' own facts with the private ones of its passport."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from config.errors import UnknownUnits
from harmonise.series import Frame, Stack
from harmonise.suv.factors import Private, Suv, suv_of_frames
from harmonise.vendor.orphans import ORPHAN
from harmonise.vendor.realworld import Scale

__all__ = ["SUV_BW", "in_suv", "suv_of", "suv_of_role"]

SUV_BW = "g/ml{SUVbw}"
"""UCUM code of SUVbw (PS3.16 CID 85)."""


def suv_of_role(stack: Stack, role: str) -> Suv | None:
    """Return the SUV of a stack whose role has one (attenuation-corrected PET), else None."""
    return suv_of(stack) if role == "pt" else None


def in_suv(scale: Scale, factor: float) -> Scale:
    """Return the scale of a frame with its SUV factor.

    Raises
    ------
    UnknownUnits
        ``PT_INTERCEPT_NONZERO``: PS3.3 C.8.9.4.1.2, and no factor is right with one.
    """
    if scale.intercept != 0 or scale.uses_lut:
        raise UnknownUnits("PT_INTERCEPT_NONZERO", f"(0028,1052) {scale.intercept:g}")
    why = f"{scale.why}, then SUV"
    return replace(scale, slope=scale.slope * factor, unit=SUV_BW, why=why)


def suv_of(stack: Stack) -> Suv:
    """Return how the rescaled values of a PET stack become SUVbw, factors in the frames' order.

    Raises
    ------
    UnknownUnits
        As :func:`harmonise.suv.factors.suv_of_frames`; ``PT_INTERCEPT_NONZERO``.
    """
    for frame in stack.frames:
        if frame.intercept != 0:  # PS3.3 C.8.9.4.1.2
            raise UnknownUnits("PT_INTERCEPT_NONZERO", f"(0028,1052) {frame.intercept:g}")
    facts = [frame.pet for frame in stack.frames if frame.pet is not None]
    if len(facts) < len(stack.frames):
        raise UnknownUnits("PT_UNITS_UNSUPPORTED", "(0008,0060) not PT")
    found = suv_of_frames(facts, [_private(stack, frame) for frame in stack.frames])
    orphans = [f for f in (stack.passport.findings if stack.passport else ()) if f.why == ORPHAN]
    return replace(found, flags=(*found.flags, *(["PT_PRIVATE_WITHOUT_CREATOR"] * bool(orphans))))


def _private(stack: Stack, frame: Frame) -> Private:
    rows = stack.passport.per_instance if stack.passport else {}
    row = rows.get(frame.sop_instance_uid, {})
    if "frames" in row and frame.frame_index < len(row["frames"]):
        row = row["frames"][frame.frame_index]
    return Private(
        suv_factor=_number(row.get("suv_factor")),
        activity_factor=_number(row.get("activity_factor")),
        scan_start_s=_number(row.get("scan_start_offset_s")),
    )


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None
