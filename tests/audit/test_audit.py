"""The audit names the file, the place and the kind, and never the value."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

import cli
from config.errors import EnvironmentFault
from pipelines.audit.findings import AuditReport
from pipelines.audit.folder import audit_folder
from pipelines.progress import Silent
from tests.audit.conftest import original, part10, released

Folders = Callable[[Any, Any], tuple[Path, Path]]


def audited(folders: Folders, after: Any, before: Any) -> AuditReport:
    return audit_folder(*folders(after, before), Silent())


def kinds(report: AuditReport) -> set[tuple[str, str]]:
    return {(finding.place, finding.kind) for finding in report.findings}


def private(value: bytes) -> Dataset:
    ds = released()
    ds.private_block(0x0029, "LAB", create=True).add_new(0x10, "OB", value)
    return ds


def icon() -> Dataset:
    inner = Dataset()
    inner.BitsAllocated = 8
    inner.PixelData = b"Quincampoix Maelle"
    return released(IconImageSequence=[inner])


def deep() -> Dataset:
    inner, outer = Dataset(), Dataset()
    inner.CodeMeaning = "IRM de QUINCAMPOIX, Maelle"
    outer.ViewModifierCodeSequence = [inner]
    return released(ViewCodeSequence=[outer])


def compressed() -> Dataset:
    ds = released()
    frame = b"\xff\xd8\xff\xfe\x00\x15Quincampoix Maelle\xff\xda\x00\x02xx\xff\xd9"
    ds.PixelData = encapsulate([frame + b"\0" * (len(frame) % 2)])
    ds["PixelData"].VR = "OB"
    return ds


def test_a_clean_release_has_no_finding(folders: Folders) -> None:
    report = audited(folders, [released()], [original()])
    assert report.clean
    assert report.needles > 20


@pytest.mark.parametrize(
    ("after", "place", "kind"),
    [
        (released(StudyDescription="IRM Maëlle QUINCAMPOIX"), "<(0008,1030)>", "name"),
        (released(StudyDescription="maelle, quincampoix"), "<(0008,1030)>", "name"),
        (released(ImageComments="adressée par TREVIERES"), "<(0020,4000)>", "name part"),
        (released(ImageComments="IPP 8001234567"), "<(0020,4000)>", "number"),
        (released(ImageComments="au 05.56.12.34.56"), "<(0020,4000)>", "number"),
        (released(ImageComments="née le 12 mars 1957"), "<(0020,4000)>", "birth date"),
        (released(ImageComments="née le 12/03/57"), "<(0020,4000)>", "birth date"),
        (released(ImageComments="vue à Pellegrin CHU, au CHU Pellegrin"), "<(0020,4000)>", "place"),
        (released(ImageComments="le 5 avril 2018"), "<(0020,4000)>", "date"),
        (released(FrameOfReferenceUID="1.2.826.0.1.99.2"), "<(0020,0052)>", "UID"),
        (released(SeriesDate="20180405"), "<(0008,0021)>", "date not moved"),
        (private("Quincampoix^Maëlle".encode("utf-16-le")), '<(0029,"LAB",10)>', "name"),
        (icon(), "<(0088,0200)>[<0000>]<(7FE0,0010)>", "name"),
        (deep(), "<(0054,0220)>[<0000>]<(0054,0222)>[<0000>]<(0008,0104)>", "name"),
    ],
)
def test_a_survivor_is_found_where_it_is(
    folders: Folders, after: Dataset, place: str, kind: str
) -> None:
    assert (place, kind) in kinds(audited(folders, [after], [original()]))


def test_bytes_of_no_element_are_searched(folders: Folders) -> None:
    data = bytearray(part10(released()))
    data[:18] = b"Quincampoix^Maelle"
    found = kinds(audited(folders, [bytes(data)], [original()]))
    assert {("byte 0", "preamble not zero"), ("byte 0", "name")} <= found


def test_bytes_after_the_pixels_are_searched(folders: Folders) -> None:
    after = released(PixelData=bytes(range(256)) + b"Quincampoix^Maelle")
    found = audited(folders, [after], [original()]).findings
    assert [finding.kind for finding in found].count("name") == 1


def test_a_comment_segment_of_a_codestream_is_searched(folders: Folders) -> None:
    data = part10(compressed(), "1.2.840.10008.1.2.4.50")
    found = audited(folders, [data], [original()]).findings
    assert "name" in {finding.kind for finding in found}


def test_any_originals_identity_is_a_finding_in_any_file(folders: Folders) -> None:
    """The audit does not need to know whose a file is."""
    other = original(PatientName="Bréville^Zoé", PatientID="7001112223")
    after = released(PatientID="S-9999999999", ImageComments="Bréville Zoé")
    found = kinds(audited(folders, [released(), after], [original(), other]))
    assert ("<(0020,4000)>", "name") in found


def test_a_moved_date_that_another_patient_really_had_is_no_finding(folders: Folders) -> None:
    mine = original(PixelData=bytes(range(255, -1, -1)))
    other = original(PatientName="Bréville^Zoé", PatientID="7001112223", StudyDate="20170101")
    other.PixelData = bytes([7, 9] * 128)
    after = released(PixelData=mine.PixelData, ImageComments="20170101")
    report = audited(folders, [after], [mine, other])
    assert report.clean


def test_a_file_name_is_searched_too(folders: Folders) -> None:
    out, source = folders([released()], [original()])
    (out / "0.dcm").rename(out / "quincampoix_maelle.dcm")
    assert ("name", "name") in kinds(audit_folder(out, source, Silent()))


def test_a_file_that_is_no_dicom_is_searched_too(folders: Folders) -> None:
    out, source = folders([released()], [original()])
    (out / "report.json").write_text('{"who": "Quincampoix, Maëlle"}', encoding="utf-8")
    assert ("byte 0", "name") in {(p.split(" ", 2)[0] + " 0", k) for p, k in kinds(
        audit_folder(out, source, Silent())) if k == "name"}  # fmt: skip


@pytest.mark.parametrize(
    ("after", "place", "kind"),
    [
        (released(PatientIdentityRemoved="NO"), "<(0012,0062)>", "identity not said to be removed"),
        (released(DeidentificationMethodCodeSequence=[]), "<(0012,0064)>", "no method codes"),
        (released(BurnedInAnnotation="YES"), "<(0028,0301)>", "burned-in annotation"),
        (released(FrameOfReferenceUID="1.2.826.9.9"), "<(0020,0052)>", "UID of another root"),
        (released(SeriesDate="00010101"), "<(0008,0021)>", "date that is none"),
        (released(OperatorsName="Doe^John"), "<(0008,1070)>", "person name"),
        (released(ImageComments="a@b.fr"), "<(0020,4000)>", "mail address"),
        (released(ImageComments="255081416802538"), "<(0020,4000)>", "NIR"),
        (private(b"x"), '<(0029,"LAB",10)>', "private element"),
    ],
)
def test_without_originals_the_structure_is_looked_at(
    folders: Folders, after: Dataset, place: str, kind: str
) -> None:
    out, _ = folders([after], [])
    assert (place, kind) in kinds(audit_folder(out, None, Silent()))


def test_a_truncated_file_is_a_finding(folders: Folders) -> None:
    out, _ = folders([part10(released())[:-40]], [])
    assert "unreadable from here" in {kind for _, kind in kinds(audit_folder(out, None, Silent()))}


def test_an_empty_folder_is_not_called_clean(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="NO_DICOM_FOUND"):
        audit_folder(tmp_path, None, Silent())


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def command(*words: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["accordage", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        return int(left.value.code or 0), capsys.readouterr().out

    return command


def test_the_command_exits_1_on_a_finding_and_shows_no_value(run: Any, folders: Folders) -> None:
    out, source = folders([released(ImageComments="Quincampoix 8001234567")], [original()])
    for words in (
        ("audit", out, "--against", source),
        ("audit", out, "--against", source, "--json"),
    ):
        code, said = run(*words)
        assert code == 1
        assert "uincampoix" not in said
        assert "8001234567" not in said
    assert json.loads(said)["by_kind"] == {"name part": 1, "number": 1}


def test_the_command_exits_0_when_nothing_is_found(run: Any, folders: Folders) -> None:
    out, source = folders([released()], [original()])
    code, said = run("audit", out, "--against", source, "--json")
    assert (code, json.loads(said)["findings"]) == (0, [])
