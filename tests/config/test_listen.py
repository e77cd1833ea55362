"""Who may push what is told by one rule a pair of AE titles, for a project that has the site."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from config.check import check_all
from config.listen import Listen

RULE = {"calling_ae_title": "MR1", "called_ae_title": "NEURO", "project": "prostate-mpmri"}


def test_a_rule_is_found_by_both_titles_and_padding_does_not_matter() -> None:
    listen = Listen.model_validate({"rules": [RULE]})
    rule = listen.rule_of("MR1 ", " NEURO")
    assert rule is not None
    assert rule.project == "prostate-mpmri"
    assert listen.rule_of("MR1", "OTHER") is None
    assert listen.rule_of("OTHER", "NEURO") is None


def test_two_rules_for_one_pair_are_refused() -> None:
    with pytest.raises(ValidationError, match="same calling and called"):
        Listen.model_validate({"rules": [RULE, RULE | {"project": "other"}]})


@pytest.mark.parametrize("hosts", [["10.0.0.0/33"], ["hospital"]])
def test_what_is_no_network_is_refused(hosts: list[str]) -> None:
    with pytest.raises(ValidationError, match="hosts"):
        Listen.model_validate({"rules": [RULE], "hosts": hosts})


@pytest.mark.parametrize(
    ("project", "problem"),
    [("nowhere", "nowhere"), ("prostate-mpmri", "push-site is not a site of prostate-mpmri")],
)
def test_a_rule_whose_project_does_not_fit_is_found_by_the_check(
    tmp_path: Path, project: str, problem: str
) -> None:
    (tmp_path / "sites").mkdir()
    values = {"name": "push-site", "listen": {"rules": [RULE | {"project": project}]}}
    (tmp_path / "sites" / "push-site.yaml").write_text(yaml.safe_dump(values))
    (found,) = check_all(tmp_path)
    assert "push-site.yaml: listen:" in found
    assert problem in found
