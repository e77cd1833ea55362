"""The images of a folder by device and kind, one of each patient."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from config.errors import UnreadableObject
from deid.signatures import DeviceKey, device_key
from pipelines.prepare.discover import is_directory_record, looks_like_dicom
from pipelines.prepare.read import read_header

__all__ = ["Cluster", "clusters"]

_HAS_NO_TEXT = frozenset({"SEG", "SR", "PR", "KO", "RTSTRUCT", "RTDOSE", "RTPLAN", "REG"})


@dataclass(frozen=True)
class Cluster:
    """Images of one kind of one device.

    ``shown`` holds manufacturer, model, software and ImageType as the first header writes them.
    """

    key: DeviceKey
    shown: tuple[str, str, str, tuple[str, ...]]
    paths: tuple[Path, ...]


def clusters(paths: Iterable[Path]) -> list[Cluster]:
    """Return the kinds of images among files, each with the first image of every patient.

    An image without a patient's number or name is left out: two of them may be one person's, whose
    name would then seem to stand still as the device's own text does.
    """
    found: dict[DeviceKey, dict[str, Path]] = {}
    shown: dict[DeviceKey, tuple[str, str, str, tuple[str, ...]]] = {}
    for path in sorted(paths):
        header = _header(path)
        if header is None:
            continue
        key, patient = device_key(header), _patient(header)
        if key.rows and key.columns and patient:
            shown.setdefault(key, _shown(header))
            found.setdefault(key, {}).setdefault(patient, path)
    return [Cluster(key, shown[key], tuple(found[key].values())) for key in sorted(found)]


def _header(path: Path) -> Dataset | None:
    if not looks_like_dicom(path) or is_directory_record(path):
        return None
    try:
        header = read_header(path)
    except UnreadableObject:
        return None  # counted by the commands that release; here one image fewer
    return None if header.get("Modality") in _HAS_NO_TEXT else header


def _patient(header: Dataset) -> str:
    """Return who it is, as any one text that differs between people; "" for nobody."""
    number = str(header.get("PatientID") or "").strip()
    name = str(header.get("PatientName") or "").strip(" ^")
    issuer = str(header.get("IssuerOfPatientID") or "").strip()
    return f"{issuer}\0{number}" if number else name


def _shown(header: Dataset) -> tuple[str, str, str, tuple[str, ...]]:
    software = header.get("SoftwareVersions") or ""
    image_type = header.get("ImageType") or ()
    return (
        str(header.get("Manufacturer") or "").strip(),
        str(header.get("ManufacturerModelName") or "").strip(),
        software.strip() if isinstance(software, str) else "\\".join(map(str, software)),
        (image_type,) if isinstance(image_type, str) else tuple(map(str, image_type)),
    )
