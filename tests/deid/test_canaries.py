"""Planted identity: whatever the hiding place, no byte of it leaves under ``basic``."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID

from config.policy import Policy
from deid.identity import Identity, harvest_identity

FAMILY, GIVEN, NUMBER = "LEFEVRE", "Elodie", "8001234567"
PLANTED = {  # attribute -> value with something only this patient has
    "OtherPatientNames": "MERCIER^Elodie", "PatientBirthName": "MERCIER^Elodie",
    "PatientMotherBirthName": "ROUSSILLON^Ines", "PatientAddress": "14 rue des Glycines 33000 BX",
    "PatientTelephoneNumbers": "0556123456", "OtherPatientIDs": "IEP99887766",
    "AccessionNumber": "ACC20180405X", "StudyID": "STU445566", "AdmissionID": "ADM778899",
    "MedicalRecordLocator": "MRL112233", "InstitutionName": "CHU Pellegrin Bordeaux",
    "InstitutionAddress": "Place Amelie Raba 33076",
    "InstitutionalDepartmentName": "Radiologie Pellegrin",
    "StationName": "PELLEGRIN-MR2", "ReferringPhysicianName": "GARNIER^Hubert",
    "PerformingPhysicianName": "OUDINOT^Claire", "OperatorsName": "TREMBLAY^Luc",
    "NameOfPhysiciansReadingStudy": "VASSEUR^Anne", "PhysiciansOfRecord": "DELORME^Yves",
    "RequestingPhysician": "GARNIER^Hubert", "RequestingService": "Uro Pellegrin",
    "StudyDescription": "IRM prostate LEFEVRE Elodie", "SeriesDescription": "T2 8001234567",
    "ProtocolName": "Prostate Lefevre", "PatientComments": "née le 12/03/1957, IPP 8001234567",
    "ImageComments": "vu avec Dr Garnier", "AdditionalPatientHistory": "LEFÈVRE, 12 mars 1957",
    "AdmittingDiagnosesDescription": "cf Dr Oudinot", "DerivationDescription": "by Tremblay",
    "PatientReligiousPreference": "Lefevre", "Occupation": "epoux de Garnier",
    "MedicalAlerts": "Lefevre allergie", "DeviceSerialNumber": "SN-PELLEGRIN-7",
    "RequestedProcedureDescription": "IRM LEFEVRE", "StudyComments": "LEFEVRE^ELODIE",
    "PerformedProcedureStepDescription": "IRM de Mme Lefevre",
    "CommentsOnThePerformedProcedureStep": "E. Lefevre",
    "IssuerOfPatientID": "Pellegrin", "PlacerOrderNumberImagingServiceRequest": "ORD667788",
    "FillerOrderNumberImagingServiceRequest": "ORD667789", "AcquisitionComments": "Lefevre",
    "SeriesDate": "20180405", "AcquisitionDate": "20180405", "ContentDate": "20180405",
    "InstanceCreationDate": "20180406", "AcquisitionDateTime": "20180405101112",
    "PatientBirthTime": "031500", "ScheduledProcedureStepID": "SPS334455",
    "PerformedProcedureStepID": "PPS334456", "ContrastBolusAgent": "gado Lefevre",
    "DateOfLastCalibration": "20180101", "TextComments": "Lefevre",
}  # fmt: skip
UNLISTED = {  # ordinary text that the table does not list; the hunt must find the identity there
    "SoftwareVersions": "syngo E11 Lefevre", "SequenceName": "*tse LEFEVRE",
    "ScanOptions": "LEFEVRE ELODIE", "PositionReferenceIndicator": "Lefevre Elodie",
}  # fmt: skip
NEEDLES = [
    "lefevre", "lefèvre", "elodie", NUMBER, "mercier", "roussillon", "glycines", "0556123456",
    "iep99887766", "acc20180405x", "stu445566", "adm778899", "mrl112233", "pellegrin", "raba",
    "garnier", "oudinot", "tremblay", "vasseur", "delorme", "ord667788", "ord667789", "sps334455",
    "pps334456", "19570312", "12/03/1957", "1957-03-12", "12031957", "20180405", "05/04/2018",
    "20180406", "20180101", "12 mars 1957", "quincampoix",
]  # fmt: skip


def _plant(ds: Dataset) -> Dataset:
    for keyword, value in (PLANTED | UNLISTED).items():
        setattr(ds, keyword, value)
    ds.SpecificCharacterSet = "ISO_IR 100"
    nested = Dataset()
    nested.PatientName, nested.PatientID, nested.InstitutionName = (
        "LEFEVRE^Elodie",
        NUMBER,
        "Pellegrin",
    )
    nested.CodeMeaning = "IRM LEFEVRE^Elodie"
    nested.StudyDate = "20180405"
    deep = Dataset()
    deep.OperatorsName, deep.RequestedProcedureDescription = "TREMBLAY^Luc", "IRM Lefevre"
    nested.ViewModifierCodeSequence = [deep]
    ds.ViewCodeSequence = [nested]
    request = Dataset()
    request.RequestedProcedureID, request.ScheduledProcedureStepDescription = "RP445566", "Lefevre"
    ds.RequestAttributesSequence = [request]
    alias = Dataset()
    alias.PatientID, alias.TypeOfPatientID = "IEP99887766", "TEXT"
    ds.OtherPatientIDsSequence = [alias]
    icon = Dataset()
    icon.Rows = icon.Columns = 4
    icon.SamplesPerPixel, icon.BitsAllocated, icon.BitsStored, icon.HighBit = 1, 8, 8, 7
    icon.PixelRepresentation, icon.PhotometricInterpretation = 0, "MONOCHROME2"
    icon.PixelData = b"LEFEVRE^Elodie  "
    ds.IconImageSequence = [icon]
    ds.add_new(0x60003000, "OW", b"LEFEVRE^Elodie  ")
    ds.add_new(0x60004000, "LT", "LEFEVRE")
    ds.add_new(0x50000010, "US", 1)
    ds.add_new(0x50003000, "OW", b"LEFEVRE ")
    ds.add_new(0xFFFCFFFC, "OB", b"LEFEVRE^Elodie  ")
    ds.add_new(0x00104001, "UN", b"LEFEVRE ")  # not in PS3.6
    private = ds.private_block(0x0029, "QUINCAMPOIX LAB", create=True)
    private.add_new(0x10, "LO", "LEFEVRE^Elodie")
    private.add_new(0x11, "OB", "LEFEVRE^Elodie  ".encode("utf-16-le"))
    private.add_new(0x12, "SQ", [deep])
    original = Dataset()
    original.ModifyingSystem, original.SourceOfPreviousValues = "PELLEGRIN", "Pellegrin"
    original.ModifiedAttributesSequence = [nested]
    ds.OriginalAttributesSequence = [original]
    return ds


@pytest.fixture(
    scope="module",
    params=[
        "1.2.840.10008.1.2",
        "1.2.840.10008.1.2.1",
        "1.2.840.10008.1.2.2",
        "1.2.840.10008.1.2.1.99",
    ],
)
def planted(request: pytest.FixtureRequest, make: Callable[..., Dataset]) -> Dataset:
    """The planted object in each native transfer syntax, read back from its bytes."""
    return make(syntax=request.param, change=_plant)


def _survivors(data: bytes) -> list[str]:
    lowered = data.lower()
    found = []
    for needle in NEEDLES:
        forms = {needle, needle[::-1]} if needle.isdigit() else {needle}
        for form in forms:
            for encoding in ("latin-1", "utf-8", "utf-16-le", "utf-16-be"):
                found += [f"{form} ({encoding})"] * (form.encode(encoding) in lowered)
    return found


def test_more_than_fifty_strings_are_planted(planted: Dataset) -> None:
    def values(ds: Dataset) -> list[str]:
        known = [ds[tag] for tag in ds.keys() if tag != 0x00104001]  # noqa: SIM118
        own = [str(e.value).lower() for e in known if e.VR != "SQ"]
        return own + [v for e in known if e.VR == "SQ" for item in e.value for v in values(item)]

    assert sum(any(needle in value for needle in NEEDLES) for value in values(planted)) >= 60


def test_under_basic_no_planted_string_survives_in_the_bytes(
    planted: Dataset, basic: Policy, release: Callable[..., object]
) -> None:
    released = release(planted, basic)
    data = released.to_bytes()  # type: ignore[attr-defined]
    if UID(planted.file_meta.TransferSyntaxUID).is_deflated:
        import zlib

        length = int.from_bytes(data[140:144], "little")
        data = data[: 144 + length] + zlib.decompress(data[144 + length :], wbits=-15)
    assert _survivors(data) == []


def test_under_research_longitudinal_no_name_or_number_survives(
    planted: Dataset, research: Policy, release: Callable[..., object]
) -> None:
    allowed = {"pellegrin", "20180405", "20180406", "20180101"}  # 113109 keeps the station's name
    data = release(planted, research).to_bytes()  # type: ignore[attr-defined]
    left = [found for found in _survivors(data) if found.split(" (")[0] not in allowed]
    assert left == []


def test_the_descriptions_keep_their_medical_words(
    planted: Dataset, research: Policy, reread: Callable[..., Dataset]
) -> None:
    out = reread(planted, research)
    assert out.StudyDescription == "IRM prostate"
    assert out.SeriesDescription == "T2"
    assert out.ProtocolName == "Prostate"
    assert out.SequenceName == "*tse"


def test_the_preamble_is_zero_and_the_file_meta_is_our_own(
    planted: Dataset, basic: Policy, release: Callable[..., object], reread: Callable[..., Dataset]
) -> None:
    data = release(planted, basic).to_bytes()  # type: ignore[attr-defined]
    assert data[:132] == bytes(128) + b"DICM"
    out = reread(planted, basic)
    assert out.file_meta.MediaStorageSOPInstanceUID == out.SOPInstanceUID
    assert {element.keyword for element in out.file_meta} == {
        "FileMetaInformationGroupLength", "FileMetaInformationVersion", "MediaStorageSOPClassUID",
        "MediaStorageSOPInstanceUID", "TransferSyntaxUID", "ImplementationClassUID",
        "ImplementationVersionName",
    }  # fmt: skip


def test_the_identity_is_harvested_at_every_level(planted: Dataset) -> None:
    identity = harvest_identity([planted])
    assert {"LEFEVRE^Elodie", "TREMBLAY^Luc", "GARNIER^Hubert"} <= identity.names
    assert {NUMBER, "IEP99887766", "RP445566"} <= identity.ids
    assert identity.birth_dates == {"19570312"}
    assert "20180405" in identity.dates


def test_an_identity_shows_nothing_of_itself(planted: Dataset) -> None:
    assert "LEFEVRE" not in repr(harvest_identity([planted]))


def test_what_only_another_object_of_the_study_says_is_hunted_too(
    make: Callable[..., Dataset], basic: Policy, reread: Callable[..., Dataset]
) -> None:
    identity = Identity(names=frozenset({"BEAUREGARD^Paul"}), ids=frozenset({"7766554433"}))
    ds = make(SequenceName="tse Beauregard", SoftwareVersions="E11 7766554433")
    out = reread(ds, basic, identity)
    assert (out.SequenceName, out.SoftwareVersions) == ("tse", "E11")
