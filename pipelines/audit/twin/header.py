"""What every object of the twin says of its patient, its study and its people."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset

from pipelines.audit.twin.names import Names, Person
from pipelines.audit.twin.planting import Planter, where

__all__ = ["Patient", "Study", "header", "new_patient", "new_study"]

ROOT = "1.2.826.0.1.3680043.10.543"


@dataclass(frozen=True)
class Patient:
    """One invented patient; ``charset`` is how the patient's objects are written."""

    person: Person
    patient_id: str
    other_id: str
    born: str
    nir: str
    telephone: str
    address: str
    mother: Person
    charset: str = "ISO_IR 192"
    foreign: Person | None = None

    @property
    def pn(self) -> str:
        """The name as it stands in Patient's Name, with its ideographic group if there is one."""
        return f"{self.person.pn}={self.foreign.pn}" if self.foreign else self.person.pn


@dataclass(frozen=True)
class Study:
    """One study of a patient."""

    patient: Patient
    uid: str
    date: str
    accession: str
    study_id: str
    referring: Person
    institution: str
    frame_of_reference: str


def new_patient(names: Names, charset: str) -> Patient:
    """Return the next patient."""
    born = names.day(1931, 1988)
    coded = charset in {"GB18030", "ISO 2022 IR 149", "ISO 2022 IR 87"}
    return Patient(
        names.person(), names.digits(10), "IEP" + names.digits(8), born, names.nir(born),
        names.telephone(), names.town(), names.person(), charset,
        names.foreign(charset) if coded else None,
    )  # fmt: skip


def new_study(names: Names, patient: Patient, number: int) -> Study:
    """Return the patient's next study."""
    uid = f"{ROOT}.{patient.patient_id}.{number}"
    return Study(
        patient, uid, names.day(2012 + number, 2012 + number), "A" + names.digits(9),
        "ST" + names.digits(6), names.person(), f"CHU {names.family()}", f"{uid}.9",
    )  # fmt: skip


def header(
    names: Names, study: Study, sop_class: str, modality: str, number: int
) -> tuple[Dataset, Planter]:
    """Return a data set with its header planted, and the planter that holds the key."""
    ds, planter = Dataset(), Planter()
    ds.SpecificCharacterSet = _charset(study.patient.charset)
    ds.SOPClassUID, ds.Modality = sop_class, modality
    planter.check(where("SOPClassUID"), "<tag_retained>", sop_class)
    planter.check(where("Modality"), "<text_notnull>", modality)
    _uids(ds, planter, study, number)
    _patient(ds, planter, names, study.patient)
    _study(ds, planter, names, study)
    _series(ds, planter, names, study, number)
    return ds, planter


def _charset(charset: str) -> list[str] | str:
    return ["ISO 2022 IR 100", charset] if charset.startswith("ISO 2022") else charset


def _uids(ds: Dataset, planter: Planter, study: Study, number: int) -> None:
    planter.uid(ds, where("StudyInstanceUID"), study.uid)
    planter.uid(ds, where("SeriesInstanceUID"), f"{study.uid}.{number}")
    planter.uid(ds, where("SOPInstanceUID"), f"{study.uid}.{number}.1")
    ds.InstanceNumber, ds.SeriesNumber = 1, number


def _patient(ds: Dataset, planter: Planter, names: Names, patient: Patient) -> None:
    whole = f"{patient.person.family} {patient.person.given}"
    planter.remove(ds, where("PatientName"), patient.pn, whole)
    if patient.foreign:
        planter.secret(patient.foreign.family, where("PatientName"), "foreign name")
    planter.remove(ds, where("PatientID"), patient.patient_id, kind="number")
    planter.check(where("PatientID"), "<patid_consistent>", patient.patient_id)
    planter.day(ds, where("PatientBirthDate"), patient.born)
    planter.secret(f"{patient.born[6:]}/{patient.born[4:6]}/{patient.born[:4]}", "text", "date")
    planter.remove(ds, where("OtherPatientIDs"), patient.other_id, kind="number")
    born_as, mother = names.person(), patient.mother
    planter.remove(ds, where("PatientBirthName"), born_as.pn, born_as.family)
    planter.remove(ds, where("PatientMotherBirthName"), mother.pn, mother.family)
    planter.remove(ds, where("PatientTelephoneNumbers"), patient.telephone, kind="number")
    planter.remove(ds, where("PatientAddress"), patient.address, kind="text")
    planter.keep(ds, where("PatientSex"), "F", needs="113108")
    planter.keep(ds, where("PatientAge"), "061Y", needs="113108")
    planter.keep(ds, where("PatientSize"), "1.62", needs="113108")
    planter.keep(ds, where("PatientWeight"), "63.5", needs="113108")
    item = Dataset()
    alias = where("OtherPatientIDsSequence", 0, "PatientID")
    planter.remove(item, alias, "NIP" + names.digits(8), kind="number")
    item.TypeOfPatientID = "TEXT"
    ds.OtherPatientIDsSequence = [item]
    kin = names.person()
    text = f"née le {patient.born[6:]}/{patient.born[4:6]}/{patient.born[:4]}, NIR {patient.nir}"
    planter.remove(ds, where("PatientComments"), text, patient.nir, kind="number")
    planter.remove(
        ds, where("AdditionalPatientHistory"), f"adressée avec Mme {kin.family}", kin.family
    )


