"""Parametric Map: a quantitative volume as 32-bit floating point numbers, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from config.errors import UnreadableObject
from config.files import write_whole
from harmonise.data import table
from harmonise.encode.derived import Labels, part10
from harmonise.encode.modules import (
    LINEAR_FROM,
    SMALLEST_WINDOW,
    derivation_items,
    shown_range,
    source_items,
)
from harmonise.encode.multiframe import common, finish, ready, slices_of_frames
from harmonise.encode.pet import SUL
from harmonise.encode.private import deflated
from harmonise.grids import known_spacing
from harmonise.series import Frame, Stack
from harmonise.vendor.headers import FOREIGN, quiet, read_header
from harmonise.volume import Grid, Volume

__all__ = ["may_be_map", "write_map"]

KIND = "map"

RESCALED = ("PixelByPixelMultiplication",)
"""What a map that no step of ours touched still is: stored values times their slope."""


def may_be_map(volume: Volume) -> bool:
    """Tell whether a volume is quantitative and has the place a Parametric Map must state."""
    return volume.quantitative and volume.grid.positioned and None not in volume.grid.spacing_mm


def write_map(
    volume: Volume,
    stack: Stack,
    folder: Path,
    *,
    sources: Sequence[Sequence[Frame]],
    labels: Labels,
    provenance: dict[str, Any],
) -> list[Path]:
    """Write one Parametric Map (PS3.3 A.75) as ``0001.dcm``; arguments as of ``write_series``.

    Voxels without a measurement are NaN.

    Raises
    ------
    UnreadableObject
        ``ENCODE_FAILED``.
    EnvironmentFault
        The folder cannot be written.
    """
    frames = list({f.sop_instance_uid: f for slot in sources for f in slot}.values())
    try:
        headers = [ready(read_header(path)) for path in dict.fromkeys(f.path for f in frames)]
        with quiet():
            ds = _map(volume, headers, stack, labels)
            ordered = [sources[index] for index in slices_of_frames(ds, volume.grid)]
            _refer(ds, ordered, headers[0], stack, labels)
            if "BodyPartExamined" not in headers[0]:
                ds.Laterality = headers[0].get("Laterality") or ""  # 2C (PS3.3 C.7.3.1)
            finish(ds, headers[0], stack, labels, KIND, deflated(provenance))
            data = part10(ds)
    except FOREIGN as error:
        raise UnreadableObject("ENCODE_FAILED", type(error).__name__) from error
    return [write_whole(folder / "0001.dcm", data)]


def _map(volume: Volume, headers: list[Dataset], stack: Stack, labels: Labels) -> Any:
    from highdicom import VOILUTTransformation
    from highdicom.pm import ParametricMap

    low, high = shown_range(volume, changed=labels.changed)
    width = max(high - low, SMALLEST_WINDOW)
    return ParametricMap(
        source_images=headers[:1],
        pixel_array=volume.values,
        contains_recognizable_visual_features=any(
            h.get("RecognizableVisualFeatures") == "YES" for h in headers
        ),
        real_world_value_mappings=_mappings(volume),
        voi_lut_transformations=[
            VOILUTTransformation(
                window_center=(low + high) / 2,
                window_width=width,
                voi_lut_function="LINEAR_EXACT" if width < LINEAR_FROM else None,
            )
        ],
        content_label=labels.role.upper()[:16],
        content_description=f"Accordage recipe {labels.recipe}"[:64],
        **_plane(volume.grid),
        **common(headers[0], stack, labels, KIND),
    )


def _plane(grid: Grid) -> dict[str, Any]:
    """Return position, orientation and spacing of every frame (PS3.3 C.7.6.16.2.3, 2.4, 2.1)."""
    from highdicom import PixelMeasuresSequence, PlaneOrientationSequence, PlanePositionSequence

    slice_mm, row_mm, column_mm = known_spacing(grid)
    along = np.asarray(grid.direction[0]) * slice_mm
    places = [np.asarray(grid.origin_mm) + along * index for index in range(grid.shape[0])]
    axes = [*grid.direction[2], *grid.direction[1]]
    return {
        "pixel_measures": PixelMeasuresSequence((row_mm, column_mm), slice_mm, slice_mm),
        "plane_orientation": PlaneOrientationSequence("PATIENT", axes),
        "plane_positions": [PlanePositionSequence("PATIENT", list(place)) for place in places],
    }


def _mappings(volume: Volume) -> list[Any]:
    """Return what the numbers mean; of PET whose lean mass is known SUL as well."""
    ratio = volume.meta.get("suv", {}).get("sul_per_suv")
    sul = [] if ratio is None else [_mapping(volume, SUL, float(ratio))]
    return [_mapping(volume, volume.unit), *sul]


def _mapping(volume: Volume, unit: str, slope: float = 1.0) -> Any:
    """Return the numbers in a UCUM unit (PS3.3 C.7.6.16.2.11): themselves, or ``slope`` times."""
    from highdicom.pm import RealWorldValueMapping
    from pydicom.sr.coding import Code

    known: dict[str, Any] = table("derived_attributes")["units"].get(unit, {})
    meaning = known.get("meaning", unit)
    measured = volume.values[np.isfinite(volume.values)]
    value, scheme, quantity = known.get("quantity", (None, None, None))
    return RealWorldValueMapping(
        lut_label=str(known.get("label", unit))[:16],
        lut_explanation=meaning[:64],
        unit=Code(unit, "UCUM", meaning),
        value_range=(float(measured.min()), float(measured.max())),
        slope=slope,
        intercept=0.0,
        quantity_definition=Code(str(value), scheme, quantity) if value else None,
    )


def _refer(
    ds: Dataset,
    sources: Sequence[Sequence[Frame]],
    source: Dataset,
    stack: Stack,
    labels: Labels,
) -> None:
    """Write what each frame was made from, and the series those objects lie in."""
    multi_frame = "NumberOfFrames" in source
    for group, frames in zip(ds.PerFrameFunctionalGroupsSequence, sources, strict=True):
        item = Dataset()
        item.DerivationDescription = f"Accordage recipe {labels.recipe}, volume {labels.volume_id}"
        item.DerivationCodeSequence = derivation_items(labels.derivations or RESCALED)
        item.SourceImageSequence = source_items(frames, multi_frame=multi_frame)
        group.DerivationImageSequence = DicomSequence([item])
    every = list({f.sop_instance_uid: f for f in stack.frames}.values())
    ds.SourceImageSequence = source_items(every, multi_frame=False)
    series = Dataset()
    series.SeriesInstanceUID = stack.series_uid
    series.ReferencedInstanceSequence = DicomSequence([_reference(frame) for frame in every])
    ds.ReferencedSeriesSequence = DicomSequence([series])


def _reference(frame: Frame) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = frame.sop_class_uid
    item.ReferencedSOPInstanceUID = frame.sop_instance_uid
    return item
