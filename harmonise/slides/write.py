"""A slide's result as DICOM: one VL Whole Slide Microscopy object a level, tiles as they come."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.tag import Tag
from pydicom.uid import JPEGBaseline8Bit

from config.errors import UnreadableObject
from config.files import whole_file
from harmonise.data import table
from harmonise.encode.derived import Labels, part10, uid_of
from harmonise.encode.header import inherited
from harmonise.encode.modules import coded, write_equipment, write_sources
from harmonise.encode.private import deflated, write_block
from harmonise.series import Stack
from harmonise.slides.build import BuiltLevel, Pyramid
from harmonise.slides.lossy import write_history
from harmonise.slides.profile import srgb_profile
from harmonise.vendor.groups import macro
from harmonise.vendor.headers import FOREIGN, quiet, read_header

__all__ = ["write_pyramid"]

LARGEST_BASIC_OFFSET = 0xFFFFFFFF
"""Beyond it the Extended Offset Table is used (PS3.5 A.4)."""

SLIDE_DIMENSIONS = ("ColumnPositionInTotalImagePixelMatrix", "RowPositionInTotalImagePixelMatrix")


def write_pyramid(
    pyramid: Pyramid, stack: Stack, folder: Path, labels: Labels, provenance: dict[str, Any]
) -> list[Path]:
    """Write the levels as ``NNNN.dcm``, the finest first, and return the paths.

    Raises
    ------
    UnreadableObject
        ``ENCODE_FAILED``: the source's header holds values that cannot be written again.
    EnvironmentFault
        The folder cannot be written.
    """
    record = deflated(provenance)
    paths = []
    for number, level in enumerate(pyramid.levels):
        try:
            with quiet():
                ds = _object(pyramid, number, stack, labels)
                write_block(ds, record, recipe_hash=labels.recipe_hash, volume_id=labels.volume_id)
                head = part10(ds, syntax=JPEGBaseline8Bit)
        except FOREIGN as error:
            raise UnreadableObject("ENCODE_FAILED", type(error).__name__) from error
        path = folder / f"{number + 1:04d}.dcm"
        with whole_file(path) as stream:
            stream.write(head)
            for piece in _pixel_data(level, pyramid.frames(number)):
                stream.write(piece)
        paths.append(path)
    return paths


def _object(pyramid: Pyramid, number: int, stack: Stack, labels: Labels) -> Dataset:
    slide, level = pyramid.slide, pyramid.levels[number]
    source = read_header(slide.source.frames[0].path)
    ds = inherited(source, {})
    for keyword in table("slides")["not_inherited"]:
        if keyword in ds:
            delattr(ds, keyword)
    resampled = slide.resampled or number > 0
    ds.ImageType = ["DERIVED", "PRIMARY", "VOLUME", "RESAMPLED" if resampled else "NONE"]
    ds.SOPInstanceUID = uid_of(stack, labels, str(number + 1))
    ds.SeriesInstanceUID = uid_of(stack, labels, "series")
    ds.PyramidUID = uid_of(stack, labels, "pyramid")
    ds.SeriesDescription = f"{labels.role} {labels.recipe}"[:64]
    ds.InstanceNumber = number + 1
    if ds.get("FrameOfReferenceUID"):
        ds.PositionReferenceIndicator = "SLIDE_CORNER"  # its only value here, PS3.3 C.7.4.1.1.2
    if "AcquisitionContextSequence" not in ds:
        ds.AcquisitionContextSequence = []
    spacing = [um / 1000 * 2**number for um in slide.microns]
    _write_matrix(ds, level, spacing, slide.encoding.tile)
    _write_groups(ds, source, spacing, uid_of(stack, labels, "dimensions"))
    _write_colour(ds, source, converted=labels.changed)
    write_history(ds, source, slide.levels, slide.level, level.ratio)
    derivations = ["LossyCompression", *(["SpatialResampling"] if resampled else [])]
    said = f"Accordage recipe {labels.recipe}, volume {labels.volume_id}"
    said += f", JPEG quality {slide.encoding.quality}"
    write_sources(ds, slide.source.frames, derivations, said, multi_frame=False)
    _write_references(ds, stack)
    write_equipment(ds)
    return ds


def _write_references(ds: Dataset, stack: Stack) -> None:
    """Name the series that the sources are of (PS3.3 C.12.2)."""
    series = Dataset()
    series.SeriesInstanceUID = stack.series_uid
    series.ReferencedInstanceSequence = Items(
        [
            _reference(item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID)
            for item in ds.SourceImageSequence
        ]
    )
    ds.ReferencedSeriesSequence = Items([series])


def _reference(sop_class_uid: str, sop_uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class_uid, sop_uid
    return item


def _write_matrix(ds: Dataset, level: BuiltLevel, spacing: Sequence[float], tile: int) -> None:
    """Write the image pixel module and the total pixel matrix (PS3.3 C.7.6.3, C.8.12.4)."""
    ds.SamplesPerPixel = 3
    ds.PhotometricInterpretation = "RGB"
    ds.PlanarConfiguration = 0
    ds.Rows = ds.Columns = tile
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit = 7
    ds.PixelRepresentation = 0
    ds.NumberOfFrames = level.tiles[0] * level.tiles[1]
    ds.TotalPixelMatrixRows, ds.TotalPixelMatrixColumns = level.rows, level.columns
    ds.TotalPixelMatrixFocalPlanes = 1
    ds.NumberOfOpticalPaths = 1
    ds.ImagedVolumeHeight = level.rows * spacing[0]
    ds.ImagedVolumeWidth = level.columns * spacing[1]
    ds.SpecimenLabelInImage = "NO"


def _write_groups(ds: Dataset, source: Dataset, spacing: Sequence[float], uid: str) -> None:
    """Write dimensions and shared functional groups (PS3.3 C.7.6.17, C.8.12.6)."""
    organisation = Dataset()
    organisation.DimensionOrganizationUID = uid
    ds.DimensionOrganizationSequence = Items([organisation])
    ds.DimensionOrganizationType = "TILED_FULL"
    indices = []
    for keyword in SLIDE_DIMENSIONS:
        index = Dataset()
        index.DimensionOrganizationUID = uid
        index.DimensionIndexPointer = Tag(keyword)
        index.FunctionalGroupPointer = Tag("PlanePositionSlideSequence")
        indices.append(index)
    ds.DimensionIndexSequence = Items(indices)
    measures = Dataset()
    measures.PixelSpacing = [f"{value:.10g}"[:16] for value in spacing]
    thickness = macro(source, 0, "PixelMeasuresSequence").get("SliceThickness")
    if thickness is None and ds.get("ImagedVolumeDepth"):
        thickness = float(ds.ImagedVolumeDepth) / 1000  # micrometres to millimetres
    if thickness is not None:
        measures.SliceThickness = thickness
    kind = Dataset()
    kind.FrameType = list(ds.ImageType)
    path = Dataset()
    path.OpticalPathIdentifier = _path_of(source).OpticalPathIdentifier
    shared = Dataset()
    shared.PixelMeasuresSequence = Items([measures])
    shared.WholeSlideMicroscopyImageFrameTypeSequence = Items([kind])
    shared.OpticalPathIdentificationSequence = Items([path])
    ds.SharedFunctionalGroupsSequence = Items([shared])


def _path_of(source: Dataset) -> Dataset:
    """Return the source's optical path; a colour image without one was lit from below."""
    paths = source.get("OpticalPathSequence") or []
    item = deepcopy(paths[0]) if paths else Dataset()
    item.remove_private_tags()
    if not item.get("OpticalPathIdentifier"):
        item.OpticalPathIdentifier = "1"
    if not item.get("IlluminationTypeCodeSequence"):
        light = coded("111744", "DCM", "Brightfield illumination")
        item.IlluminationTypeCodeSequence = Items([light])
    if not (item.get("IlluminationColorCodeSequence") or item.get("IlluminationWaveLength")):
        item.IlluminationColorCodeSequence = Items([coded("414298005", "SCT", "Full Spectrum")])
    return item


