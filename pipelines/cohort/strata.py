"""Strata: what is alike enough for a sample to speak for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import select

from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import SeriesResult
from pipelines.cohort.roles import role_of
from pipelines.prepare.stage_harmonise import DELIVERABLE

__all__ = ["site_and_role", "strata_of_volumes", "strata_sizes", "stratum_of"]

BETWEEN = " / "


def stratum_of(row: SeriesResult) -> str:
    """Return the stratum of a volume: site, role with its b-value, scanner, recipe and model.

    What is made by another recipe, or by an intensity model fitted anew, is another stratum: what
    was read of the former says nothing about it.
    """
    facts = row.manifest
    scanner = " ".join(str(facts.get(name) or "") for name in ("vendor", "model")).split()
    made_by = [str(facts.get(name) or "")[:8] for name in ("recipe_hash", "model_hash")]
    parts = (
        row.site,
        role_of(row.role, facts["b_value"]),
        " ".join(scanner) or "unknown scanner",
        "-".join(part for part in made_by if part),
    )
    return BETWEEN.join(part.replace(BETWEEN, " ") for part in parts)


def site_and_role(stratum: str) -> tuple[str, str]:
    """Return the first two parts of a stratum."""
    site, _, rest = stratum.partition(BETWEEN)
    return site, rest.partition(BETWEEN)[0]


def strata_of_volumes(catalogue: Catalogue, project: str) -> list[tuple[SeriesResult, str]]:
    """Return every deliverable volume or slide of a project, with its stratum."""
    query = select(SeriesResult).where(SeriesResult.project == project)
    with catalogue.session() as session:
        rows = session.scalars(query).all()
        session.expunge_all()
    kept = [row for row in rows if row.verdict in DELIVERABLE and row.volume_id is not None]
    return [(row, stratum_of(row)) for row in kept]


def strata_sizes(catalogue: Catalogue, project: str) -> Mapping[str, int]:
    """Return how many deliverable volumes each stratum has."""
    return Counter(stratum for _, stratum in strata_of_volumes(catalogue, project))
