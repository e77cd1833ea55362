"""Ultrasound: one picture cut from a frame, and whether its pixels have a size."""

from __future__ import annotations

from harmonise.series import Geometry, Stack
from harmonise.volume import Grid

__all__ = ["judge_ultrasound"]


def judge_ultrasound(stack: Stack) -> Geometry:
    """Return the verdict on the frames of one ultrasound picture: a grid without a place.

    Millimetres only from a region that lies within the image, is measured in centimetres and is
    as deep as a body; never assumed (``US_NO_REGION``, ``US_UNITS_NOT_CM``,
    ``US_DEPTH_IMPLAUSIBLE`` are flags on a picture in pixels). Where the box does not fit the
    image, the image was cropped or resized after it was calibrated: ``US_REGION_OUT_OF_BOUNDS``.
    """
    frames = stack.frames
    first = frames[0]
    region = first.region
    assert region is not None
    if region.refusal:
        return Geometry("PLANAR", None, (), region.refusal, region.why)
    order = sorted(
        range(len(frames)), key=lambda i: (frames[i].sop_instance_uid, frames[i].frame_index)
    )
    row_mm, column_mm = first.pixel_spacing_mm or (None, None)
    shape = (len(frames), first.rows, first.columns)
    grid = Grid(shape, (None, row_mm, column_mm), positioned=False)
    return Geometry("PLANAR", grid, tuple(order), region.flag or None, f"spacing: {region.why}")