def _study(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    patient = study.patient
    planter.day(ds, where("StudyDate"), study.date)
    ds.StudyTime = "101112"
    planter.remove(ds, where("AccessionNumber"), study.accession, kind="number")
    planter.remove(ds, where("StudyID"), study.study_id, kind="number")
    planter.remove(ds, where("ReferringPhysicianName"), study.referring.pn, study.referring.family)
    family = patient.person.family
    planter.clean(ds, where("StudyDescription"), "IRM PROSTATE", f"{family} {patient.person.given}")
    reader, record = names.person(), names.person()
    planter.remove(ds, where("NameOfPhysiciansReadingStudy"), reader.pn, reader.family)
    planter.remove(ds, where("PhysiciansOfRecord"), record.pn, record.family)
    planter.remove(ds, where("AdmissionID"), "ADM" + names.digits(7), kind="number")
    asked = names.person()
    planter.remove(ds, where("RequestingPhysician"), asked.pn, asked.family)
    planter.remove(
        ds, where("InstitutionName"), study.institution, study.institution.split()[1],
        unless="113112",
    )  # fmt: skip
    place = names.town()
    planter.remove(ds, where("InstitutionAddress"), place, kind="text", unless="113112")
    doctor = Dataset()
    rpps = names.rpps()
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = rpps, "99RPPS", "physician"
    planter.secret(rpps, where("ReferringPhysicianIdentificationSequence"), "number")
    doctor.PersonIdentificationCodeSequence = [code]
    doctor.InstitutionName = study.institution
    ds.ReferringPhysicianIdentificationSequence = [doctor]


def _series(ds: Dataset, planter: Planter, names: Names, study: Study, number: int) -> None:
    planter.day(ds, where("SeriesDate"), study.date)
    planter.day(ds, where("ContentDate"), study.date)
    ds.SeriesTime, ds.ContentTime = "101500", "101530"
    planter.day(ds, where("InstanceCreationDate"), study.date)
    planter.keep(ds, where("Manufacturer"), "SIEMENS")
    planter.keep(ds, where("ManufacturerModelName"), "TwinScan 3", needs="113109")
    operator, performing = names.person(), names.person()
    planter.remove(ds, where("OperatorsName"), operator.pn, operator.family)
    planter.remove(ds, where("PerformingPhysicianName"), performing.pn, performing.family)
    station, serial = f"ST{names.digits(6)}", f"SN{names.digits(9)}"
    for keyword, value in (("StationName", station), ("DeviceSerialNumber", serial)):
        planter.remove(ds, where(keyword), value, kind="number", unless="113109")
        planter.check(where(keyword), "<text_retained>", value, value, needs="113109")
    patient = study.patient
    planter.clean(ds, where("SeriesDescription"), "T2 TSE AX", patient.patient_id)
    planter.clean(ds, where("ProtocolName"), "SEIN DROIT", f"Dr {performing.family}")
    mail = f"contact.{names.digits(6)}@{_ascii(study.institution)}.fr"
    planter.remove(ds, where("ImageComments"), f"écrire à {mail}", mail, kind="number")
    planter.clean(ds, where("SoftwareVersions"), "E11", patient.person.family, needs="113109")
    request = Dataset()
    path = ("RequestAttributesSequence", 0)
    asked = "RP" + names.digits(7)
    planter.remove(request, where(*path, "RequestedProcedureID"), asked, kind="number")
    planter.remove(
        request, where(*path, "ScheduledProcedureStepID"), "SPS" + names.digits(6), kind="number"
    )
    ds.RequestAttributesSequence = [request]
    ds.BodyPartExamined = ["BREAST", "PROSTATE", "CHEST"][number % 3]
    planter.check(where("BodyPartExamined"), "<text_retained>", ds.BodyPartExamined,
                  ds.BodyPartExamined)  # fmt: skip


def _ascii(text: str) -> str:
    return "".join(c for c in text.lower() if c.isascii() and c.isalpha())
