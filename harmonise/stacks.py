"""Stacks: the frames of a study split until each part may be one volume."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from config.errors import RejectedError
from harmonise.classify import DIFFUSION, MAPS, role_of
from harmonise.copies import Mismatch, damage, without_copies
from harmonise.series import Frame, Passport, Refusal, Stack
from harmonise.slides.stacks import is_slide, slide_stacks
from harmonise.split import split_frames
from harmonise.torn import without_torn
from harmonise.vendor.harvest import B_EXPECTED_ABOVE, merge
from harmonise.vendor.instance import Instance, read_instance
from harmonise.vendor.mosaic import tile_frames
from harmonise.vendor.stripped import with_stripped

__all__ = ["read_stacks"]


def read_stacks(
    paths: Sequence[Path], passports: Mapping[str, Passport] | None = None
) -> tuple[list[Stack], list[Refusal]]:
    """Read headers and split them into stacks, each of which may be one volume.

    Split by series, SOP class, frame of reference, ImageType, matrix and spacing, stack, echo,
    b-value and direction, temporal position and orientation; a projection is a stack of its own.

    Parameters
    ----------
    paths : sequence of Path
        Files, in any order; the answer does not depend on it.
    passports : mapping of str to Passport, optional
        Vendor passports by SeriesInstanceUID; a series without one is harvested from its objects.

    Returns
    -------
    list of Stack
        Sorted by study, series and split.
    list of Refusal
        ``FILE_UNREADABLE`` one a file that names no series, and one a series that has a damaged
        file, since the rest may look whole; ``UNSUPPORTED_MODALITY``, ``INSTANCE_CONFLICT``,
        ``SERIES_INCONSISTENT``, ``MR_MOSAIC_UNSUPPORTED``, ``MR_B_UNKNOWN``,
        ``MR_PRIVATE_STRIPPED``, ``SERIES_TORN`` one a series.
    """
    refusals = []
    by_series: dict[str, list[Instance]] = defaultdict(list)
    for path in sorted(paths):
        try:
            instance = read_instance(path)
        except RejectedError as error:
            refusals.append(Refusal("", "", "", "", error.code, error.detail))
        else:
            by_series[instance.series_uid].append(instance)
    stacks: list[Stack] = []
    makers: dict[str, str] = {}
    for series_uid in sorted(by_series):
        made, refused = _series(by_series[series_uid], (passports or {}).get(series_uid))
        stacks.extend(made)
        refusals.extend(refused)
        makers[series_uid] = str(by_series[series_uid][0].header.get("Manufacturer") or "")
    stacks, refusals = with_stripped(stacks, refusals, makers)
    return sorted(stacks, key=lambda s: (s.study_uid, s.series_uid)), refusals


def _refuse(instance: Instance, code: str, detail: str) -> Refusal:
    return Refusal(
        instance.series_uid,
        instance.study_uid,
        instance.subject,
        instance.modality,
        code,
        detail,
    )


def _series(
    instances: list[Instance], passport: Passport | None
) -> tuple[list[Stack], list[Refusal]]:
    refusals = []
    strange = [i for i in instances if i.unsupported]
    if strange:
        names = ", ".join(sorted({i.unsupported for i in strange}))
        refusals.append(_refuse(strange[0], "UNSUPPORTED_MODALITY", f"(0008,0016) {names}"))
    instances = sorted((i for i in instances if not i.unsupported), key=lambda i: i.sop_uid)
    if not instances:
        return [], refusals
    instances, flags, fault = without_copies(instances)
    fault = damage(instances) or fault or _whole_series_fault(instances)
    if fault is not None:
        return [], [*refusals, _refuse(instances[0], *fault)]
    if all(is_slide(instance) for instance in instances):
        stacks, left_out = slide_stacks(instances, flags)
        return stacks, [*refusals, *left_out]
    passport = passport or _passport(instances)
    instances, fault = _untiled(instances, passport)
    if fault is not None:
        return [], [*refusals, _refuse(instances[0], *fault)]
    frames, fault = _with_b_values(instances, passport)
    if fault is not None:
        return [], [*refusals, _refuse(instances[0], *fault)]
    headers = {i.sop_uid: i.header for i in instances}
    stacks = [
        _stack(part, instances[0], headers, passport, flags)
        for part in split_frames(frames, headers)
    ]
    whole, torn = without_torn(stacks)
    if torn:
        refusals.append(_refuse(instances[0], "SERIES_TORN", torn))
    return _with_panels(whole), refusals


def _with_panels(stacks: list[Stack]) -> list[Stack]:
    """Give each picture that one ultrasound object shows its number, left to right."""
    by_object: dict[str, list[Stack]] = defaultdict(list)
    for stack in stacks:
        by_object[stack.frames[0].sop_instance_uid].append(stack)

    def named(stack: Stack) -> Stack:
        rivals = by_object[stack.frames[0].sop_instance_uid]
        if stack.frames[0].region is None or len(rivals) == 1:
            return stack
        places = sorted((one.frames[0].tile or (0, 0))[::-1] for one in rivals)
        own = (stack.frames[0].tile or (0, 0))[::-1]
        return replace(stack, panel=f"p{places.index(own) + 1}")

    return [named(stack) for stack in stacks]


def _whole_series_fault(instances: list[Instance]) -> Mismatch | None:
    """Return why no stack may be made of these objects at all."""
    if len({(i.study_uid, i.subject, i.modality) for i in instances}) > 1:
        detail = "(0020,000E) one series in several studies, patients or modalities"
        return "SERIES_INCONSISTENT", detail
    return None


def _passport(instances: list[Instance]) -> Passport:
    rows = {i.sop_uid: (i.values or {}, i.findings) for i in instances}
    header = instances[0].header
    return merge(
        rows,
        series_uid=instances[0].series_uid,
        vendor=str(header.get("Manufacturer") or ""),
        model=str(header.get("ManufacturerModelName") or ""),
    )


def _untiled(
    instances: list[Instance], passport: Passport
) -> tuple[list[Instance], Mismatch | None]:
    """Give every tiled object one frame a slice; one whose slices cannot be placed is a fault."""
    result = []
    for instance in instances:
        if not instance.tiled:
            result.append(instance)
            continue
        row = passport.per_instance.get(instance.sop_uid, {})
        tiles = row.get("tiles") or (instance.values or {}).get("tiles")
        frames = tuple(part for frame in instance.frames for part in tile_frames(frame, tiles))
        if not frames:
            detail = "(0008,0008) many slices in one frame, and no private element places them"
            return instances, ("MR_MOSAIC_UNSUPPORTED", detail)
        result.append(replace(instance, frames=frames))
    return result, None


def _with_b_values(
    instances: list[Instance], passport: Passport
) -> tuple[list[Frame], Mismatch | None]:
    """Give diffusion frames their b-value and take it from all others.

    A frame of a diffusion series without a b-value refuses the series: it is never guessed.
    """
    told = [(i, frame, _told(passport, frame)) for i in instances for frame in i.frames]
    known = [b for _, frame, b in told if b is not None and not _is_map(frame, instances)]
    largest = max(known, default=None)
    frames = []
    unknown = 0
    for instance, frame, b_value in told:
        role = _frame_role(instance, frame, largest)
        diffusion = role in DIFFUSION or (
            role not in MAPS and largest is not None and largest > B_EXPECTED_ABOVE
        )
        unknown += diffusion and b_value is None
        frames.append(
            replace(
                _of_component(frame, passport),
                b_value=b_value if diffusion else None,
                gradient=_gradient(passport, frame) if diffusion else None,
                scan_gradient=_scan_gradient(passport, frame) if diffusion else None,
            )
        )
    if unknown:
        detail = (
            f"{unknown} of {len(told)} images: no (0018,9087), no private b-value of "
            f"{passport.vendor or 'an unknown vendor'}, none in (0018,0024)"
        )
        return [], ("MR_B_UNKNOWN", detail)
    return frames, None


def _told(passport: Passport, frame: Frame) -> float | None:
    """Return the passport's b-value of a frame, else the one its own object names."""
    value = _row(passport, frame).get("b_value", frame.b_value)
    return None if value is None else float(value)


