"""The modules of a derived object that are written anew: plane, values, units, sources."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.valuerep import DS, format_number_as_ds

from harmonise.data import table
from harmonise.encode.quantise import Quantised
from harmonise.encode.shared import Shared
from harmonise.series import Frame
from harmonise.volume import Grid, Volume

__all__ = [
    "LINEAR_FROM",
    "SMALLEST_WINDOW",
    "coded",
    "derivation_items",
    "shown_range",
    "source_items",
    "unit_map",
    "write_equipment",
    "write_plane",
    "write_projection",
    "write_sources",
    "write_values",
]

LONGEST_CODE = 16
"""Characters of CodeValue; longer ones go into LongCodeValue (PS3.3 8.8)."""

SOURCE_FOR_PROCESSING = ("121322", "DCM", "Source image for image processing operation")
"""CID 7202. The dictionary of all codes takes 160 MB to load, so the few in use stand here."""

VOI_KEYWORDS = (
    "VOILUTFunction",
    "VOILUTSequence",
    "WindowCenter",
    "WindowCenterWidthExplanation",
    "WindowWidth",
)

SMALLEST_WINDOW = 1e-3
"""A window of no width shows nothing (PS3.3 C.11.2.1.2)."""

LINEAR_FROM = 1.0
"""Least width of a window whose function is not named (PS3.3 C.11.2.1.2.1); ratios are narrower."""


def _ds(value: float) -> str:
    """Return a decimal string of at most 16 characters (PS3.5 6.2)."""
    return format_number_as_ds(float(value))


def coded(value: str, scheme: str, meaning: str) -> Dataset:
    """Return an item of a code sequence (PS3.3 8.8)."""
    item = Dataset()
    if len(value) <= LONGEST_CODE:
        item.CodeValue = value
    else:
        item.LongCodeValue = value
    item.CodingSchemeDesignator = scheme
    item.CodeMeaning = meaning
    return item


def write_plane(ds: Dataset, grid: Grid, index: int) -> None:
    """Write where slice ``index`` lies (PS3.3 C.7.6.2)."""
    ds.Rows, ds.Columns = grid.shape[1], grid.shape[2]
    if not grid.positioned:
        return
    slice_mm, row_mm, column_mm = grid.spacing_mm
    along = np.asarray(grid.direction[0]) * (slice_mm or 0.0) * index
    position = np.asarray(grid.origin_mm) + along
    ds.ImagePositionPatient = [_ds(value) for value in position]
    ds.ImageOrientationPatient = [_ds(v) for v in (*grid.direction[2], *grid.direction[1])]
    if row_mm is not None and column_mm is not None:
        ds.PixelSpacing = [_ds(row_mm), _ds(column_mm)]
    if slice_mm is None:
        return  # a single slice that does not tell its thickness
    ds.SliceThickness = _ds(slice_mm)
    if ds.get("Modality") == "MR" or "SpacingBetweenSlices" in ds:
        ds.SpacingBetweenSlices = _ds(slice_mm)


def write_projection(ds: Dataset, source: Dataset, volume: Volume) -> None:
    """Write spacing and orientation of a projection (PS3.3 C.8.11.3, C.7.6.1.1.1)."""
    ratio = volume.meta.get("pixel_ratio", (1.0, 1.0))
    for keyword in ("ImagerPixelSpacing", "PixelSpacing"):
        said = source.get(keyword)
        if said:
            scaled = [float(v) * r for v, r in zip(said, ratio, strict=True)]
            setattr(ds, keyword, [_ds(value) for value in scaled])
    orientation = volume.meta.get("patient_orientation")
    if orientation:
        ds.PatientOrientation = list(orientation)
    if volume.meta.get("mirrored") and source.get("FieldOfViewHorizontalFlip"):
        was = source.FieldOfViewHorizontalFlip
        ds.FieldOfViewHorizontalFlip = {"YES": "NO", "NO": "YES"}.get(was, was)


def shown_range(volume: Volume, *, changed: bool) -> tuple[float, float]:
    """Return the values shown black and white: the middle 98 %, or a mammogram's full scale."""
    measured = volume.values[np.isfinite(volume.values)]
    if changed and not volume.grid.positioned:
        return float(measured.min()), float(measured.max())
    low, high = np.percentile(measured, (1, 99))
    return float(low), float(high)


def write_values(
    ds: Dataset,
    source: Dataset,
    volume: Volume,
    quantised: Quantised,
    *,
    changed: bool,
    shown: tuple[float, float],
) -> None:
    """Write the image pixel, modality and VOI modules (PS3.3 C.7.6.3, C.11.1, C.11.2)."""
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = volume.meta.get(
        "photometric", source.get("PhotometricInterpretation", "MONOCHROME2")
    )
    ds.BitsAllocated = ds.BitsStored = quantised.bits
    ds.HighBit = quantised.bits - 1
    ds.PixelRepresentation = int(quantised.signed)
    if quantised.bits == 8:
        return  # ultrasound has neither rescale nor window (PS3.3 A.6)
    ds.RescaleSlope = DS(quantised.slope)
    ds.RescaleIntercept = DS(quantised.intercept)
    if ds.get("RescaleType") is None or changed:
        # HU and US, unspecified, are defined terms (PS3.3 C.11.1.1.2)
        ds.RescaleType = "HU" if volume.unit == "[hnsf'U]" else "US"
    if quantised.padding is not None:
        ds.PixelPaddingValue = quantised.padding
        ds["PixelPaddingValue"].VR = "SS" if quantised.signed else "US"
    if source.get("PresentationLUTShape"):
        inverse = ds.PhotometricInterpretation == "MONOCHROME1"
        ds.PresentationLUTShape = "INVERSE" if inverse else "IDENTITY"
    is_kept = source.get("Modality") == "CT" or not (changed or volume.grid.positioned)
    if source.get("PresentationIntentType") == "FOR PROCESSING":
        return  # no VOI there (PS3.3 C.8.11.3)
    if not (is_kept and _copy_window(ds, source)):
        width = max(shown[1] - shown[0], SMALLEST_WINDOW)
        ds.WindowCenter = _ds(sum(shown) / 2)
        ds.WindowWidth = _ds(width)
        if width < LINEAR_FROM:
            ds.VOILUTFunction = "LINEAR_EXACT"


