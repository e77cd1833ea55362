"""Settings come from the environment, then the home folder's file, then defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import ConfigurationError
from config.settings import load_settings


def test_both_zones_lie_under_one_home_by_default(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {})
    assert settings.identified_root == tmp_path / "identified"
    assert settings.research_url == f"sqlite:///{tmp_path}/research/catalogue.sqlite"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("research_url: sqlite:///b.sqlite\njobs: 3\n")
    env = {"ACCORDAGE_RESEARCH_URL": "postgresql://u:p@127.0.0.1/r"}
    settings = load_settings(tmp_path, env)
    assert settings.research_url == "postgresql://u:p@127.0.0.1/r"
    assert settings.jobs == 3


@pytest.mark.parametrize("jobs", ["abc", "0", "-1", "1.5"])
def test_a_number_of_workers_that_is_none_is_refused(tmp_path: Path, jobs: str) -> None:
    with pytest.raises(ConfigurationError, match="ACCORDAGE_JOBS: a whole number from 1"):
        load_settings(tmp_path, {"ACCORDAGE_JOBS": jobs})


def test_a_typo_in_the_settings_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("\nreserch_url: x\n")
    with pytest.raises(ConfigurationError, match=r"settings.yaml:2: reserch_url"):
        load_settings(tmp_path, {})