def _write_colour(ds: Dataset, source: Dataset, *, converted: bool) -> None:
    """Give the optical path the profile its colours now have (PS3.3 C.8.12.5)."""
    item = _path_of(source)
    if converted:
        item.ICCProfile = srgb_profile()
    ds.OpticalPathSequence = Items([item])


def _pixel_data(level: BuiltLevel, frames: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the Pixel Data element, encapsulated, with an offset table (PS3.5 A.4)."""
    lengths = level.spans[..., 1].reshape(-1)
    starts = (lengths + 8).cumsum() - (lengths + 8)
    basic = b""
    if len(starts) and int(starts[-1]) <= LARGEST_BASIC_OFFSET:
        basic = struct.pack(f"<{len(starts)}L", *starts.tolist())
    else:
        yield _long(0x0001, b"OV", struct.pack(f"<{len(starts)}Q", *starts.tolist()))
        yield _long(0x0002, b"OV", struct.pack(f"<{len(starts)}Q", *lengths.tolist()))
    yield struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF)
    yield struct.pack("<HHL", 0xFFFE, 0xE000, len(basic)) + basic
    for frame in frames:
        yield struct.pack("<HHL", 0xFFFE, 0xE000, len(frame)) + frame
    yield struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)


def _long(element: int, vr: bytes, value: bytes) -> bytes:
    return struct.pack("<HH2sHL", 0x7FE0, element, vr, 0, len(value)) + value
