"""Lists that were handed in: every line ends in a named outcome, and none is silently changed."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import yaml
from openpyxl import Workbook

from config.asked import AskedList
from config.errors import ConfigurationError, TransientError
from config.project import Project
from config.settings import load_settings
from config.site import PacsNode
from pipelines.acquire.archive import Archive, Faults
from pipelines.acquire.archive.synthetic import SyntheticStudy, entries_of
from pipelines.acquire.asked.lines import Line, read_lines
from pipelines.acquire.asked.receipt import accept, proposed, receipt, receipt_csv
from pipelines.acquire.asked.repair import proposals
from pipelines.acquire.resolve import resolve
from pipelines.acquire.retrieve import retrieve
from pipelines.workspace import Workspace, open_workspace


def lines(path: Path, **settings: object) -> list[Line]:
    return list(read_lines(path, AskedList.model_validate({"file": path, **settings})))


def write(folder: Path, text: str, encoding: str = "utf-8", name: str = "list.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_list_is_read_as_french_and_english_spreadsheets_write_it(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    text = "Numéro d'examen,IPP,Date d'examen\n00123,P7,31/01/2024\n".replace(",", delimiter)
    (line,) = lines(write(tmp_path, text, encoding))
    assert line == Line(2, "00123", "P7", "20240131")


def test_what_excel_wrote_to_keep_zeros_is_what_it_says(tmp_path: Path) -> None:
    (line,) = lines(write(tmp_path, 'accession;date\n"=""00123""";20240131\n'))
    assert (line.accession, line.study_date) == ("00123", "20240131")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("1.23457E+11,,", "scientific"),
        ("1,23,31/01/24", "date"),
        ("AB*,,", "character"),
        ("?,,", "character"),
        ("12345678901234567,,", "longer than 16"),
        (",,20240131", "no accession"),
        ("---,,", "no letter"),
        ("1,,2024-02-31", "date"),
    ],
)
def test_nonsense_is_named_and_kept(tmp_path: Path, row: str, problem: str) -> None:
    (line,) = lines(write(tmp_path, f"accession,patient,date\n{row}\n"))
    assert problem in line.problem
    assert "1.23457" not in repr(line)


def test_empty_lines_are_no_lines_and_numbers_are_those_of_the_file(tmp_path: Path) -> None:
    found = lines(write(tmp_path, "accession,patient\n1,\n,\n\n2,\n"))
    assert [(one.number, one.accession) for one in found] == [(2, "1"), (5, "2")]


def test_a_quotation_mark_that_swallows_lines_stops_with_its_place(tmp_path: Path) -> None:
    path = write(tmp_path, 'accession\n1\n"2\n3\n4\n')
    with pytest.raises(ConfigurationError, match="not closed"):
        lines(path)


@pytest.mark.parametrize("heading", ["", "name,birth\n", "accession,Accession\n"])
def test_a_list_without_a_known_column_is_refused(tmp_path: Path, heading: str) -> None:
    with pytest.raises(ConfigurationError, match="LIST_"):
        lines(write(tmp_path, heading + "1,2\n" if heading else ""))


def test_a_column_may_be_named_in_the_settings(tmp_path: Path) -> None:
    path = write(tmp_path, "dossier\n77\n")
    assert lines(path, accession="Dossier")[0].accession == "77"
    with pytest.raises(ConfigurationError, match="accession: not there"):
        lines(path, accession="numero")


def workbook(folder: Path, rows: list[list[object]], number_format: str = "General") -> Path:
    book = Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(row)
    for row in sheet.iter_rows(min_row=2, max_col=1):
        row[0].number_format = number_format
    path = folder / "list.xlsx"
    book.save(path)
    return path


def test_an_excel_number_has_lost_its_zeros_and_its_format_may_show_them(tmp_path: Path) -> None:
    path = workbook(tmp_path, [["accession", "date"], [123, date(2024, 1, 31)]], "00000000")
    assert lines(path) == [Line(2, "123", "", "20240131", "", "00000123")]


def test_excel_text_stays_as_it_is_and_long_numbers_are_refused(tmp_path: Path) -> None:
    rows = [["accession"], ["00123"], [1234567890123456789], [1.5], [None], ["x y"]]
    found = lines(workbook(tmp_path, rows))
    assert [(one.number, one.accession, bool(one.problem)) for one in found] == [
        (2, "00123", False),
        (3, found[1].accession, True),
        (4, "1.5", True),
        (6, "x y", False),
    ]


def test_what_is_no_spreadsheet_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "not a zip", name="list.xlsx")
    with pytest.raises(ConfigurationError, match="LIST_UNREADABLE"):
        lines(path)
    with pytest.raises(ConfigurationError, match="no such sheet"):
        lines(workbook(tmp_path, [["accession"], ["1"]]), sheet="other")


