"""Reading: which pairs wait, what was decided, and the gate over both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import select

from config.errors import ConfigurationError
from config.project import Project
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import Decision, Pack
from pipelines.cohort.gate import IDENTIFIABLE, Gate, PackState, judge_gate
from pipelines.cohort.strata import strata_sizes

__all__ = ["REASONS", "ReviewItem", "project_gate", "recognised", "record_decision", "review_items"]

REASONS = (
    "over-smoothed",
    "anatomy-altered",
    "structure-added",
    "residual-site-contrast",
    "wrong-geometry",
    "banding",
    "clipped-range",
    "identifiable",
)
"""Coded reasons of a reject."""


@dataclass(frozen=True)
class ReviewItem:
    """One sampled pair: the digest of its pack, its stratum, its readers and their reasons."""

    sha256: str
    volume_id: str
    stratum: str
    verdicts: dict[str, str]
    reasons: tuple[str, ...] = ()


def review_items(catalogue: Catalogue, project: str) -> list[ReviewItem]:
    """Return every sampled pair of a project, in a fixed order; a reader's last verdict counts."""
    with catalogue.session() as session:
        packs = session.scalars(
            select(Pack).where(Pack.project == project).order_by(Pack.stratum, Pack.sha256)
        ).all()
        rows = session.scalars(
            select(Decision).where(Decision.project == project).order_by(Decision.decision_id)
        ).all()
        last: dict[str, dict[str, Decision]] = {}
        for row in rows:
            last.setdefault(row.pack_sha256, {})[row.reader] = row
        return [_item(pack, last.get(pack.sha256, {})) for pack in packs]


def _item(pack: Pack, last: dict[str, Decision]) -> ReviewItem:
    said = {reason for row in last.values() for reason in row.reasons}
    verdicts = {reader: row.verdict for reader, row in last.items()}
    return ReviewItem(pack.sha256, pack.volume_id, pack.stratum, verdicts, tuple(sorted(said)))


def record_decision(
    catalogue: Catalogue,
    project: str,
    pack_sha256: str,
    *,
    reader: str,
    verdict: Literal["accept", "reject"],
    reasons: Sequence[str] = (),
    simulated: bool = False,
) -> None:
    """Keep one verdict; it binds to the pixels by the pack's digest.

    Raises
    ------
    ConfigurationError
        ``REVIEW_UNKNOWN_PACK``, or ``REVIEW_REASON_MISSING`` for a reject without a coded reason.
    """
    unknown = sorted(set(reasons) - set(REASONS))
    if unknown or (verdict == "reject" and not reasons):
        raise ConfigurationError("REVIEW_REASON_MISSING", "one of: " + ", ".join(REASONS))
    with catalogue.session() as session:
        if session.get(Pack, (project, pack_sha256)) is None:
            raise ConfigurationError("REVIEW_UNKNOWN_PACK", pack_sha256)
        session.add(
            Decision(
                project=project,
                pack_sha256=pack_sha256,
                reader=reader,
                verdict=verdict,
                reasons=sorted(reasons),
                simulated=simulated,
                decided_at=datetime.now(UTC),
            )
        )


def recognised(catalogue: Catalogue, project: str) -> list[str]:
    """Return the volumes in which a reader recognised the patient."""
    items = review_items(catalogue, project)
    return sorted(i.volume_id for i in items if IDENTIFIABLE in i.reasons)


def project_gate(catalogue: Catalogue, project: Project) -> Gate:
    """Return the gate over a project's sampled pairs."""
    items = review_items(catalogue, project.name)
    states = [PackState(i.sha256, i.stratum, i.verdicts, frozenset(i.reasons)) for i in items]
    return judge_gate(states, project.review, strata_sizes(catalogue, project.name))
