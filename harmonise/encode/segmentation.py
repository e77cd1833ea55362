"""Segmentation: the mask of what a source measured, as a DICOM object beside its volume."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.errors import UnreadableObject
from config.files import write_whole
from harmonise.data import table
from harmonise.encode.derived import Labels, part10
from harmonise.encode.multiframe import common, finish, ready
from harmonise.encode.private import deflated
from harmonise.series import Stack
from harmonise.vendor.headers import FOREIGN, quiet, read_header
from harmonise.volume import Volume

__all__ = ["segment_of", "write_segmentation"]


def write_segmentation(
    volume: Volume,
    stack: Stack,
    path: Path,
    *,
    images: Sequence[Path],
    labels: Labels,
    provenance: dict[str, Any],
    region: str = "coverage",
) -> Path:
    """Write a mask on a volume's grid as a binary Segmentation (PS3.3 A.51).

    Parameters
    ----------
    volume : Volume
    stack : Stack
        The source frames, for UIDs.
    path : Path
    images : sequence of Path
        The derived objects of the volume, in slice order: the segmentation lies on their grid and
        refers to them.
    labels, provenance
        As of the volume.
    region : str
        ``coverage``, or a name in ``volume.regions``; a row of ``segments.yaml``.

    Raises
    ------
    UnreadableObject
        ``ENCODE_FAILED``.
    EnvironmentFault
        The folder cannot be written.
    """
    mask = segment_of(volume, region).astype(np.uint8)
    try:
        sources = [ready(read_header(image)) for image in images]
        with quiet():
            data = part10(_segmentation(region, mask, sources, stack, labels, provenance))
    except FOREIGN as error:
        raise UnreadableObject("ENCODE_FAILED", type(error).__name__) from error
    return write_whole(path, data)


def segment_of(volume: Volume, region: str) -> NDArray[np.bool_]:
    """Return a mask on the volume's grid: a region by name, or the coverage."""
    if region in volume.regions:
        return volume.regions[region]
    return np.ones(volume.grid.shape, bool) if volume.coverage is None else volume.coverage


def _segmentation(
    region: str,
    mask: Any,
    sources: list[Any],
    stack: Stack,
    labels: Labels,
    provenance: dict[str, Any],
) -> Any:
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.seg import Segmentation, SegmentDescription
    from pydicom.sr.codedict import codes
    from pydicom.sr.coding import Code

    row = table("segments")[region]
    value, meaning = row["method"]
    description = SegmentDescription(
        segment_number=1,
        segment_label=row["label"],
        segmented_property_category=getattr(codes.cid7150, row["category"]),
        segmented_property_type=Code(*row["coded"]),
        algorithm_type="AUTOMATIC",
        algorithm_identification=AlgorithmIdentificationSequence(
            name=f"Accordage {region}",
            family=Code(value, "99ACCORDAGE", meaning),
            version="1",
        ),
    )
    ds = Segmentation(
        source_images=sources,
        pixel_array=mask,
        segmentation_type="BINARY",
        segment_descriptions=[description],
        omit_empty_frames=False,
        content_label=region.upper(),
        content_description=row["says"],
        **common(sources[0], stack, labels, region),
    )
    finish(ds, sources[0], stack, labels, region, deflated(provenance))
    if "FrameOfReferenceUID" not in ds:  # PS3.3 C.7.6.1: type 2C of an image without a place
        ds.PatientOrientation = sources[0].get("PatientOrientation") or ""
    return ds