def test_repairs_come_in_the_order_of_their_evidence() -> None:
    made = proposals("123", "000123", (8,), [10, 8])
    assert [one.number for one in made] == ["000123", "00000123", "0000000123"]
    assert "123" not in repr(made[0])
    assert proposals("00000123", "", (8,), []) == []
    assert [one.number for one in proposals("77.0", "", (), [])] == ["77"]
    assert [one.number for one in proposals("ab 12", "", (), [])] == ["ab12", "AB 12"]


# The hospital: ten-digit-free, eight-digit accession numbers with leading zeros.
STUDIES = [
    SyntheticStudy("2.25.501", "0017", "00000101", "20210105"),
    SyntheticStudy("2.25.502", "0018", "00000102", "20210106"),
    SyntheticStudy("2.25.503", "0018", "00000103", "20210107"),
    SyntheticStudy("2.25.504", "0019", "00000104", "20210108", modality="MR"),
    SyntheticStudy("2.25.505", "0020", "TWICE", "20210109"),
    SyntheticStudy("2.25.506", "0021", "TWICE", "20210110"),
    SyntheticStudy("2.25.507", "0022", "00000107", "20210111"),
]

Home = Callable[..., Workspace]


@pytest.fixture
def home(tmp_path: Path, request: pytest.FixtureRequest) -> Home:
    """Open an installation that asks one archive for what a list says."""

    def make(text: str, faults: Faults | None = None, **site: object) -> Workspace:
        archive = Archive(
            [], "LISTED", faults=faults, entries=[e for s in STUDIES for e in entries_of(s)]
        )
        archive.__enter__()
        request.addfinalizer(lambda: archive.__exit__(None, None, None))
        path = write(tmp_path, text)
        pacs = {"ae_title": "LISTED", "host": "127.0.0.1", "port": archive.port,
                "methods": ["c-get"], "retry_wait_s": 0, "retries": 0}  # fmt: skip
        project = {
            "name": "p", "sites": ["s"], "policy": "research-longitudinal", "recipe": "native",
            "select": {"modality": "CT", "study_date": "2021-01-01..2021-12-31"},
            "list": {"file": str(path)}, "delivery": {"expires": "2030-12-31"},
        }  # fmt: skip
        files = {"sites/s": {"name": "s", "pacs": pacs, **site}, "projects/p": project}
        for name, content in files.items():
            target = tmp_path / "home" / "config" / f"{name}.yaml"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(yaml.safe_dump(content), encoding="utf-8")
        opened = open_workspace(load_settings(tmp_path / "home", {}))
        ws = opened.__enter__()
        request.addfinalizer(lambda: opened.__exit__(None, None, None))
        return ws

    return make


def go(ws: Workspace, *, fetch: bool = True) -> list[tuple[int, str, str]]:
    resolve(ws, ws.project("p"), ws.site("s"))
    if fetch:
        retrieve(ws, ws.project("p"), ws.site("s"))
    return [(one.line, one.outcome, one.code) for one in receipt(ws.ledger, "p")]


def test_every_line_ends_in_a_named_outcome(home: Home) -> None:
    ws = home(
        "accession,patient,date\n"
        "00000101,,\n"  # 2: there
        "00000102,18,\n"  # 3: the patient's zeros are lost, and it is the same
        "00000103,0099,\n"  # 4: another patient's
        "00000104,,\n"  # 5: MR, not selected
        "TWICE,,\n"  # 6: two studies
        "TWICE,0021,\n"  # 7: one of them
        "99999999,,\n"  # 8: nobody's
        "***,,\n"  # 9: nonsense
        "00000107,,20200101\n"  # 10: another date
        ",0018,\n"  # 11: a patient with two studies
    )
    assert go(ws) == [
        (2, "complete", "COMPLETE"),
        (3, "complete", "COMPLETE"),
        (4, "refused", "ASKED_OTHER_PATIENT"),
        (5, "filtered", "ASKED_NOT_SELECTED"),
        (6, "ambiguous", "ASKED_AMBIGUOUS"),
        (7, "complete", "COMPLETE"),
        (8, "not_found", "ASKED_NOT_FOUND"),
        (9, "refused", "ASKED_UNUSABLE"),
        (10, "refused", "ASKED_OTHER_PATIENT"),
        (11, "complete", "COMPLETE"),
    ]
    answers = list(csv.DictReader(receipt_csv(ws.ledger, "p").splitlines()))
    assert [row["studies"] for row in answers if row["line"] == "11"] == ["2"]
    assert all(row["sentence_fr"] and row["next_en"] for row in answers)


