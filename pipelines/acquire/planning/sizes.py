"""How large a study will be: by what this PACS has sent or listed, else by a table."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml
from sqlalchemy import func, select

from pipelines.acquire.pacs import ExpectedInstance
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.identified import ReceivedObject, RequestRow, StudyPlan

__all__ = ["HEADER_BYTES", "Sizes", "listed_bytes"]

HEADER_BYTES = 4096
"""What an object holds beside its pixels, with private elements."""
_WHOLE = ("complete", "complete_after_retry")
LEAST_HISTORY = 30
"""Objects of a modality that must have come before their mean counts."""
TYPICAL_INSTANCES = 200
"""Instances of a study of which the PACS tells no number and which has not been listed."""


def listed_bytes(expected: list[ExpectedInstance]) -> int:
    """Return the size of a listed study by its images' dimensions; 0 when one is not told."""
    told = [one.pixel_bytes for one in expected]
    if not told or None in told:
        return 0
    return sum(size + HEADER_BYTES for size in told if size is not None)


class Sizes:
    """What a study of one site will weigh."""

    def __init__(self, ledger: Catalogue, site: str) -> None:
        obj = ReceivedObject
        came = (
            select(obj.study_uid, func.sum(obj.size).label("bytes"), func.count().label("number"))
            .where(obj.site == site)
            .group_by(obj.study_uid)
            .subquery()
        )
        query = (
            select(
                StudyPlan.modality,
                func.sum(came.c.number),
                func.sum(came.c.bytes),
                func.sum(StudyPlan.bytes),
            )
            .join(RequestRow, RequestRow.row_id == StudyPlan.row_id)
            .join(came, came.c.study_uid == RequestRow.study_uid)
            .where(RequestRow.site == site, RequestRow.outcome.in_(_WHOLE))
            .group_by(StudyPlan.modality)
        )
        sampled = (
            select(StudyPlan.modality, func.sum(StudyPlan.bytes), func.sum(RequestRow.expected))
            .join(RequestRow, RequestRow.row_id == StudyPlan.row_id)
            .where(RequestRow.site == site, StudyPlan.bytes > 0, RequestRow.expected > 0)
            .group_by(StudyPlan.modality)
        )
        with ledger.session() as session:
            rows = [row for row in session.execute(query) if row[1] >= LEAST_HISTORY]
            listed = session.execute(sampled).all()
        self._listed = {str(name): float(size) / int(n) for name, size, n in listed}
        self._mean = {str(name): float(size) / int(n) for name, n, size, _ in rows}
        self._ratio = {str(name): float(size) / int(told) for name, _, size, told in rows if told}

    def of(self, modality: str, instances: int, listed: int) -> int:
        """Return the bytes of a study.

        By its images' dimensions, times what compression left of them in what has come so far;
        else by the mean of what has come, or of what was listed; else by the table.
        """
        if listed:
            return round(listed * min(1.0, self._ratio.get(modality, 1.0)))
        seen = self._mean.get(modality) or self._listed.get(modality)
        mean = seen or _table().get(modality) or _table()["other"]
        return round((instances or TYPICAL_INSTANCES) * mean)


@cache
def _table() -> dict[str, int]:
    text = files(__package__).joinpath("sizes.yaml").read_text(encoding="utf-8")
    return {str(name): int(size) for name, size in yaml.safe_load(text).items()}
