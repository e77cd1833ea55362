"""A settings file that is wrong is refused with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import ConfigurationError
from config.loader import load_yaml
from config.project import Project
from config.site import Site

PROJECT = """\
name: p
sites: [a]
select:
  modality: MR
  study_date: 2018-01-01..2023-12-31
policy: basic
recipe: native
delivery: {expires: 2027-12-31}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "p.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_whole_project_file_is_read(tmp_path: Path) -> None:
    project = load_yaml(write(tmp_path, PROJECT), Project)
    assert project.select.study_date.first.isoformat() == "2018-01-01"
    assert project.select.study_date.last.isoformat() == "2023-12-31"
    assert project.delivery.formats == ("dicom", "nifti")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (PROJECT + "recipee: native\n", 9, "recipee: not a field of this file"),
        (PROJECT.replace("modality: MR", "modality: MR\n  modalty: CT"), 5, "select.modalty"),
        (PROJECT.replace("expires: 2027-12-31", "expires: tomorrow"), 8, "delivery.expires"),
        (PROJECT.replace("2018-01-01..2023-12-31", "2024-01-01..2023-12-31"), 5, "first day"),
        (PROJECT + "schedule:\n  cron: '0 22 * * 1-5'\n  timezone: Europe/Pari\n", 11, "IANA"),
        (PROJECT + "policy: strict\n", 9, "policy: given twice"),
        (PROJECT.replace("sites: [a]\n", ""), 1, "sites: Field required"),
    ],
)
def test_a_wrong_field_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, says: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        load_yaml(path, Project)
    assert caught.value.code == "CONFIG_INVALID"
    assert f"{path}:{line}: " in str(caught.value)
    assert says in str(caught.value)


def test_every_problem_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, "name: s\npacs: {ae_title: X, host: h, port: 99999}\ncolour: red\n")
    with pytest.raises(ConfigurationError) as caught:
        load_yaml(path, Site)
    assert f"{path}:2: pacs.port" in str(caught.value)
    assert f"{path}:3: colour" in str(caught.value)


def test_what_is_not_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "name: p\nsites: [a\npolicy: basic\n")
    with pytest.raises(ConfigurationError, match=rf"CONFIG_UNREADABLE: {path}:3: "):
        load_yaml(path, Project)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="CONFIG_UNREADABLE"):
        load_yaml(tmp_path / "none.yaml", Project)


def test_an_empty_file_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="name: Field required"):
        load_yaml(write(tmp_path, ""), Project)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_and_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.mktemp("any") / "p.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ConfigurationError):
        load_yaml(path, Project)
