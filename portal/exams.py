"""What hangs beside a pair: the other images of its exam, and the image it is compared with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy import select

from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import ExamView
from pipelines.cohort.hanging import hung, protocol_of
from portal.blinding import Shown

__all__ = ["Exams", "Hung"]


@dataclass(frozen=True)
class Hung:
    """One image of an exam on the wall: where it hangs, and what is shown there."""

    place: str
    shown: Shown


class Exams:
    """The exams of a project's pairs."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def of(self, project: str) -> dict[str, str]:
        """Return digest -> exam of every pack of a project."""
        chosen = select(ExamView.sha256, ExamView.exam).where(ExamView.project == project)
        with self._catalogue.session() as session:
            return {row.sha256: row.exam for row in session.execute(chosen)}

    def wall(
        self, shown: Shown, original: str, recipe: str, role_of: Callable[[str], str | None]
    ) -> tuple[int, list[Hung]]:
        """Return how many images hang side by side, and these, the one that is read among them.

        Parameters
        ----------
        shown : Shown
            What is read.
        original : str
            Digest of the pair that it is, or is a spoilt copy of.
        role_of : callable
            Returns the role of a pack by its digest, None for a damaged one.
        """
        protocol = protocol_of(recipe)
        found = self._views(shown) if protocol is not None else []
        roles = {sha256: role_of(sha256) for sha256, _ in found}
        if protocol is None or roles.get(original) is None:
            return 1, []
        alike = {roles[original]} if protocol.alike else {*roles.values()} - {None}
        rows = [(sha256, place) for sha256, place in found if roles[sha256] in alike]
        read = [sha256 for sha256, _ in rows].index(original)
        order = hung(protocol, [place for _, place in rows], read)
        return protocol.columns, [
            Hung(rows[at][1], shown if at == read else _beside(shown, rows[at][0])) for at in order
        ]

    def _views(self, shown: Shown) -> list[tuple[str, str]]:
        chosen = select(ExamView.sha256, ExamView.place).where(
            ExamView.project == shown.project, ExamView.exam == shown.exam
        )
        with self._catalogue.session() as session:
            return [(row.sha256, row.place) for row in session.execute(chosen.order_by("sha256"))]


def _beside(shown: Shown, sha256: str) -> Shown:
    return replace(shown, sha256=sha256, beside=shown.sha256)
