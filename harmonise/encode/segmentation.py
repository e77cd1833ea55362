"""Segmentation: the mask of what a source measured, as a DICOM object beside its volume."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from config.errors import UnreadableObject
from config.files import write_whole
from harmonise.encode.derived import Labels, part10
from harmonise.encode.multiframe import common, finish, ready
from harmonise.encode.private import deflated
from harmonise.series import Stack
from harmonise.vendor.headers import FOREIGN, quiet, read_header
from harmonise.volume import Volume

__all__ = ["COVERED", "write_segmentation"]

KIND = "coverage"

COVERED = ("COVERED", "99ACCORDAGE", "In the field of view of the source")
BY_GEOMETRY = ("GEOMETRY", "99ACCORDAGE", "Positions of voxels and padding values")
"""No code of DICOM says so; 99 marks a private scheme (PS3.3 section 8.2)."""


def write_segmentation(
    volume: Volume,
    stack: Stack,
    path: Path,
    *,
    images: Sequence[Path],
    labels: Labels,
    provenance: dict[str, Any],
) -> Path:
    """Write the coverage of a positioned volume as a binary Segmentation (PS3.3 A.51).

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

    Raises
    ------
    UnreadableObject
        ``ENCODE_FAILED``.
    EnvironmentFault
        The folder cannot be written.
    """
    mask = np.ones(volume.grid.shape, bool) if volume.coverage is None else volume.coverage
    try:
        sources = [ready(read_header(image)) for image in images]
        with quiet():
            data = part10(_segmentation(mask.astype(np.uint8), sources, stack, labels, provenance))
    except FOREIGN as error:
        raise UnreadableObject("ENCODE_FAILED", type(error).__name__) from error
    return write_whole(path, data)


def _segmentation(
    mask: Any, sources: list[Any], stack: Stack, labels: Labels, provenance: dict[str, Any]
) -> Any:
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.seg import Segmentation, SegmentDescription
    from pydicom.sr.codedict import codes
    from pydicom.sr.coding import Code

    concept = codes.cid7150.SpatialAndRelationalConcept
    description = SegmentDescription(
        segment_number=1,
        segment_label="Covered",
        segmented_property_category=concept,
        segmented_property_type=Code(*COVERED),
        algorithm_type="AUTOMATIC",
        algorithm_identification=AlgorithmIdentificationSequence(
            name="Accordage coverage",
            family=Code(*BY_GEOMETRY),
            version="1",
        ),
    )
    ds = Segmentation(
        source_images=sources,
        pixel_array=mask,
        segmentation_type="BINARY",
        segment_descriptions=[description],
        omit_empty_frames=False,
        content_label="COVERAGE",
        content_description="Voxels in the field of view of the source",
        **common(sources[0], stack, labels, KIND),
    )
    finish(ds, sources[0], stack, labels, KIND, deflated(provenance))
    return ds
