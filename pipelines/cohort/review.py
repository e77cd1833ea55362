"""Reading: which pairs wait, what was decided, and the gate over both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import select

from config.errors import ConfigurationError
from config.project import Project
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import Decision, Pack
from pipelines.cohort.controls import vigilance
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

SETTLED = "settled"
"""The kind of a decision that ends a dispute."""


@dataclass(frozen=True)
class ReviewItem:
    """One sampled pair: the digest of its pack, its stratum, its readers and their reasons."""

    sha256: str
    volume_id: str
    stratum: str
    verdicts: dict[str, str]
    reasons: tuple[str, ...] = ()
    only_on_one: bool = False
    """Whether a reader saw something on one side that is not on the other."""
    settled: str | None = None
    """What a senior reader said of a dispute."""

    @property
    def disputed(self) -> bool:
        """Whether a senior reader must look at it."""
        return self.settled is None and (self.only_on_one or len(set(self.verdicts.values())) > 1)

    @property
    def state(self) -> PackState:
        """What the gate asks of it."""
        return PackState(
            self.sha256,
            self.stratum,
            self.verdicts,
            frozenset(self.reasons),
            self.disputed,
            self.settled,
        )


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
        settled: dict[str, Decision] = {}
        for row in rows:
            if row.kind == SETTLED:
                settled[row.pack_sha256] = row
            else:
                last.setdefault(row.pack_sha256, {})[row.reader] = row
        return [_item(p, last.get(p.sha256, {}), settled.get(p.sha256)) for p in packs]


def _item(pack: Pack, last: dict[str, Decision], settled: Decision | None) -> ReviewItem:
    standing = [settled] if settled else list(last.values())
    said = {reason for row in standing for reason in row.reasons}
    return ReviewItem(
        pack.sha256,
        pack.volume_id,
        pack.stratum,
        {reader: row.verdict for reader, row in last.items()},
        tuple(sorted(said)),
        any(row.answers.get("only_on") for row in last.values()),
        settled.verdict if settled else None,
    )


def record_decision(
    catalogue: Catalogue,
    project: str,
    pack_sha256: str,
    *,
    reader: str,
    verdict: Literal["accept", "reject"],
    reasons: Sequence[str] = (),
    simulated: bool = False,
    answers: Mapping[str, Any] | None = None,
    settles: bool = False,
) -> None:
    """Keep one verdict; it binds to the pixels by the pack's digest.

    Parameters
    ----------
    answers : mapping, optional
        What else the reader was asked: ``preferred``, ``confidence``, ``only_on`` (``before`` or
        ``after``, None), ``mark``, ``guessed``, ``seconds``.
    settles : bool
        The word of a senior reader on what others disagree on.

    Raises
    ------
    ConfigurationError
        ``REVIEW_UNKNOWN_PACK``; ``REVIEW_REASON_MISSING`` for a reject without a coded reason;
        ``REVIEW_NOT_DISPUTED`` for settling what nobody disputes, or what one read oneself.
    """
    unknown = sorted(set(reasons) - set(REASONS))
    if unknown or (verdict == "reject" and not reasons):
        raise ConfigurationError("REVIEW_REASON_MISSING", "one of: " + ", ".join(REASONS))
    if settles:
        items = {item.sha256: item for item in review_items(catalogue, project)}
        item = items.get(pack_sha256)
        if item is None or not item.disputed or reader in item.verdicts:
            raise ConfigurationError("REVIEW_NOT_DISPUTED", pack_sha256)
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
                kind=SETTLED if settles else "read",
                answers=dict(answers or {}),
            )
        )


def recognised(catalogue: Catalogue, project: str) -> list[str]:
    """Return the volumes in which a reader recognised the patient."""
    items = review_items(catalogue, project)
    return sorted(i.volume_id for i in items if i.state.bad and IDENTIFIABLE in i.reasons)


def project_gate(catalogue: Catalogue, project: Project) -> Gate:
    """Return the gate over a project's sampled pairs."""
    items = review_items(catalogue, project.name)
    sizes = strata_sizes(catalogue, project.name)
    noticed = vigilance(catalogue, project.name)
    return judge_gate([i.state for i in items], project.review, sizes, noticed)
