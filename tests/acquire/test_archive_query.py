"""The embedded archive answers C-FIND as the standard says, to us and to dcmtk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE

from config.project import Selection
from config.site import PacsNode
from pipelines.acquire.archive import Archive, Faults, Request
from pipelines.acquire.pacs import echo, find_instances, find_studies
from tests.support.orthanc import dcmtk

PATIENT_ROOT = "1.2.840.10008.5.1.4.1.2.1.1"
STUDY_ROOT = "1.2.840.10008.5.1.4.1.2.2.1"
Select = Callable[..., Selection]
NodeOf = Callable[..., PacsNode]


def ask(archive: Archive, model: str, **keys: object) -> tuple[int, list[Dataset]]:
    """Send a C-FIND with plain pynetdicom; return final status and matches."""
    query = Dataset()
    for keyword, value in keys.items():
        setattr(query, keyword, value)
    ae = AE("TEST")
    ae.add_requested_context(model)
    assoc = ae.associate("127.0.0.1", archive.port, ae_title=archive.ae_title)
    try:
        answers = list(assoc.send_c_find(query, model))
    finally:
        assoc.release()
    return answers[-1][0].Status, [match for _, match in answers[:-1] if match is not None]


def findscu(archive: Archive, folder: Path, *arguments: str) -> list[Dataset]:
    """Ask with dcmtk and read the answers it wrote."""
    folder.mkdir()
    where = ("127.0.0.1", str(archive.port))
    dcmtk("findscu", "-aec", archive.ae_title, "-X", "-od", folder, *arguments, *where)
    return [dcmread(path) for path in sorted(folder.iterdir())]


def test_echo_answers_within_a_second(archive: Archive, node_of: NodeOf) -> None:
    assert 0 < echo(node_of(archive)) < 1


def test_studies_are_found_by_modality_description_and_date(
    archive: Archive, node_of: NodeOf, select: Select
) -> None:
    node = node_of(archive)

    def uids(*args: str) -> list[str]:
        return [study.study_uid for study in find_studies(node, select(*args))]

    assert uids("MR") == ["2.25.4242.1", "2.25.4242.2"]
    assert uids("CT") == ["2.25.4242.3"]
    assert uids("SR") == ["2.25.4242.2"]
    assert uids("MR", "*PROST*") == ["2.25.4242.1"]
    assert uids("MR", "IRM F???") == ["2.25.4242.2"]
    assert uids("MR", "*", "2020-01-15..2020-01-15") == ["2.25.4242.1"]
    assert uids("MR", "*", "2020-01-16..2021-06-29") == []
    assert uids("US") == []


def test_a_study_carries_what_the_ledger_needs(
    archive: Archive, node_of: NodeOf, select: Select
) -> None:
    first, second = find_studies(node_of(archive), select())
    assert (first.patient_id, first.accession_number) == ("PID001", "ACC1")
    assert (first.study_date, first.study_description) == ("20200115", "IRM PROSTATE")
    assert (first.series_count, first.instance_count) == (2, 5)
    assert first.modalities == ("MR",)
    assert second.modalities == ("MR", "SR")
    assert (second.series_count, second.instance_count) == (2, 2)


def test_a_found_study_prints_nothing_of_the_patient(
    archive: Archive, node_of: NodeOf, select: Select
) -> None:
    printed = repr(find_studies(node_of(archive), select()))
    for secret in ("PID001", "ACC1", "20200115", "IRM PROSTATE"):
        assert secret not in printed


def test_since_and_until_narrow_the_selection_and_never_widen_it(
    archive: Archive, node_of: NodeOf, select: Select
) -> None:
    node, wanted = node_of(archive), select("MR", "*", "2020-01-01..2020-12-31")

    def uids(since: date | None, until: date | None) -> list[str]:
        return [study.study_uid for study in find_studies(node, wanted, since, until)]

    assert uids(date(2020, 1, 15), date(2020, 1, 15)) == ["2.25.4242.1"]
    assert uids(date(2020, 1, 16), None) == []
    assert uids(date(1999, 1, 1), date(2030, 1, 1)) == ["2.25.4242.1"]
    before = archive.log
    assert uids(date(2021, 1, 1), None) == []
    assert archive.log == before, "an empty range asks nothing of the PACS"


def test_where_the_pacs_hides_modalities_its_series_are_asked(
    files: list[Path], node_of: NodeOf, select: Select
) -> None:
    with Archive(files, "HOSPITAL", faults=Faults(ignore_modality=True)) as archive:
        found = find_studies(node_of(archive), select("CT"))
        assert [study.study_uid for study in found] == ["2.25.4242.3"]
        assert [one.level for one in archive.log] == ["STUDY", "SERIES", "SERIES", "SERIES"]


def test_every_instance_is_listed_with_class_and_transfer_syntax(
    archive: Archive, node_of: NodeOf
) -> None:
    found = find_instances(node_of(archive), "2.25.4242.1")
    assert [one.sop_uid for one in found] == [
        f"2.25.4242.1.{series}.{number}"
        for series, number in [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)]
    ]
    assert {one.series_uid for one in found} == {"2.25.4242.1.1", "2.25.4242.1.2"}
    assert {one.sop_class_uid for one in found} == {"1.2.840.10008.5.1.4.1.1.4"}
    assert {one.transfer_syntax_uid for one in found} == {"1.2.840.10008.1.2.1"}


def test_a_study_that_is_not_there_has_no_instances(archive: Archive, node_of: NodeOf) -> None:
    assert find_instances(node_of(archive), "1.2.3") == []


def test_only_requested_and_unique_keys_come_back(archive: Archive) -> None:
    status, matches = ask(
        archive,
        STUDY_ROOT,
        QueryRetrieveLevel="SERIES",
        StudyInstanceUID="2.25.4242.1",
        SeriesNumber="",
        NumberOfSeriesRelatedInstances="",
        PatientAge="",
    )
    assert status == 0x0000
    assert {element.keyword for element in matches[0]} == {
        "QueryRetrieveLevel",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "SeriesNumber",
        "NumberOfSeriesRelatedInstances",
        "PatientAge",
    }
    assert [match.NumberOfSeriesRelatedInstances for match in matches] == [3, 2]
    assert matches[0].PatientAge == ""


def test_a_name_with_accents_comes_back_in_utf8(archive: Archive) -> None:
    _, matches = ask(
        archive,
        PATIENT_ROOT,
        SpecificCharacterSet="ISO_IR 192",
        QueryRetrieveLevel="PATIENT",
        PatientID="PID001",
        PatientName="lefèvre*",
    )
    assert len(matches) == 1
    assert matches[0].SpecificCharacterSet == "ISO_IR 192"
    assert str(matches[0].PatientName) == "Lefèvre^Zoé"


def test_patient_root_goes_from_patient_to_image(archive: Archive) -> None:
    upper = {"PatientID": "PID001", "StudyInstanceUID": "2.25.4242.1"}
    status, patients = ask(
        archive, PATIENT_ROOT, QueryRetrieveLevel="PATIENT", NumberOfPatientRelatedStudies=""
    )
    assert (status, [one.PatientID for one in patients]) == (0, ["PID001", "PID002", "PID003"])
    assert [one.NumberOfPatientRelatedStudies for one in patients] == [1, 1, 1]
    _, images = ask(
        archive,
        PATIENT_ROOT,
        QueryRetrieveLevel="IMAGE",
        SeriesInstanceUID="2.25.4242.1.2",
        InstanceNumber="",
        **upper,
    )
    assert [one.InstanceNumber for one in images] == [1, 2]


@pytest.mark.parametrize(
    ("model", "keys"),
    [
        (STUDY_ROOT, {"QueryRetrieveLevel": "PATIENT"}),
        (STUDY_ROOT, {"QueryRetrieveLevel": "FRAME"}),
        (STUDY_ROOT, {"QueryRetrieveLevel": "SERIES"}),
        (STUDY_ROOT, {"QueryRetrieveLevel": "IMAGE", "StudyInstanceUID": "2.25.4242.1"}),
        (PATIENT_ROOT, {"QueryRetrieveLevel": "STUDY"}),
        (PATIENT_ROOT, {"QueryRetrieveLevel": "STUDY", "PatientID": "PID*"}),
    ],
)
def test_a_query_outside_the_hierarchy_is_refused(
    archive: Archive, model: str, keys: dict[str, str]
) -> None:
    """PS3.4 section C.4.1.2.2.1: upper unique keys are single values; A900 says they do not fit."""
    assert ask(archive, model, **keys) == (0xA900, [])


def test_dcmtk_finds_by_list_range_and_wildcard(archive: Archive, tmp_path: Path) -> None:
    def studies(name: str, *keys: str) -> list[str]:
        wanted = [part for key in keys for part in ("-k", key)]
        level = ("-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID")
        found = findscu(archive, tmp_path / name, *level, *wanted)
        return sorted(one.StudyInstanceUID for one in found)

    everything = ["2.25.4242.1", "2.25.4242.2", "2.25.4242.3"]
    assert studies("all") == everything
    assert studies("list", "StudyInstanceUID=2.25.4242.1\\2.25.4242.3") == everything[::2]
    assert studies("range", "StudyDate=20200101-20210630") == everything[:2]
    assert studies("wild", "StudyDescription=*PROSTATE") == everything[::2]
    assert studies("modality", "ModalitiesInStudy=SR") == everything[1:2]
    assert studies("none", "AccessionNumber=ACC9") == []


def test_dcmtk_finds_images_of_a_series(archive: Archive, tmp_path: Path) -> None:
    keys = [
        "QueryRetrieveLevel=IMAGE",
        "StudyInstanceUID=2.25.4242.1",
        "SeriesInstanceUID=2.25.4242.1.1",
        "SOPInstanceUID",
        "InstanceNumber=2",
    ]
    arguments = [part for key in keys for part in ("-k", key)]
    (found,) = findscu(archive, tmp_path / "images", "-S", *arguments)
    assert found.SOPInstanceUID == "2.25.4242.1.1.2"


def test_the_request_log_counts_and_holds_no_identity(
    files: list[Path], node_of: NodeOf, select: Select
) -> None:
    with Archive(files, "HOSPITAL") as archive:
        echo(node_of(archive))
        find_studies(node_of(archive), select())
        assert archive.log == (Request("C-ECHO"), Request("C-FIND", "STUDY", 2))
        assert "PID" not in repr(archive.log)
