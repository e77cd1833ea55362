"""What is known of a series before its pixels are read: frames, stacks, passport."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from harmonise.suv import Pet
from harmonise.volume import Grid

__all__ = [
    "Correction",
    "Finding",
    "Frame",
    "Geometry",
    "Passport",
    "Refusal",
    "Region",
    "Role",
    "Stack",
]


@dataclass(frozen=True)
class Finding:
    """One vendor field: what was said, where it was found, what is believed and why.

    ``where`` is ``(gggg,eeee)`` for a public element, ``(gggg,"CREATOR",ee)`` for a private one.
    """

    field: str
    value: Any
    where: str
    why: str = ""


@dataclass(frozen=True)
class Passport:
    """The vendor fields of one series, per instance where they differ; holds no identity.

    ``per_instance`` is keyed by SOPInstanceUID; a value is a dict of plain JSON values, e.g.
    ``{"b_value": 400.0, "scale_slope": 1.0}``.
    """

    series_uid: str
    vendor: str
    model: str
    findings: tuple[Finding, ...] = ()
    per_instance: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Region:
    """What one picture on an ultrasound frame is (PS3.3 C.8.5.5).

    ``kind`` is tissue, colour, spectral, mmode, graphics or none; ``flag`` and ``refusal`` are
    codes that its calibration calls for, ``why`` says by which element.
    """

    kind: str
    flag: str = ""
    refusal: str = ""
    why: str = ""


@dataclass(frozen=True)
class Frame:
    """One 2D frame of one instance; geometry in LPS millimetres."""

    path: Path
    frame_index: int
    sop_instance_uid: str
    sop_class_uid: str
    rows: int
    columns: int
    position_mm: tuple[float, float, float] | None
    orientation: tuple[float, float, float, float, float, float] | None
    pixel_spacing_mm: tuple[float, float] | None
    image_type: tuple[str, ...] = ()
    instance_number: int | None = None
    b_value: float | None = None
    echo_time_ms: float | None = None
    temporal_position: int | None = None
    acquisition_time: str | None = None
    acquisition_number: int | None = None
    stack_id: str | None = None
    gradient: tuple[float, float, float] | None = None
    scan_gradient: tuple[float, float, float] | None = None
    """A direction along axes of the scan that are not known: it only tells images apart."""
    slope: float = 1.0
    intercept: float = 0.0
    pet: Pet | None = None
    tile: tuple[int, int] | None = None
    """Row and column where this slice begins in a frame that holds several side by side."""
    region: Region | None = None
    """What an ultrasound picture is, ``tile`` being where it begins; None for other images."""


@dataclass(frozen=True)
class Stack:
    """Frames of one series that may form one volume (one b-value, one echo, one orientation...).

    ``header`` holds plain values by DICOM keyword that classification and encoding need
    (Modality, SeriesDescription, Manufacturer, ...), no identity beyond what the objects hold.
    ``flags`` are codes of kind ``flag`` (``DUPLICATE_INSTANCE``) that the result must carry.
    ``panel`` tells apart the images that one ultrasound picture shows side by side; "" for others.
    """

    series_uid: str
    study_uid: str
    subject: str
    modality: str
    frame_of_reference_uid: str | None
    frames: tuple[Frame, ...]
    b_value: float | None = None
    header: dict[str, Any] = field(default_factory=dict)
    passport: Passport | None = None
    flags: tuple[str, ...] = ()
    panel: str = ""


@dataclass(frozen=True)
class Refusal:
    """A series, or one file of it, that no volume is made of; the study's others go on.

    ``code`` is a row of ``config/codes/``; ``detail`` names tag and value and holds no identity.
    UIDs and subject are empty where the file could not even say them.
    """

    series_uid: str
    study_uid: str
    subject: str
    modality: str
    code: str
    detail: str = ""


@dataclass(frozen=True)
class Role:
    """What a stack is, coded: the same name whatever the vendor calls it.

    ``calculated`` is True for a b-value image computed from others, False for an acquired one,
    None where the question does not arise or the headers do not say. ``phase`` is the place of a
    dynamic volume in time, counted from 1, where the headers say. ``view`` is the projection of a
    mammogram (CC, MLO, ...). ``why`` names the rule.
    """

    name: str
    b_value: float | None = None
    calculated: bool | None = None
    why: str = ""
    phase: int | None = None
    view: str = ""


@dataclass(frozen=True)
class Correction:
    """How the slices of a sheared or uneven stack lie on the regular grid made for them.

    Parameters
    ----------
    along_mm : tuple of float
        Distance of each slice, in order, from the first plane of the grid along the normal.
    aside_pixels : tuple of (float, float)
        Row and column of the grid at which each slice's first pixel lies.
    slice_shape : tuple of int
        Rows and columns of a slice as it was stored.
    codes : tuple of str
        The flags the volume must carry.
    """

    along_mm: tuple[float, ...]
    aside_pixels: tuple[tuple[float, float], ...]
    slice_shape: tuple[int, int]
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Geometry:
    """The verdict of the geometry gate on one stack.

    ``order`` lists indices into ``stack.frames`` sorted along the normal; ``grid`` is set when the
    verdict lets a volume be built. ``code`` names the refusal or the flag, with its ``detail``.
    ``correction`` is set where the grid is that of a corrected copy.
    """

    verdict: Literal["REGULAR", "MISSING", "DUPLICATE", "UNEVEN", "TILT", "MIXED", "PLANAR"]
    grid: Grid | None
    order: tuple[int, ...] = ()
    code: str | None = None
    detail: str = ""
    largest_error_mm: float = 0.0
    correction: Correction | None = None

    @property
    def widest_gap_mm(self) -> float | None:
        """Largest distance between neighbouring slices as they were stored; None where unknown.

        The planes of a corrected copy are no farther apart than the closest two slices, which says
        nothing of how finely the rest was sampled.
        """
        if self.correction is None:
            return self.grid.spacing_mm[0] if self.grid else None
        along = self.correction.along_mm
        return max(after - before for before, after in pairwise(along))