def _copy_window(ds: Dataset, source: Dataset) -> bool:
    """Take over the source's window, whose numbers kept their meaning; False if it has none."""
    if source.get("WindowCenter") is None and not source.get("VOILUTSequence"):
        return False
    for keyword in VOI_KEYWORDS:
        if source.get(keyword) is not None:
            ds[keyword] = source[keyword]
    return True


def unit_map(unit: str, quantised: Quantised, *, scale: float = 1.0) -> Dataset:
    """Return the linear map of stored values to ``unit``: the rescale, ``scale`` times."""
    known: dict[str, Any] = table("derived_attributes")["units"].get(unit, {})
    lowest, highest = int(quantised.stored.min()), int(quantised.stored.max())
    item = Dataset()
    item.LUTExplanation = known.get("meaning", unit)[:64]
    item.LUTLabel = str(known.get("label", unit))[:16]
    item.MeasurementUnitsCodeSequence = DicomSequence(
        [coded(unit, "UCUM", known.get("meaning", unit))]
    )
    item.RealWorldValueFirstValueMapped = lowest
    item.RealWorldValueLastValueMapped = highest
    for keyword in ("RealWorldValueFirstValueMapped", "RealWorldValueLastValueMapped"):
        item[keyword].VR = "SS" if quantised.signed else "US"
    item.RealWorldValueIntercept = float(quantised.intercept) * scale
    item.RealWorldValueSlope = float(quantised.slope) * scale
    if "quantity" in known:
        item.QuantityDefinitionSequence = DicomSequence([_quantity(known["quantity"])])
    return item


def _quantity(row: Sequence[Any]) -> Dataset:
    """Return the content item "Quantity = ..." (PS3.16 TID 9000, SCT 246205007)."""
    value, scheme, meaning = row
    item = Dataset()
    item.ValueType = "CODE"
    item.ConceptNameCodeSequence = DicomSequence([coded("246205007", "SCT", "Quantity")])
    item.ConceptCodeSequence = DicomSequence([coded(str(value), scheme, meaning)])
    return item


def write_sources(
    ds: Dataset,
    frames: Sequence[Frame],
    derivations: Sequence[str],
    description: str,
    *,
    multi_frame: bool,
    shared: Shared | None = None,
) -> None:
    """Write what the slice was made from and how (PS3.3 C.12.4, C.7.6.1.1.4; CID 7202, 7203)."""
    ds.SourceImageSequence = source_items(frames, multi_frame=multi_frame)
    ds.DerivationDescription = description
    if derivations:
        shared = shared or Shared()
        shared.put(ds, "DerivationCodeSequence", lambda: derivation_items(derivations))


def derivation_items(derivations: Sequence[str]) -> DicomSequence:
    """Return the codes of derivations, each once, by their keywords in CID 7203."""
    known = table("derived_attributes")["derivations"]
    steps = [known[keyword] for keyword in dict.fromkeys(derivations)]
    return DicomSequence([coded(value, "DCM", meaning) for value, meaning in steps])


def source_items(frames: Sequence[Frame], *, multi_frame: bool) -> DicomSequence:
    """Return references to the frames something was made from, with their purpose (CID 7202)."""
    items = []
    for frame in {(f.sop_instance_uid, f.frame_index): f for f in frames}.values():
        item = Dataset()
        item.ReferencedSOPClassUID = frame.sop_class_uid
        item.ReferencedSOPInstanceUID = frame.sop_instance_uid
        if multi_frame:
            item.ReferencedFrameNumber = frame.frame_index + 1
        item.PurposeOfReferenceCodeSequence = DicomSequence([coded(*SOURCE_FOR_PROCESSING)])
        items.append(item)
    return DicomSequence(items)


@cache
def _our_version() -> str:
    """Return the installed version; it is read from a file."""
    return version("accordage")


def write_equipment(ds: Dataset, shared: Shared | None = None) -> None:
    """Add ourselves to those who made the object (PS3.3 C.12.1.1.5, CID 7005)."""
    earlier = list(ds.get("ContributingEquipmentSequence") or [])
    if earlier:
        ds.ContributingEquipmentSequence = DicomSequence([*earlier, _equipment()])
        return
    shared = shared or Shared()
    shared.put(ds, "ContributingEquipmentSequence", lambda: DicomSequence([_equipment()]))


def _equipment() -> Dataset:
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = DicomSequence(
        [coded("109102", "DCM", "Processing Equipment")]
    )
    item.Manufacturer = "Accordage"
    item.ManufacturerModelName = "harmonise"
    item.SoftwareVersions = _our_version()
    item.ContributionDescription = "Harmonised; every step is in the private block ACCORDAGE"
    return item
