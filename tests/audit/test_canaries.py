"""The canary probe: the twin through the real flow, under the policies that are shipped."""

from __future__ import annotations

import pytest

from config.library import find_policy
from pipelines.audit.scorer.score import Score, score
from pipelines.audit.twin.cohort import make_twin
from pipelines.cohort.twin_proof import release_twin


@pytest.fixture(scope="module", params=["basic", "research-longitudinal"])
def made(request: pytest.FixtureRequest) -> Score:
    policy = find_policy(request.param)
    twin = make_twin(20260101)
    after = release_twin(twin, policy, b"published key of the canary test")
    key = {one.name: one.key for one in twin}
    before = {one.name: one.data for one in twin}
    return score(key, before, after, frozenset(policy.options))


def test_no_planted_string_survives(made: Score) -> None:
    assert made.planted >= 1000
    assert [(leak.name, leak.planted, leak.kind) for leak in made.leaks] == []


def test_every_removal_check_passes(made: Score) -> None:
    assert [fault for fault in made.faults if fault[2] == "<text_removed>"] == []
    assert made.removal == 1.0


def test_what_must_stay_stays(made: Score) -> None:
    assert made.retention >= 0.9995, made.faults


def test_the_codes_say_what_ran(made: Score) -> None:
    assert made.validity == 1.0


def test_only_what_must_be_refused_is_refused(made: Score) -> None:
    """A capture with text burned in, two codestreams that name the patient, the directory."""
    assert len(made.refused) <= 4
    assert "DICOMDIR" in made.refused
