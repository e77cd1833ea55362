"""What people see: units in brackets included, one clear line for an error."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from config.errors import ConfigurationError, RejectedError
from harmonise.manifest import ManifestRow
from pipelines.cohort.release import Released
from pipelines.doctor import Check
from pipelines.progress import StageAccount
from pipelines.render import (
    Bars,
    accounts_table,
    checks_table,
    demo_summary,
    error_lines,
    plan_table,
    status_view,
    volumes_table,
)


def seen(value: object) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(value)
    return console.file.getvalue()


def row(**changes: object) -> ManifestRow:
    facts = dict.fromkeys(ManifestRow.__dataclass_fields__)
    facts |= {"subject": "S-1", "study_uid": "2.25.1", "source_series_uids": (), "codes": ()}
    facts |= {"recipe": "native", "recipe_hash": "0", "verdict": "PASS", **changes}
    return ManifestRow(**facts)


def test_a_unit_in_brackets_is_not_taken_for_markup() -> None:
    text = seen(volumes_table([row(unit="[hnsf'U]", spacing_mm=(None, 0.5, 0.5))], as_json=False))
    assert "[hnsf'U]" in text
    assert "- 0.5 0.5" in text


def test_a_plan_shows_what_is_made_and_what_is_declined_in_few_columns() -> None:
    made = {
        "series_uid": "2.25.12345678901234567890",
        "volume_id": "dwi_b800-1",
        "role": "dwi",
        "b_value": 800.0,
        "geometry": "REGULAR",
        "steps": [{"step": "resample"}, {"step": "low_b_scale"}],
        "codes": [],
    }
    declined = {"series_uid": "2.25.7", "volume_id": None, "role": None, "codes": ["MR_TILT"]}
    text = seen(plan_table([made, declined]))
    for part in ("…1234567890", "dwi b 800", "resample, low_b_scale", "2.25.7", "MR_TILT"):
        assert part in text
    assert "None" not in text


def test_an_error_is_one_line_with_sentence_detail_and_what_to_do() -> None:
    line = error_lines(RejectedError("RELEASE_REFUSED", "GATE_UNREAD: 3 of 9 pairs"))
    assert line.startswith("error: RELEASE_REFUSED: ")
    assert "GATE_UNREAD: 3 of 9 pairs" in line
    assert "\n" not in line


def test_problems_of_a_file_stand_each_on_a_line_of_its_own() -> None:
    error = ConfigurationError("CONFIG_INVALID", "a.yaml:1: x\na.yaml:2: y")
    assert error_lines(error).splitlines()[1:] == ["a.yaml:1: x", "a.yaml:2: y"]


def test_stages_show_what_they_did_and_refused() -> None:
    account = StageAccount("harmonise", "p", "s", done=3, skipped=2, refused={"MR_TILT": 1})
    account.started_at = datetime(2026, 1, 1, tzinfo=UTC)
    text = seen(accounts_table([account], as_json=False))
    assert "harmonise" in text
    assert "MR_TILT 1" in text
    assert accounts_table([account], as_json=True)[0]["skipped"] == 2


def test_status_names_codes_gate_and_releases() -> None:
    project = {
        "project": "p",
        "rows": 2,
        "volumes": 1,
        "outcomes": {"refused": 1, "released": 1},
        "refusals": {"MR_MISSING_SLICE": 1},
        "gate": {"green": False, "reasons": ["GATE_UNREAD: 1 of 1 pairs"]},
        "releases": [{"version": 1}],
    }
    text = seen(status_view({"home": "/h", "disk_free_bytes": 2**30, "projects": [project]}))
    for part in ("MR_MISSING_SLICE", "GATE_UNREAD: 1 of 1 pairs", "release v1", "1.0 GiB free"):
        assert part in text


def test_doctor_says_what_to_mend() -> None:
    checks = [
        Check("disk", fine=False, found="1 GiB", mend="make room"),
        Check("python", fine=True, found="3.11.7", mend="install"),
    ]
    text = seen(checks_table(checks))
    assert "make room" in text
    assert "install" not in text


def test_the_demo_says_where_cohort_and_report_lie() -> None:
    text = seen(demo_summary([Released("p", 1, Path("/c/p/v1"), "ab12", new=True)]))
    assert "/c/p/v1/report.html" in text
    assert "SIMULATED" in text


def test_bars_add_up_over_calls_of_one_stage() -> None:
    with Bars() as bars:
        bars.begin("resolve", 2)
        bars.begin("resolve", 3)
        bars.advance("resolve")
        (task,) = bars._bars.tasks
        assert (task.total, task.completed) == (5, 1)