def _gradient(passport: Passport, frame: Frame) -> tuple[float, float, float] | None:
    """Return the passport's direction of a frame, else the one its own object names."""
    vector = _row(passport, frame).get("gradient")
    if not isinstance(vector, list) or len(vector) != 3:
        return frame.gradient
    return float(vector[0]), float(vector[1]), float(vector[2])


def _scan_gradient(passport: Passport, frame: Frame) -> tuple[float, float, float] | None:
    """Return a direction along unknown axes where no public element or passport knows a better."""
    vector = _row(passport, frame).get("scan_gradient")
    if not isinstance(vector, list) or len(vector) != 3 or _gradient(passport, frame) is not None:
        return None
    return float(vector[0]), float(vector[1]), float(vector[2])


def _of_component(frame: Frame, passport: Passport) -> Frame:
    """Return the frame with the component its maker names outside ImageType: P, R or I."""
    component = _row(passport, frame).get("component")
    if component is None or component in frame.image_type:
        return frame
    return replace(frame, image_type=(*frame.image_type, str(component)))


def _direction_flags(frames: list[Frame], passport: Passport) -> tuple[str, ...]:
    """Return what is to be said of the directions of a stack."""
    if not frames[0].b_value:
        return ()
    if frames[0].scan_gradient is not None:
        return ("MR_DIRECTIONS_UNKNOWN",)
    row = _row(passport, frames[0])
    return ("MR_DIRECTIONS_UNCONFIRMED",) if row.get("gradient_unconfirmed") else ()


def _row(passport: Passport, frame: Frame) -> dict[str, Any]:
    row = passport.per_instance.get(frame.sop_instance_uid, {})
    if "frames" in row and frame.frame_index < len(row["frames"]):
        return dict(row["frames"][frame.frame_index])
    return row


def _frame_role(instance: Instance, frame: Frame, largest: float | None) -> str:
    return role_of(
        instance.header,
        orientation=frame.orientation,
        b_value=largest,
        image_type=frame.image_type,
    ).name


def _is_map(frame: Frame, instances: list[Instance]) -> bool:
    header = instances[0].header
    return role_of(header, image_type=frame.image_type).name in MAPS


def _stack(
    frames: list[Frame],
    instance: Instance,
    headers: Mapping[str, dict[str, Any]],
    passport: Passport,
    flags: tuple[str, ...],
) -> Stack:
    header = headers[frames[0].sop_instance_uid]
    return Stack(
        series_uid=instance.series_uid,
        study_uid=instance.study_uid,
        subject=instance.subject,
        modality=instance.modality,
        frame_of_reference_uid=header.get("FrameOfReferenceUID"),
        frames=tuple(frames),
        b_value=frames[0].b_value,
        header=header,
        passport=passport,
        flags=(*flags, *_direction_flags(frames, passport)),
    )
