"""Feasibility counts: one function, on every route, over cells that hold no small number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select

from config.library import find_project
from config.request import Criteria
from config.settings import Settings
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import StudyRow
from pipelines.cohort.strata import strata_of_volumes
from pipelines.requests.cells import (
    FLOOR,
    KEPT_FOR,
    Cell,
    Snapshot,
    load_snapshot,
    save_snapshot,
    take_snapshot,
)

__all__ = ["Count", "count", "count_by_site", "counted", "current_snapshot"]

STEP = 5
"""Counts are rounded down to a multiple of this."""


@dataclass(frozen=True)
class Count:
    """An answer: at least so many subjects; 0 stands for fewer than can be told, none included."""

    at_least: int
    day: date

    @property
    def sentence_en(self) -> str:
        """The answer in English."""
        if not self.at_least:
            return f"fewer than {FLOOR} subjects, or in groups too small to be told"
        return f"at least {self.at_least} subjects (groups of fewer than {FLOOR} are left out)"

    @property
    def sentence_fr(self) -> str:
        """The answer in French."""
        if not self.at_least:
            return f"moins de {FLOOR} sujets, ou des groupes trop petits pour être communiqués"
        return (
            f"au moins {self.at_least} sujets (les groupes de moins de {FLOOR} ne sont pas comptés)"
        )


def count(snapshot: Snapshot, criteria: Criteria) -> Count:
    """Return at least how many subjects of a snapshot meet the criteria.

    Of two queries one of which contains the other, the answers are equal or differ by ten at least:
    a kept cell has ten subjects or more, and rounding down by fives takes none of ten away.
    """
    total = sum(n for cell, n in snapshot.cells.items() if _meets(cell, criteria))
    return Count(total - total % STEP if total >= FLOOR else 0, snapshot.day)


def count_by_site(snapshot: Snapshot, criteria: Criteria) -> dict[str, Count]:
    """Return the answer for each site; their sum tells nothing of what is left out."""
    wanted = criteria.sites or tuple(sorted({cell.site for cell in snapshot.cells}))
    return {
        site: count(snapshot, criteria.model_copy(update={"sites": (site,)})) for site in wanted
    }


def current_snapshot(
    settings: Settings, catalogue: Catalogue, collection: str, today: date
) -> Snapshot:
    """Return the collection's snapshot, taken anew when it is older than `KEPT_FOR`."""
    path = settings.research_root / "feasibility" / f"{collection}.json"
    kept = load_snapshot(path)
    if kept is not None and today - kept.day < KEPT_FOR:
        return kept
    fresh = take_snapshot(collection, _subjects(catalogue, collection), today, settings.count_floor)
    save_snapshot(fresh, path)
    return fresh


def counted(
    settings: Settings, catalogue: Catalogue, criteria: Criteria, today: date
) -> dict[str, Any]:
    """Return the answer to criteria as every route gives it: in all, in words, and by site.

    Raises
    ------
    ConfigurationError
        When there is no such collection.
    """
    collection = find_project(criteria.collection, settings.config_root).name
    snapshot = current_snapshot(settings, catalogue, collection, today)
    answer = count(snapshot, criteria)
    by_site = count_by_site(snapshot, criteria)
    return {
        "at_least": answer.at_least,
        "sentence_en": answer.sentence_en,
        "sentence_fr": answer.sentence_fr,
        "counted_on": answer.day.isoformat(),
        "by_site": {site: one.at_least for site, one in by_site.items()},
    }


def _subjects(catalogue: Catalogue, collection: str) -> list[Cell]:
    """Return the cell of every subject that has a deliverable volume.

    Who was seen at two sites or in two scanners is counted at the first by name.
    """
    with catalogue.session() as session:
        chosen = select(StudyRow.row_id, StudyRow.subject).where(StudyRow.project == collection)
        subject_of = {row_id: subject for row_id, subject in session.execute(chosen) if subject}
    roles: dict[str, set[str]] = {}
    places: dict[str, tuple[str, str, float]] = {}
    for row, _ in strata_of_volumes(catalogue, collection):
        subject = subject_of.get(row.row_id)
        if subject is None:
            continue
        roles.setdefault(subject, set()).add(str(row.role))
        place = (
            row.site,
            str(row.manifest.get("vendor") or ""),
            float(row.manifest.get("field_strength_t") or 0),
        )
        places[subject] = min(place, places.get(subject, place))
    return [Cell(*places[s], tuple(sorted(roles[s]))) for s in sorted(roles)]


def _meets(cell: Cell, criteria: Criteria) -> bool:
    return (
        set(criteria.roles) <= set(cell.roles)
        and (not criteria.sites or cell.site in criteria.sites)
        and (not criteria.vendors or cell.vendor in criteria.vendors)
        and (not criteria.field_strengths_t or cell.field_strength_t in criteria.field_strengths_t)
    )
