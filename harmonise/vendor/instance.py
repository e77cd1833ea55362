"""One object read for stacking: its names, plain header, frames and vendor values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import UID

from harmonise.data import table
from harmonise.series import Finding, Frame
from harmonise.slides.header import slide_facts
from harmonise.vendor.frames import frames_of, layout_of
from harmonise.vendor.groups import frame_count, macro
from harmonise.vendor.harvest import harvest_instance
from harmonise.vendor.headers import FOREIGN, parse_header, plain, plain_header, quiet
from harmonise.vendor.mosaic import is_tiled
from harmonise.vendor.private import text
from harmonise.vendor.projection import detector_spacing

__all__ = ["Instance", "read_instance"]


@dataclass(frozen=True)
class Instance:
    """One object. ``frames`` is empty where ``unsupported`` or ``damaged`` says why."""

    path: Path
    sop_uid: str
    series_uid: str
    study_uid: str
    subject: str
    modality: str
    header: dict[str, Any]
    frames: tuple[Frame, ...] = ()
    values: dict[str, Any] | None = None
    findings: tuple[Finding, ...] = ()
    tiled: bool = False
    unsupported: str = ""
    damaged: str = ""


def read_instance(path: Path) -> Instance:
    """Return what one file says before its pixels.

    Raises
    ------
    UnreadableObject
        ``FILE_UNREADABLE`` where not even its series can be known.
    """
    ds, damage = parse_header(path)
    with quiet():
        names = _names(path, ds)
        if damage:
            return Instance(**names, damaged=damage)
        try:
            return _instance(ds, names)
        except FOREIGN as error:
            return Instance(**names, damaged=f"header: {type(error).__name__}")


def _names(path: Path, ds: Dataset) -> dict[str, Any]:
    row = table("sop_classes").get(str(ds.SOPClassUID), {})
    return {
        "path": path,
        "sop_uid": str(ds.SOPInstanceUID),
        "series_uid": str(ds.SeriesInstanceUID),
        "study_uid": str(ds.StudyInstanceUID),
        "subject": text(ds.get("PatientID") or ""),
        "modality": str(row.get("modality") or text(ds.get("Modality") or "")),
        "header": {},
    }


def _instance(ds: Dataset, names: dict[str, Any]) -> Instance:
    header = plain_header(ds) | {"Modality": names["modality"]}
    names = {**names, "header": header}
    layout = layout_of(ds)
    if layout is None:
        return Instance(**names, unsupported=_why_not(ds))
    if layout == "slide":
        header |= slide_facts(ds)
        return Instance(**names, frames=frames_of(names["path"], ds, [{}]))
    if layout == "projection":
        header["PixelSpacingSource"] = detector_spacing(ds)[1]
    if layout == "enhanced":
        groups = len(ds.get("PerFrameFunctionalGroupsSequence") or [])
        if groups != frame_count(ds):  # PS3.3 C.7.6.16: one item a frame
            return Instance(**names, damaged=f"(5200,9230) {groups} for {frame_count(ds)} frames")
        _raise_group_facts(ds, header)
    if layout == "ultrasound":
        return Instance(**names, frames=frames_of(names["path"], ds, []))
    values, findings = harvest_instance(ds)
    rows = values.get("frames") or [values] * frame_count(ds)
    frames = frames_of(names["path"], ds, rows)
    if frames and frames[0].pet is not None and frames[0].pet.corrected:
        header.setdefault("CorrectedImage", list(frames[0].pet.corrected))
    return Instance(
        **names,
        frames=frames,
        values=values,
        findings=findings,
        tiled=is_tiled(ds),
    )


def _why_not(ds: Dataset) -> str:
    """Name what is not handled: (0008,0016), or colour."""
    name = UID(str(ds.get("SOPClassUID"))).name
    samples = int(ds.get("SamplesPerPixel") or 1)
    return name if samples == 1 else f"{name}, (0028,0002) {samples} samples per pixel"


def _raise_group_facts(ds: Dataset, header: dict[str, Any]) -> None:
    """Give the header of an enhanced object the classic keywords that rules look at."""
    for sequence, source, keyword in (
        ("MREchoSequence", "EffectiveEchoTime", "EchoTime"),
        ("MRTimingAndRelatedParametersSequence", "RepetitionTime", "RepetitionTime"),
        ("MRTimingAndRelatedParametersSequence", "FlipAngle", "FlipAngle"),
        ("PixelMeasuresSequence", "SliceThickness", "SliceThickness"),
        ("CTReconstructionSequence", "ConvolutionKernel", "ConvolutionKernel"),
        ("CTXRayDetailsSequence", "KVP", "KVP"),
        ("CTExposureSequence", "CTDIvol", "CTDIvol"),
        ("CTExposureSequence", "ExposureInmAs", "Exposure"),
        ("CTExposureSequence", "XRayTubeCurrentInmA", "XRayTubeCurrent"),
        ("PixelValueTransformationSequence", "RescaleType", "RescaleType"),
        ("FrameAnatomySequence", "FrameLaterality", "FrameLaterality"),
    ):
        value = plain(macro(ds, 0, sequence).get(source))
        if value is not None:
            header.setdefault(keyword, value)
    if "ScanningSequence" not in header:
        kinds = {"SPIN": ["SE"], "GRADIENT": ["GR"], "BOTH": ["SE", "GR"]}
        scanning = list(kinds.get(str(ds.get("EchoPulseSequence")), []))
        if str(ds.get("EchoPlanarPulseSequence")) == "YES":
            scanning.append("EP")
        header["ScanningSequence"] = scanning
