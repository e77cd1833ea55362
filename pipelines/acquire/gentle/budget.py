"""What a night has taken so far, read from the log of events, and what is left of its budget."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from config.kindness import GB, Budget
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.identified import PacsEvent

__all__ = ["Left", "left_of"]


@dataclass(frozen=True)
class Left:
    """Bytes and studies that may still be taken; None where there is no limit."""

    bytes: int | None
    studies: int | None

    def holds(self, expected_bytes: int) -> bool:
        """Tell whether one more study of this size fits."""
        fits = self.bytes is None or expected_bytes <= self.bytes
        return fits and (self.studies is None or self.studies >= 1)

    @property
    def spent(self) -> bool:
        """Whether nothing at all may be taken any more."""
        return (self.bytes is not None and self.bytes <= 0) or self.studies == 0


def left_of(ledger: Catalogue, site: str, budget: Budget, night: float) -> Left:
    """Return what is left of a night's budget.

    Parameters
    ----------
    night : float
        Start of the night (seconds since 1970); everything since counts, also what was reserved
        by a process that was killed.
    """
    if budget.gb_per_night is None and budget.studies_per_night is None:
        return Left(None, None)
    query = select(func.sum(PacsEvent.bytes), func.sum(PacsEvent.studies)).where(
        PacsEvent.site == site, PacsEvent.at >= night
    )
    with ledger.session() as session:
        taken_bytes, taken_studies = session.execute(query).one()
    whole = None if budget.gb_per_night is None else round(budget.gb_per_night * GB)
    studies = budget.studies_per_night
    return Left(
        None if whole is None else max(0, whole - int(taken_bytes or 0)),
        None if studies is None else max(0, studies - int(taken_studies or 0)),
    )
