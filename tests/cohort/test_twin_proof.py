"""The proof of a release: the same for the same name, and silent about what was planted."""

from __future__ import annotations

from config.library import find_policy
from pipelines.audit.twin.cohort import make_twin
from pipelines.cohort import twin_proof


def test_the_same_name_gives_the_same_proof_and_another_name_another_twin() -> None:
    policy = find_policy("basic")
    one, again, other = (twin_proof.prove(policy, name) for name in ("a v1", "a v1", "a v2"))
    assert one.as_text() == again.as_text()
    assert one.seed != other.seed


def test_a_proof_holds_no_planted_string() -> None:
    proof = twin_proof.prove(find_policy("research-longitudinal"), "a v1")
    secrets = {s.text for one in make_twin(proof.seed) for s in one.key.secrets}
    said = proof.as_text() + proof.sentence()
    assert not [text for text in secrets if text in said]
