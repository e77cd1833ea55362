"""The structured reports of the twin: basic text, comprehensive, dose, and key objects."""

from __future__ import annotations

from pydicom.dataset import Dataset

from pipelines.audit.twin.header import Study
from pipelines.audit.twin.names import Names
from pipelines.audit.twin.planting import Planter, where

__all__ = ["REPORTS", "tree_shape"]

_BASE = "1.2.840.10008.5.1.4.1.1."


def tree_shape(ds: Dataset, depth: int = 0) -> str:
    """Return the outline of a content tree (PS3.3 C.17.3): depth and value type of every item."""
    lines = [f"{depth}:{ds.get('ValueType', '')}"]
    lines += [tree_shape(item, depth + 1) for item in ds.get("ContentSequence", ())]
    return " ".join(lines)


def text_report(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """Fill a Basic Text SR (PS3.3 A.35.1): a letter of the radiologist's."""
    patient, author = study.patient, names.person()
    _root(ds, planter, study, "11528-7", "Radiology Report")
    path = ("ContentSequence", 1, "TextValue")
    finding = item("CONTAINS", "TEXT", "121071", "Finding")
    kin = names.family()
    name = f"{patient.person.given} {patient.person.family}"
    drop = f"{name}"
    planter.clean(finding, where(*path), "Lésion PI-RADS 4 de la zone périphérique", drop,
                  needs="113104")  # fmt: skip
    planter.secret(kin, where(*path))
    finding.TextValue += f", vue avec Mme {kin} le {_french(study.date)}"
    planter.secret(_french(study.date), where(*path), "date")
    person = item("HAS OBS CONTEXT", "PNAME", "121008", "Person Observer Name")
    person.PersonName = author.pn
    planter.secret(author.family, where("ContentSequence", 0, "PersonName"))
    number = item("CONTAINS", "TEXT", "121070", "Findings")
    planter.remove(
        number, where("ContentSequence", 2, "TextValue"), f"tél. {patient.telephone}",
        patient.telephone, kind="number",
    )  # fmt: skip
    ds.ContentSequence = [person, finding, number]
    _close(ds, planter)


def comprehensive(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """Comprehensive SR (PS3.3 A.35.3): numbers, dates, references and a nested container."""
    _root(ds, planter, study, "126000", "Imaging Measurement Report")
    patient = study.patient
    measured, unit = Dataset(), Dataset()
    path = ("ContentSequence", 0, "ContentSequence", 0, "MeasuredValueSequence", 0)
    planter.keep(measured, where(*path, "NumericValue"), "12.5", needs="113104")
    unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = "mm", "UCUM", "mm"
    measured.MeasurementUnitsCodeSequence = [unit]
    number = item("CONTAINS", "NUM", "103339001", "Long Axis")
    number.MeasuredValueSequence = [measured]
    group = item("CONTAINS", "CONTAINER", "125007", "Measurement Group")
    group.ContinuityOfContent = "SEPARATE"
    when = item("HAS OBS CONTEXT", "DATETIME", "121135", "Observation DateTime")
    when.DateTime = study.date + "101530"
    day_path = ("ContentSequence", 0, "ContentSequence", 1, "DateTime")
    planter.check(where(*day_path), "<date_shifted>", when.DateTime, when.DateTime)
    uid = item("HAS OBS CONTEXT", "UIDREF", "121018", "Procedure Study Instance UID")
    uid_path = where("ContentSequence", 0, "ContentSequence", 2, "UID")
    planter.uid(uid, uid_path, study.uid, consistent=False)
    text = item("CONTAINS", "TEXT", "121106", "Comment")
    text_path = where("ContentSequence", 0, "ContentSequence", 3, "TextValue")
    planter.clean(text, text_path, "sein droit", patient.patient_id, needs="113104")
    coded = item("CONTAINS", "CODE", "G-C0E3", "Finding Site")
    site = Dataset()
    site.CodeValue, site.CodingSchemeDesignator, site.CodeMeaning = "T-04000", "SRT", "Breast"
    coded.ConceptCodeSequence = [site]
    code_path = ("ContentSequence", 0, "ContentSequence", 4, "ConceptCodeSequence", 0)
    planter.check(
        where(*code_path, "CodeMeaning"), "<text_retained>", "Breast", "Breast", needs="113104"
    )
    group.ContentSequence = [number, when, uid, text, coded]
    ds.ContentSequence = [group]
    _close(ds, planter)


def dose_report(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """X-Ray Radiation Dose SR (PS3.3 A.35.8): device, observer, irradiation events."""
    _root(ds, planter, study, "113701", "X-Ray Radiation Dose Report")
    operator, serial = names.person(), f"SN{names.digits(9)}"
    person = item("HAS OBS CONTEXT", "PNAME", "113870", "Person Name")
    person.PersonName = operator.pn
    planter.secret(operator.family, where("ContentSequence", 0, "PersonName"))
    device = item("HAS OBS CONTEXT", "TEXT", "121016", "Device Observer Serial Number")
    device.TextValue = serial
    planter.secret(serial, where("ContentSequence", 1, "TextValue"), "number", "113109")
    event = item("CONTAINS", "CONTAINER", "113819", "CT Acquisition")
    event.ContinuityOfContent = "SEPARATE"
    amount = item("CONTAINS", "NUM", "113830", "Mean CTDIvol")
    measured, unit = Dataset(), Dataset()
    unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = "mGy", "UCUM", "mGy"
    path = ("ContentSequence", 2, "ContentSequence", 0, "MeasuredValueSequence", 0)
    planter.keep(measured, where(*path, "NumericValue"), "9.87", needs="113104")
    measured.MeasurementUnitsCodeSequence = [unit]
    amount.MeasuredValueSequence = [measured]
    event.ContentSequence = [amount]
    ds.ContentSequence = [person, device, event]
    _close(ds, planter)


def key_object(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """Key Object Selection Document (PS3.3 A.35.4): points at an image of the same study."""
    _root(ds, planter, study, "113000", "Of Interest")
    image = item("CONTAINS", "IMAGE", "113000", "Of Interest")
    del image.ConceptNameCodeSequence
    reference = Dataset()
    path = ("ContentSequence", 0, "ReferencedSOPSequence", 0)
    reference.ReferencedSOPClassUID = _BASE + "2"
    planter.uid(reference, where(*path, "ReferencedSOPInstanceUID"), f"{study.uid}.1.1")
    image.ReferencedSOPSequence = [reference]
    note = item("CONTAINS", "TEXT", "113012", "Key Object Description")
    other = names.family()
    note_path = where("ContentSequence", 1, "TextValue")
    planter.clean(note, note_path, "prostate apex", f"M. {other}", needs="113104")
    ds.ContentSequence = [image, note]
    evidence, series = Dataset(), Dataset()
    evidence.StudyInstanceUID = study.uid
    series.SeriesInstanceUID = f"{study.uid}.1"
    series.ReferencedSOPSequence = [reference]
    evidence.ReferencedSeriesSequence = [series]
    ds.CurrentRequestedProcedureEvidenceSequence = [evidence]
    del ds.VerificationFlag
    del ds.CompletionFlag
    _close(ds, planter)


def item(relation: str, kind: str, value: str, meaning: str) -> Dataset:
    """Return a content item with its concept name."""
    ds, code = Dataset(), Dataset()
    ds.RelationshipType, ds.ValueType = relation, kind
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
    ds.ConceptNameCodeSequence = [code]
    return ds


def _root(ds: Dataset, planter: Planter, study: Study, value: str, meaning: str) -> None:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
    ds.ConceptNameCodeSequence = [code]
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.CompletionFlag, ds.VerificationFlag = "COMPLETE", "UNVERIFIED"
    ds.PerformedProcedureCodeSequence = []
    ds.ReferencedPerformedProcedureStepSequence = []
    planter.check(where("ConceptNameCodeSequence", 0, "CodeMeaning"), "<text_retained>", meaning,
                  meaning)  # fmt: skip


def _close(ds: Dataset, planter: Planter) -> None:
    planter.check(where("ContentSequence"), "<sr_tree_valid>", "", tree_shape(ds), needs="113104")


def _french(date: str) -> str:
    months = ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août",
              "septembre", "octobre", "novembre", "décembre")  # fmt: skip
    return f"{int(date[6:])} {months[int(date[4:6]) - 1]} {date[:4]}"


REPORTS = (
    (_BASE + "88.11", "SR", text_report),
    (_BASE + "88.33", "SR", comprehensive),
    (_BASE + "88.67", "SR", dose_report),
    (_BASE + "88.59", "KO", key_object),
)
"""SOP class, modality, what fills it."""
