"""A release's proof without its twin, for tests that claim nothing of it."""

from __future__ import annotations

from config.policy import Policy
from pipelines.audit.scorer.score import Score
from pipelines.cohort.twin_proof import TwinProof

__all__ = ["no_twin"]


def no_twin(policy: Policy, name: str) -> TwinProof:
    """Return the proof of a twin of no object."""
    return TwinProof(0, policy.name, name, Score(0, 0, [], ()))
