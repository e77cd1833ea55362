"""Names resolve to the installation's own file first, then to a shipped one."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.base import fingerprint
from config.check import check_all, show
from config.errors import ConfigurationError
from config.library import find_policy, find_project, find_recipe, find_site, names, resolve


def test_everything_shipped_is_valid_and_fits_together() -> None:
    assert check_all() == []


@pytest.mark.parametrize("name", ["basic", "research-longitudinal", "strict"])
def test_the_shipped_policies_are_found_by_name(name: str) -> None:
    assert find_policy(name).name == name


def test_research_longitudinal_has_the_options_of_the_design() -> None:
    expected = {"113107", "113108", "113109", "113111", "113105", "113104", "113103", "113101"}
    assert set(find_policy("research-longitudinal").options) == expected


@pytest.mark.parametrize("name", ["native", "prostate-mpmri", "mammography"])
def test_the_shipped_recipes_are_found_by_name(name: str) -> None:
    assert find_recipe(name).name == name


def test_an_own_file_comes_before_a_shipped_one(tmp_path: Path) -> None:
    own = tmp_path / "sites"
    own.mkdir()
    (own / "chu-atlas.yaml").write_text("name: chu-atlas\nlabel: Mine\n")
    assert find_site("chu-atlas", tmp_path).label == "Mine"
    assert find_site("chu-atlas").label == "CHU Atlas"


def test_an_unknown_name_lists_the_names_there_are() -> None:
    with pytest.raises(ConfigurationError, match=r"'prostat'; there are: .*prostate-mpmri"):
        find_recipe("prostat")


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    assert resolve("policies", str(tmp_path / "x.yaml")) == tmp_path / "x.yaml"


def test_equal_settings_have_equal_fingerprints_and_others_not() -> None:
    project = find_project("prostate-mpmri")
    again = type(project).model_validate(project.model_dump())
    assert fingerprint(project) == fingerprint(again)
    other = project.model_copy(update={"batch_size": 11})
    assert fingerprint(project) != fingerprint(other)


def test_show_fills_in_defaults() -> None:
    assert show("sites", "chu-atlas")["pacs"]["connect_timeout_s"] == 10
    assert "prostate-mpmri" in show("projects", None)
    assert names("sites") == ["chu-atlas", "chu-boreal", "chu-cyan"]


def test_a_project_that_names_an_unknown_site_is_found(tmp_path: Path) -> None:
    own = tmp_path / "projects"
    own.mkdir()
    text = (Path(resolve("projects", "prostate-mpmri"))).read_text()
    (own / "prostate-mpmri.yaml").write_text(text.replace("chu-cyan", "chu-cyna"))
    (problem,) = check_all(tmp_path)
    assert "chu-cyna" in problem
    assert str(own / "prostate-mpmri.yaml") in problem
