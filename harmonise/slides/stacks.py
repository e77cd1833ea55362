"""Slides of a series: labels left out, levels put in order, and checked against each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from config.errors import InconsistentSeries, RejectedError, UnknownUnits, UnsupportedObject
from harmonise.series import Frame, Refusal, Stack
from harmonise.vendor.instance import Instance

__all__ = ["is_slide", "slide_stacks"]

LEFT_OUT = {
    "label": ("WSI_LABEL_PRESENT", "(0008,0008), (0048,0010) shows the label of the slide"),
    "thumbnail": ("NOT_SELECTED", "(0008,0008) THUMBNAIL: the levels show the same"),
    "unknown": ("WSI_KIND_UNKNOWN", "(0008,0008) does not say what the image shows"),
}
"""What an image shows -> the code and detail of leaving it out."""

LEVEL_TOLERANCE = 0.01
"""Share that the scale of a level may differ from what its size says, beside one pixel."""


def is_slide(instance: Instance) -> bool:
    """Tell whether an object is part of a whole slide image."""
    return "Shows" in instance.header


def slide_stacks(
    instances: Sequence[Instance], flags: tuple[str, ...]
) -> tuple[list[Stack], list[Refusal]]:
    """Return a stack a slide, its frames the levels, finest first, and what was left out."""
    refusals = []
    kinds: dict[str, list[Instance]] = defaultdict(list)
    for instance in instances:
        kinds[str(instance.header["Shows"])].append(instance)
    for kind, (code, detail) in LEFT_OUT.items():
        if kinds[kind]:
            refusals.append(_refusal(kinds[kind][0], code, detail))
    groups: dict[str, list[Instance]] = defaultdict(list)
    for instance in kinds["tissue"]:
        # PS3.3 C.7.6.22.1: the glass; C.8.12.4: the pyramid, where a series holds several of one
        names = ("ContainerIdentifier", "PyramidUID")
        groups[repr([instance.header.get(name) for name in names])].append(instance)
    stacks = []
    for key in sorted(groups):
        try:
            stacks.append(_stack(groups[key], flags))
        except RejectedError as error:
            refusals.append(_refusal(groups[key][0], error.code, error.detail))
    return stacks, refusals


def _refusal(instance: Instance, code: str, detail: str) -> Refusal:
    return Refusal(
        instance.series_uid,
        instance.study_uid,
        instance.subject,
        instance.modality,
        code,
        detail,
    )


def _stack(instances: Sequence[Instance], flags: tuple[str, ...]) -> Stack:
    ordered = sorted(
        instances,
        key=lambda i: (
            -_frame(i).rows,
            -_frame(i).columns,
            i.header["ConcatenationFrom"],
            i.sop_uid,
        ),
    )
    for instance in ordered:
        if instance.header["OpticalPaths"] > 1 or instance.header["FocalPlanes"] > 1:
            said = f"{instance.header['OpticalPaths']}, {instance.header['FocalPlanes']}"
            raise UnsupportedObject("WSI_SEVERAL_PLANES", f"(0048,0302), (0048,0303) {said}")
    levels: dict[tuple[int, int], list[Instance]] = defaultdict(list)
    for instance in ordered:
        levels[_frame(instance).rows, _frame(instance).columns].append(instance)
    for parts in levels.values():
        whole = {part.header["ConcatenationUID"] for part in parts}
        if len(parts) > 1 and (len(whole) > 1 or "" in whole):
            detail = f"{len(parts)} images of one size that are no concatenation"
            raise UnsupportedObject("WSI_SEVERAL_PLANES", f"(0020,9161) {detail}")
    _scales_agree(ordered)
    first = ordered[0]
    return Stack(
        series_uid=first.series_uid,
        study_uid=first.study_uid,
        subject=first.subject,
        modality=first.modality,
        frame_of_reference_uid=first.header.get("FrameOfReferenceUID"),
        frames=tuple(_frame(instance) for instance in ordered),
        header=first.header,
        flags=(*flags, *_flags(ordered)),
    )


def _flags(ordered: Sequence[Instance]) -> tuple[str, ...]:
    """Tell levels that share no frame of reference: their sizes alone say they are one slide."""
    frames = {instance.header.get("FrameOfReferenceUID") for instance in ordered}
    return ("WSI_FRAMES_DIFFER",) if len(frames) > 1 else ()


def _frame(instance: Instance) -> Frame:
    return instance.frames[0]


def _scales_agree(ordered: Sequence[Instance]) -> None:
    """Demand a scale of every level, and that sizes and scales tell the same.

    Raises
    ------
    UnknownUnits
        ``WSI_NO_MPP``.
    InconsistentSeries
        ``WSI_LEVEL_INCONSISTENT``.
    """
    base = _frame(ordered[0])
    for instance in ordered:
        frame = _frame(instance)
        if frame.pixel_spacing_mm is None or base.pixel_spacing_mm is None:
            raise UnknownUnits("WSI_NO_MPP", str(instance.header["MicronSource"]))
        for axis, (count, most) in enumerate(
            ((frame.rows, base.rows), (frame.columns, base.columns))
        ):
            ratio = frame.pixel_spacing_mm[axis] / base.pixel_spacing_mm[axis]
            # a small level's last pixel may hang over the edge, or have been dropped
            if abs(most / count - ratio) > ratio * (LEVEL_TOLERANCE + 1 / count):
                detail = f"level of {frame.rows} x {frame.columns}: scale {ratio:.3f}"
                raise InconsistentSeries(
                    "WSI_LEVEL_INCONSISTENT", f"(0048,0001) {detail}, size {most / count:.3f}"
                )
            _measured_agrees(instance, axis)


def _measured_agrees(instance: Instance, axis: int) -> None:
    """Demand that PixelSpacing, where it is given, is what the imaged volume says."""
    said = instance.header["MeasuredSpacing"]
    frame = _frame(instance)
    if len(said) != 2 or frame.pixel_spacing_mm is None:
        return
    count = (frame.rows, frame.columns)[axis]
    share = abs(said[axis] / frame.pixel_spacing_mm[axis] - 1)
    if share > LEVEL_TOLERANCE + 1 / count:
        detail = f"(0028,0030) {said[axis]:g} mm, (0048,0001) {frame.pixel_spacing_mm[axis]:g} mm"
        raise InconsistentSeries("WSI_LEVEL_INCONSISTENT", detail)
