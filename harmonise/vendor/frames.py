"""The frames of one object, classic or enhanced, with their place, times and rescale."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from harmonise.data import table
from harmonise.series import Frame
from harmonise.slides.header import slide_frame
from harmonise.vendor.groups import frame_count, macro
from harmonise.vendor.pet_header import pet_facts
from harmonise.vendor.private import numbers
from harmonise.vendor.projection import detector_spacing
from harmonise.vendor.us_regions import pictures_of

__all__ = ["frames_of", "layout_of"]

FRAME_TYPES = (
    "MRImageFrameTypeSequence",
    "CTImageFrameTypeSequence",
    "PETFrameTypeSequence",
    "XRay3DFrameTypeSequence",
)


def layout_of(ds: Dataset) -> str | None:
    """Return ``classic``, ``enhanced``, ``projection``, ``ultrasound``, ``slide``; None for others.

    Slides are in colour, ultrasound may be; no other image of this room's kinds is (PS3.3
    C.8.3.1.1.2, C.8.13.1).
    """
    row = table("sop_classes").get(str(ds.get("SOPClassUID")))
    if row is None:
        return None
    samples = int(ds.get("SamplesPerPixel") or 1)
    if row["layout"] != "ultrasound" and samples != (3 if row["layout"] == "slide" else 1):
        return None
    return str(row["layout"])


def frames_of(path: Path, ds: Dataset, values: Sequence[dict[str, Any]]) -> tuple[Frame, ...]:
    """Return every frame of an object.

    Parameters
    ----------
    path : Path
        File the dataset was read from.
    ds : Dataset
        The header.
    values : sequence of dict
        Harvested vendor values, one dict a frame.
    """
    layout = layout_of(ds)
    if layout == "ultrasound":
        return _ultrasound(path, ds)
    read = READERS[layout or ""]
    frames = []
    for index in range(1 if layout == "slide" else frame_count(ds)):
        common = {
            "path": path,
            "frame_index": index,
            "sop_instance_uid": str(ds.SOPInstanceUID),
            "sop_class_uid": str(ds.SOPClassUID),
            "rows": int(ds.Rows),
            "columns": int(ds.Columns),
            "instance_number": _int(ds.get("InstanceNumber")),
            "acquisition_number": _int(ds.get("AcquisitionNumber")),
            "b_value": values[index].get("b_value"),
            "gradient": _floats(values[index].get("gradient"), 3),
            "pet": None
            if layout == "slide"
            else pet_facts(ds, index, enhanced=layout == "enhanced"),
        }
        frames.append(Frame(**{**common, **read(ds, index)}))
    return tuple(frames)


def _classic(ds: Dataset, _index: int) -> dict[str, Any]:
    """Read the Image Plane Module (PS3.3 C.7.6.2) and its neighbours."""
    temporal = ds.get("TemporalPositionIdentifier") or ds.get("TemporalPositionIndex")
    return {
        "position_mm": _floats(ds.get("ImagePositionPatient"), 3),
        "orientation": _floats(ds.get("ImageOrientationPatient"), 6),
        "pixel_spacing_mm": _floats(ds.get("PixelSpacing"), 2),
        "image_type": _kinds(ds.get("ImageType")),
        "echo_time_ms": _float(ds.get("EchoTime")),
        "temporal_position": _int(temporal),
        "acquisition_time": _str(ds.get("AcquisitionTime")),
        "slope": _float(ds.get("RescaleSlope"), 1.0),
        "intercept": _float(ds.get("RescaleIntercept"), 0.0),
    }


def _enhanced(ds: Dataset, index: int) -> dict[str, Any]:
    """Read the functional groups (PS3.3 C.7.6.16.2, C.8.13.5)."""
    content = macro(ds, index, "FrameContentSequence")
    rescale = macro(ds, index, "PixelValueTransformationSequence")
    kind = Dataset()
    for keyword in FRAME_TYPES:
        kind = kind or macro(ds, index, keyword)
    plane = macro(ds, index, "PixelMeasuresSequence")
    place = macro(ds, index, "PlanePositionSequence")
    turn = macro(ds, index, "PlaneOrientationSequence")
    return {
        "position_mm": _floats(place.get("ImagePositionPatient"), 3),
        "orientation": _floats(turn.get("ImageOrientationPatient"), 6),
        "pixel_spacing_mm": _floats(plane.get("PixelSpacing"), 2),
        "image_type": _kinds(kind.get("FrameType") or ds.get("ImageType")),
        "echo_time_ms": _float(macro(ds, index, "MREchoSequence").get("EffectiveEchoTime")),
        "temporal_position": _int(content.get("TemporalPositionIndex")),
        "acquisition_time": _str(content.get("FrameAcquisitionDateTime")),
        "stack_id": _str(content.get("StackID")),
        "slope": _float(rescale.get("RescaleSlope"), 1.0),
        "intercept": _float(rescale.get("RescaleIntercept"), 0.0),
    }


def _projection(ds: Dataset, index: int) -> dict[str, Any]:
    """Read what a projection has: no place, but a spacing at the detector (PS3.3 C.8.11.7)."""
    return {
        **_classic(ds, index),
        "position_mm": None,
        "orientation": None,
        "pixel_spacing_mm": detector_spacing(ds)[0],
    }


def _ultrasound(path: Path, ds: Dataset) -> tuple[Frame, ...]:
    """Return every picture of every frame (PS3.3 C.8.5.5, C.7.6.6)."""
    return tuple(
        Frame(
            path=path,
            frame_index=index,
            sop_instance_uid=str(ds.SOPInstanceUID),
            sop_class_uid=str(ds.SOPClassUID),
            rows=picture.box[2] - picture.box[0],
            columns=picture.box[3] - picture.box[1],
            position_mm=None,
            orientation=None,
            pixel_spacing_mm=picture.spacing_mm,
            image_type=_kinds(ds.get("ImageType")),
            instance_number=_int(ds.get("InstanceNumber")),
            acquisition_time=_str(ds.get("AcquisitionTime")),
            tile=(picture.box[0], picture.box[1]),
            region=picture.region,
        )
        for picture in pictures_of(ds)
        for index in range(frame_count(ds))
    )


def _slide(ds: Dataset, _index: int) -> dict[str, Any]:
    """Read a level of a slide as one frame: its tiles are told apart when pixels are asked for."""
    return slide_frame(ds)


READERS = {
    "classic": _classic,
    "enhanced": _enhanced,
    "projection": _projection,
    "slide": _slide,
}


def _floats(value: Any, count: int) -> Any:
    found = numbers(value, "DS")
    return found if len(found) == count else None


def _float(value: Any, default: float | None = None) -> float | None:
    found = numbers(value, "DS")
    return found[0] if found else default


def _int(value: Any) -> int | None:
    found = numbers(value, "IS")
    return int(found[0]) if found else None


def _str(value: Any) -> str | None:
    return str(value) if value else None


def _kinds(value: Any) -> tuple[str, ...]:
    if not value:
        return ()
    parts = [value] if isinstance(value, str) else value
    return tuple(str(part).strip().upper() for part in parts)
