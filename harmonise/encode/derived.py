"""Derived DICOM: a new series of classic single-frame objects, the source of truth of a volume."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import UID, ExplicitVRLittleEndian

from config.errors import UnreadableObject
from config.files import write_together
from harmonise.encode.header import STORED_AS, ClassRule, class_rule, derived_image_type, inherited
from harmonise.encode.modules import (
    shown_range,
    write_equipment,
    write_plane,
    write_projection,
    write_sources,
    write_values,
)
from harmonise.encode.pet import unit_maps, write_suv
from harmonise.encode.private import deflated, write_block
from harmonise.encode.quantise import Quantised, quantise
from harmonise.encode.shared import Shared
from harmonise.encode.ultrasound import write_region
from harmonise.series import Frame, Stack
from harmonise.uids import derived_uid, implementation_uid
from harmonise.vendor.headers import FOREIGN, quiet, read_header
from harmonise.volume import Volume

__all__ = ["Labels", "part10", "uid_of", "write_series"]

IMPLEMENTATION_VERSION = "ACCORDAGE"

OF_ONE_PHASE = (
    "AcquisitionNumber",
    "DiffusionBValue",
    "DiffusionGradientOrientation",
    "MRDiffusionSequence",
    "NumberOfTemporalPositions",
    "SequenceName",
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "TemporalResolution",
    "TriggerTime",
)
"""True of a source, not of what was computed from several."""


@dataclass(frozen=True)
class Labels:
    """What the new series is called and keyed by.

    ``derivations`` are keywords of CID 7203 in the order of the steps; ``changed`` says whether an
    intensity step gave the numbers another meaning, ``computed`` whether several volumes made it.
    ``image_type`` is what ImageType says after its second value where that is not the source's,
    ``gradient`` the diffusion direction of the volume as it lies now, in patient axes (LPS),
    ``side`` the limb that was kept.
    """

    volume_id: str
    role: str
    recipe: str
    recipe_hash: str
    model_hash: str | None = None
    derivations: tuple[str, ...] = ()
    resampled: bool = False
    changed: bool = False
    computed: bool = False
    image_type: tuple[str, ...] = ()
    gradient: tuple[float, float, float] | None = None
    side: str = ""


def uid_of(stack: Stack, labels: Labels, part: str) -> UID:
    """Return the UID of a new series, or of one of its instances, made from a stack."""
    frames = [f"{frame.sop_instance_uid}#{frame.frame_index}" for frame in stack.frames]
    return derived_uid(
        [stack.series_uid, *frames],
        recipe_hash=labels.recipe_hash,
        model_hash=labels.model_hash,
        volume=labels.volume_id,
        part=part,
    )


def write_series(
    volume: Volume,
    stack: Stack,
    folder: Path,
    *,
    sources: Sequence[Sequence[Frame]],
    labels: Labels,
    provenance: dict[str, Any],
) -> list[Path]:
    """Write one object a slice as ``NNNN.dcm`` and return the paths in slice order.

    Parameters
    ----------
    volume : Volume
    stack : Stack
        The source frames, for UIDs.
    folder : Path
        Made if it is not there.
    sources : sequence, one a slice
        Frames each slice was made from, the nearest first; its header is the one taken over.
    labels : Labels
    provenance : dict
        JSON written into every object.

    Raises
    ------
    UnsupportedObject
        ``ENCODE_UNSUPPORTED``.
    UnreadableObject
        ``ENCODE_FAILED``: the source's header holds values that cannot be written again.
    EnvironmentFault
        The folder cannot be written.
    """
    rule = class_rule(stack.frames[0].sop_class_uid)
    flags = {key: bool(rule.get(key)) for key in STORED_AS}
    quantised = quantise(volume.values, **flags)
    shown = shown_range(volume, changed=labels.changed)
    series = _Series(volume, stack, rule, quantised, labels, deflated(provenance), shown)
    return write_together(
        (folder / f"{index + 1:04d}.dcm", data) for index, data in enumerate(series.files(sources))
    )


@dataclass(frozen=True)
class _Series:
    """Everything the instances of one new series share."""

    volume: Volume
    stack: Stack
    rule: ClassRule
    quantised: Quantised
    labels: Labels
    record: bytes
    shown: tuple[float, float]
    shared: Shared = field(default_factory=Shared)

    def files(self, sources: Sequence[Sequence[Frame]]) -> Iterator[bytes]:
        """Yield each slice's Part 10 file."""
        headers: dict[Path, Dataset] = {}
        for index, frames in enumerate(sources):
            path = frames[0].path  # one slice may be nearest to two places of a finer grid
            headers = {path: headers.get(path) or read_header(path)}
            try:
                yield part10(self.instance(index, frames, headers[path]), self.shared)
            except FOREIGN as error:
                raise UnreadableObject("ENCODE_FAILED", type(error).__name__) from error

    def uid(self, part: str) -> UID:
        """Return the UID of the series or of one instance."""
        return uid_of(self.stack, self.labels, part)

    def instance(self, index: int, frames: Sequence[Frame], source: Dataset) -> Dataset:
        """Return the object of slice ``index``; ``source`` is the header of its nearest frame."""
        self.shared.begin()
        ds = inherited(source, self.stack.header, self.shared)
        with quiet():
            self._identify(ds, source, index)
            write_plane(ds, self.volume.grid, index)
            write_values(
                ds,
                source,
                self.volume,
                self.quantised,
                changed=self.labels.changed,
                shown=self.shown,
            )
            if self.rule.get("eight_bit"):
                write_region(ds, self.volume)
            elif not self.volume.grid.positioned:
                write_projection(ds, source, self.volume)
            if self.volume.quantitative:
                self.shared.put(
                    ds,
                    "RealWorldValueMappingSequence",
                    lambda: unit_maps(self.volume, self.quantised),
                )
                write_suv(ds, self.volume)
            write_sources(
                ds,
                frames,
                self.labels.derivations,
                self._description(),
                multi_frame=self.rule["class"] != frames[0].sop_class_uid,
                shared=self.shared,
            )
            write_equipment(ds, self.shared)
            write_block(
                ds,
                self.record,
                recipe_hash=self.labels.recipe_hash,
                volume_id=self.labels.volume_id,
            )
            data = np.ascontiguousarray(self.quantised.stored[index]).tobytes()
            ds.PixelData = data + b"\0" * (len(data) % 2)  # PS3.5 8.1.1
            ds["PixelData"].VR = "OW"
        return ds

    def _identify(self, ds: Dataset, source: Dataset, index: int) -> None:
        """Name the object; dates stay those of the source, never those of the computation."""
        ds.SOPClassUID = self.rule["class"]
        ds.SOPInstanceUID = self.uid(str(index + 1))
        ds.SeriesInstanceUID = self.uid("series")
        ds.SeriesDescription = f"{self.labels.role} {self.labels.recipe}"[:64]
        ds.InstanceNumber = index + 1
        ds.ImageType = derived_image_type(
            source, resampled=self.labels.resampled, rest=self.labels.image_type
        )
        if self.stack.frame_of_reference_uid:
            ds.FrameOfReferenceUID = self.stack.frame_of_reference_uid
            if "PositionReferenceIndicator" not in ds:
                ds.PositionReferenceIndicator = ""
        for keyword in OF_ONE_PHASE if self.labels.computed else ():
            if keyword in ds:
                delattr(ds, keyword)
        if self.labels.side:
            ds.Laterality = self.labels.side  # PS3.3 C.7.3.1
            if "ImageLaterality" in ds:
                del ds.ImageLaterality
        self._diffusion(ds)
        if ds.SOPClassUID == "1.2.840.10008.5.1.4.1.1.128":
            ds.ImageIndex = index + 1  # PS3.3 C.8.9.4
            ds.NumberOfSlices = self.volume.grid.shape[0]  # PS3.3 C.8.9.1

    def _diffusion(self, ds: Dataset) -> None:
        """Write b-value and direction as the volume has them now (PS3.3 C.8.13.5.9).

        A direction turns with a motion that was undone, as the NIfTI's ``.bvec`` does; the source's
        own would point elsewhere.
        """
        b_value, gradient = self.stack.b_value, self.labels.gradient
        if b_value is None:
            return
        ds.DiffusionBValue = float(b_value)
        for keyword in ("DiffusionGradientOrientation", "MRDiffusionSequence"):
            if keyword in ds:
                delattr(ds, keyword)
        if gradient is not None and b_value > 0:
            ds.DiffusionGradientOrientation = [float(part) for part in gradient]

    def _description(self) -> str:
        return f"Accordage recipe {self.labels.recipe}, volume {self.labels.volume_id}"


def part10(
    ds: Dataset, shared: Shared | None = None, syntax: UID = ExplicitVRLittleEndian
) -> bytes:
    """Return the object as a Part 10 file: zero preamble, explicit little endian (PS3.10 7.1).

    With a compressed ``syntax`` the object holds no pixels yet: they follow in the stream.
    """
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = ds.SOPClassUID
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = implementation_uid()
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION
    front = DicomBytesIO()
    with quiet():
        write_file_meta_info(front, meta, enforce_standard=True)
        return b"\0" * 128 + b"DICM" + front.getvalue() + (shared or Shared()).encode(ds)
