"""The planted twin: patients, studies and objects of every class, as files and as a key."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID

from pipelines.audit.scorer.key import KeyObject
from pipelines.audit.twin.codecs import DEFLATED, EXPLICIT, IMPLICIT, JPEG2000, RLE
from pipelines.audit.twin.derived import DERIVED, DOCUMENTS
from pipelines.audit.twin.files import encode
from pipelines.audit.twin.header import Study, header, new_patient, new_study
from pipelines.audit.twin.images import IMAGES, Filler
from pipelines.audit.twin.names import Names
from pipelines.audit.twin.places import hide, hide_in_image
from pipelines.audit.twin.planting import Planter
from pipelines.audit.twin.refusable import REFUSABLE
from pipelines.audit.twin.reports import REPORTS

__all__ = ["TwinObject", "make_twin"]

_CHARSETS = ("ISO_IR 192", "ISO_IR 100", "GB18030", "ISO 2022 IR 149", "ISO_IR 192")
_SYNTAXES = (EXPLICIT, JPEG2000, IMPLICIT, DEFLATED, EXPLICIT, RLE, EXPLICIT)
_CLASSES = (*IMAGES, *REFUSABLE, *REPORTS, *DERIVED, *DOCUMENTS)
_PER_STUDY = 6


@dataclass(frozen=True)
class TwinObject:
    """One object of the twin: its file and its part of the key."""

    name: str
    data: bytes
    key: KeyObject


def make_twin(seed: int, *, rounds: int = 1) -> tuple[TwinObject, ...]:
    """Return the twin of a seed: every class ``rounds`` times; the same seed, the same bytes.

    A study holds objects of several classes, its first a CT at which the others point; every
    patient has two studies, so that intervals can be compared.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # people write long names into short fields
        return tuple(_objects(Names(seed), rounds))


def _objects(names: Names, rounds: int) -> Iterator[TwinObject]:
    charsets, syntaxes = cycle(_CHARSETS), cycle(_SYNTAXES)
    patient = new_patient(names, next(charsets))
    for number, batch in enumerate(_batches(rounds)):
        if number and number % 2 == 0:
            patient = new_patient(names, next(charsets))
        study = new_study(names, patient, number % 2 + 1)
        for place, (sop_class, modality, fill) in enumerate(batch, 1):
            ds, planter = header(names, study, sop_class, modality, place)
            fill(ds, planter, names, study)
            hide(ds, planter, names, study)
            if "PixelData" in ds:
                hide_in_image(ds, planter, names)
            data = encode(ds, planter, names, next(syntaxes))
            yield TwinObject(f"{number:02d}-{place:02d}.dcm", data, planter.key(ds))
    yield directory(names, study)


def directory(names: Names, study: Study) -> TwinObject:
    """Return a DICOMDIR (PS3.3 F): the last study's patient in records beside the files."""
    ds, planter, record = Dataset(), Planter(), Dataset()
    ds.FileSetID = planter.secret("FS" + names.digits(7), "DICOMDIR", "number")
    ds.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity = 0
    ds.OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity = 0
    ds.FileSetConsistencyFlag = 0
    record.OffsetOfTheNextDirectoryRecord, record.RecordInUseFlag = 0, 0xFFFF
    record.OffsetOfReferencedLowerLevelDirectoryEntity = 0
    record.DirectoryRecordType, record.SpecificCharacterSet = "PATIENT", "ISO_IR 192"
    other = names.person()
    record.PatientName, record.PatientID = study.patient.pn, study.patient.patient_id
    record.PatientComments = f"{planter.secret(other.family, 'DICOMDIR')} {other.given}"
    ds.DirectoryRecordSequence = [record]
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(EXPLICIT)
    ds.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.1.3.10")
    ds.file_meta.MediaStorageSOPInstanceUID = UID(f"{study.uid}.99")
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, ds, enforce_file_format=True)
    key = KeyObject(
        study.patient.patient_id, study.uid, "", f"{study.uid}.99", "1.2.840.10008.1.3.10", "",
        (), tuple(planter.secrets),
    )  # fmt: skip
    return TwinObject("DICOMDIR", buffer.getvalue(), key)


def _batches(rounds: int) -> Iterator[tuple[tuple[str, str, Filler], ...]]:
    """Yield the classes of each study, a CT first."""
    rest = [row for _ in range(rounds) for row in _CLASSES if row is not IMAGES[0]]
    size = _PER_STUDY - 1
    for start in range(0, len(rest), size):
        yield (IMAGES[0], *rest[start : start + size])