def test_lost_zeros_are_proposed_with_evidence_and_changed_by_a_person_only(home: Home) -> None:
    ws = home("accession\n00000101\n102\n107\n888\n")
    assert go(ws) == [
        (2, "complete", "COMPLETE"),
        (3, "not_found", "ASKED_PROPOSED"),
        (4, "not_found", "ASKED_PROPOSED"),
        (5, "not_found", "ASKED_NOT_FOUND"),
    ]
    waiting = proposed(ws.ledger, "p")
    assert [(p.line, p.given, p.proposal) for p in waiting] == [
        (3, "102", "00000102"),
        (4, "107", "00000107"),
    ]
    assert waiting[0].evidence == "lines that were found have 8 digits"
    assert accept(ws.ledger, "p", [3], "C. Martin") == 1
    assert go(ws)[1:3] == [(3, "complete", "COMPLETE"), (4, "not_found", "ASKED_PROPOSED")]


def test_a_site_that_says_how_long_its_numbers_are_needs_no_found_line(home: Home) -> None:
    ws = home("accession\n102\n", identifiers={"accession_digits": [8]})
    assert go(ws) == [(2, "not_found", "ASKED_PROPOSED")]
    assert proposed(ws.ledger, "p")[0].evidence == "the site writes 8 digits"


def test_a_pacs_that_ignores_the_accession_number_is_stopped_at_once(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.acquire.asked.resolve_list._IGNORED", 5)
    ws = home("accession\n1\n2\n", Faults(ignored_keys=frozenset({"AccessionNumber"})))
    with pytest.raises(ConfigurationError, match="PACS_KEY_IGNORED"):
        go(ws)


def test_a_run_that_was_cut_goes_on_where_it_was(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.acquire.asked.resolve_list.BATCH", 2)
    ws = home("accession\n00000101\n00000102\n00000107\n999\n")
    from pipelines.acquire import resolve as module

    asked: list[str] = []
    whole = module.find_by

    def failing(node: object, keys: object, **options: object) -> object:
        queries = list(keys)  # type: ignore[call-overload]
        if len(asked) == 2:
            asked.append("")
            raise TransientError("PACS_ABORTED")
        asked.extend(q["AccessionNumber"] for q in queries)
        return whole(node, queries, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "find_by", failing)
    with pytest.raises(TransientError):
        go(ws)
    assert [one.outcome for one in receipt(ws.ledger, "p")].count("not_asked") == 2
    assert [outcome for _, outcome, _ in go(ws)] == ["complete"] * 3 + ["not_found"]
    assert asked[:5] == ["00000101", "00000102", "", "00000107", "999"], "no line twice"


def test_a_line_one_site_has_is_not_missing_at_another(home: Home) -> None:
    from pipelines.catalogue.identified import AskedRow

    ws = home("accession\n00000101\n")
    go(ws)
    with ws.ledger.session() as session:
        row = session.query(AskedRow).one()
        facts = {c.name: getattr(row, c.name) for c in row.__table__.columns}
        other = facts | {"site": "a", "state": "not_found", "code": "ASKED_NOT_FOUND"}
        session.add(AskedRow(**other))
    assert [(one.site, one.outcome) for one in receipt(ws.ledger, "p")] == [("s", "complete")]


def test_a_site_column_directs_the_line_and_an_unknown_site_is_named(home: Home) -> None:
    ws = home("accession,site\n00000101,S\n00000102,elsewhere\n")
    assert go(ws) == [(2, "complete", "COMPLETE"), (3, "refused", "ASKED_UNUSABLE")]


def test_a_patient_with_more_studies_than_the_pacs_gives_at_once_loses_none(tmp_path: Path) -> None:
    """30 studies of one patient, nine answers a query."""
    from pipelines.acquire.clock import SystemClock
    from pipelines.acquire.resolve import _asker

    many = [
        SyntheticStudy(f"2.25.52{n}", "0042", f"B{n}", f"2021{1 + n % 12:02}15", instances=1)
        for n in range(30)
    ]
    entries = [e for s in many for e in entries_of(s, with_pixels=False)]
    with Archive([], "MANY", faults=Faults(max_answers=9), entries=entries) as archive:
        node = PacsNode(ae_title="MANY", host="127.0.0.1", port=archive.port)
        project = Project.model_validate({
            "name": "p", "sites": ["s"], "policy": "strict", "recipe": "native",
            "select": {"modality": "CT", "study_date": "2021-01-01..2021-12-31"},
            "delivery": {"expires": "2030-12-31"},
        })  # fmt: skip
        ask, _ = _asker(node, SystemClock(), project)
        (found,) = ask([{"PatientID": "0042"}])
    assert {s.study_uid for s in found} == {s.study_uid for s in many}


def test_a_receipt_prints_no_number_of_the_list(home: Home) -> None:
    ws = home("accession\n00000101\n102\n")
    go(ws, fetch=False)
    text = receipt_csv(ws.ledger, "p") + repr(list(receipt(ws.ledger, "p")))
    assert "00000101" not in text
    assert "102" not in text
