from __future__ import annotations

import pytest
from sqlalchemy import select

from config.errors import ConfigurationError
from config.project import Project
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import Decision, Pack
from pipelines.cohort.review import project_gate, record_decision, review_items

ONE, TWO = "1" * 64, "2" * 64

PROJECT = Project.model_validate(
    {
        "name": "prostate",
        "sites": ["site-a"],
        "select": {"modality": "MR", "study_date": "2020-01-01..2020-12-31"},
        "policy": "basic",
        "recipe": "native",
        "delivery": {"expires": "2030-01-01"},
    }
)


@pytest.fixture(autouse=True)
def _packs(catalogue: Catalogue) -> None:
    with catalogue.session() as session:
        session.add(Pack(project="prostate", sha256=TWO, volume_id="v2", stratum="a / adc"))
        session.add(Pack(project="prostate", sha256=ONE, volume_id="v1", stratum="b / adc"))
        session.add(Pack(project="other", sha256=ONE, volume_id="v1", stratum="b / adc"))


def test_pairs_come_in_a_fixed_order_with_nobody_having_read_them(catalogue: Catalogue) -> None:
    items = review_items(catalogue, "prostate")
    assert [(i.sha256, i.verdicts) for i in items] == [(TWO, {}), (ONE, {})]


def test_a_readers_last_verdict_counts_and_the_first_is_kept(catalogue: Catalogue) -> None:
    record_decision(catalogue, "prostate", ONE, reader="r1", verdict="reject", reasons=["banding"])
    record_decision(catalogue, "prostate", ONE, reader="r2", verdict="accept")
    record_decision(catalogue, "prostate", ONE, reader="r1", verdict="accept")
    assert review_items(catalogue, "prostate")[1].verdicts == {"r1": "accept", "r2": "accept"}
    with catalogue.session() as session:
        assert len(session.scalars(select(Decision)).all()) == 3


def test_a_verdict_of_one_project_is_none_of_another(catalogue: Catalogue) -> None:
    record_decision(catalogue, "other", ONE, reader="r1", verdict="accept")
    assert all(i.verdicts == {} for i in review_items(catalogue, "prostate"))


@pytest.mark.parametrize("reasons", [[], ["because"], ["banding", "because"]])
def test_a_reject_without_a_coded_reason_is_not_kept(
    catalogue: Catalogue, reasons: list[str]
) -> None:
    with pytest.raises(ConfigurationError, match=r"REVIEW_REASON_MISSING.*over-smoothed"):
        record_decision(catalogue, "prostate", ONE, reader="r1", verdict="reject", reasons=reasons)
    assert review_items(catalogue, "prostate")[1].verdicts == {}


def test_a_verdict_on_a_pair_outside_the_sample_is_not_kept(catalogue: Catalogue) -> None:
    with pytest.raises(ConfigurationError, match="REVIEW_UNKNOWN_PACK"):
        record_decision(catalogue, "prostate", "3" * 64, reader="r1", verdict="accept")


def test_the_gate_turns_green_with_the_last_read(catalogue: Catalogue) -> None:
    assert project_gate(catalogue, PROJECT).reasons == ("GATE_UNREAD: 2 of 2 pairs",)
    record_decision(catalogue, "prostate", ONE, reader="r1", verdict="accept")
    assert not project_gate(catalogue, PROJECT).green
    record_decision(catalogue, "prostate", TWO, reader="r1", verdict="accept")
    assert project_gate(catalogue, PROJECT).green


def test_a_pack_that_leaves_the_sample_takes_its_verdict_with_it(catalogue: Catalogue) -> None:
    for sha256 in (ONE, TWO):
        record_decision(catalogue, "prostate", sha256, reader="r1", verdict="accept")
    with catalogue.session() as session:
        found = session.get(Pack, ("prostate", TWO))
        assert found is not None
        session.delete(found)
        session.add(Pack(project="prostate", sha256="4" * 64, volume_id="v2", stratum="a / adc"))
    assert project_gate(catalogue, PROJECT).reasons == ("GATE_UNREAD: 1 of 2 pairs",)
