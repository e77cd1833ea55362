"""The account of a project: every row asked with its outcome, every series with its verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from config.codes import explain_code
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import Decision, Pack, SeriesResult, StudyRow
from pipelines.cohort.review import review_items

__all__ = ["ProjectAccount", "RowAccount", "SeriesAccount", "account_of"]

DELIVERED = frozenset({"PASS", "REVIEW"})


@dataclass(frozen=True)
class SeriesAccount:
    """One output volume or one refused series."""

    row_id: str
    site: str
    volume_id: str | None
    role: str | None
    verdict: str
    codes: tuple[str, ...]
    manifest: dict[str, Any]
    folder: str
    rejected: bool

    @property
    def delivered(self) -> bool:
        """Whether the volume goes into a release."""
        is_made = self.volume_id is not None and self.verdict in DELIVERED
        return is_made and not self.rejected


@dataclass(frozen=True)
class RowAccount:
    """One asked study and what became of it, in words."""

    row_id: str
    site: str
    subject: str | None
    outcome: str
    acquired_as: str
    code: str
    detail: str
    expected: int
    received: int
    quarantined: dict[str, int]
    volumes: int
    refused_series: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the row with its sentences, as ``requests.parquet`` holds it."""
        words = explain_code(self.code)
        return {
            "row_id": self.row_id,
            "site": self.site,
            "subject": self.subject,
            "outcome": self.outcome,
            "acquired_as": self.acquired_as,
            "code": self.code,
            "detail": self.detail,
            "sentence_en": words.en,
            "sentence_fr": words.fr,
            "next_en": words.next_en,
            "next_fr": words.next_fr,
            "expected": self.expected,
            "received": self.received,
            "quarantined": sorted(f"{c}={n}" for c, n in self.quarantined.items()),
            "volumes": self.volumes,
            "refused_series": list(self.refused_series),
        }


@dataclass(frozen=True)
class ProjectAccount:
    """Everything a release, a report and ``status`` say of a project."""

    project: str
    rows: tuple[RowAccount, ...]
    series: tuple[SeriesAccount, ...]
    simulated: bool
    packs: dict[str, str] = field(default_factory=dict)


def account_of(catalogue: Catalogue, project: str) -> ProjectAccount:
    """Return the account of a project, in a fixed order."""
    with catalogue.session() as session:
        rows = session.scalars(select(StudyRow).where(StudyRow.project == project)).all()
        series = session.scalars(select(SeriesResult).where(SeriesResult.project == project)).all()
        packs = session.scalars(select(Pack).where(Pack.project == project)).all()
        decisions = session.scalars(
            select(Decision).where(Decision.project == project).order_by(Decision.decision_id)
        ).all()
        session.expunge_all()
    last = {(d.pack_sha256, d.reader): d for d in decisions}
    rejected = {i.volume_id for i in review_items(catalogue, project) if i.state.bad}
    accounts = tuple(
        SeriesAccount(
            s.row_id,
            s.site,
            s.volume_id,
            s.role,
            s.verdict,
            tuple(s.codes),
            dict(s.manifest),
            s.folder,
            s.volume_id in rejected,
        )
        for s in sorted(series, key=lambda s: (s.row_id, s.ordinal))
    )
    return ProjectAccount(
        project,
        tuple(_row(r, accounts) for r in sorted(rows, key=lambda r: (r.site, r.row_id))),
        accounts,
        any(d.simulated for d in last.values()),
        {p.volume_id: p.sha256 for p in packs},
    )


def _row(row: StudyRow, series: tuple[SeriesAccount, ...]) -> RowAccount:
    mine = [s for s in series if s.row_id == row.row_id]
    delivered = [s for s in mine if s.delivered]
    outcome, code = row.outcome, row.code
    if delivered and row.outcome == "harmonised":
        outcome = "released"
    elif row.outcome == "harmonised":
        outcome = "rejected"
    return RowAccount(
        row.row_id,
        row.site,
        row.subject,
        outcome,
        row.acquired_as,
        code or outcome.upper(),
        row.detail,
        row.expected,
        row.received,
        dict(row.quarantined),
        len(delivered),
        tuple(sorted(c for s in mine if s.verdict not in DELIVERED for c in s.codes)),
    )
