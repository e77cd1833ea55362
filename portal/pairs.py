"""What a reader is shown of a project: pairs, controls among them, matches after them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import select

from config.project import Project
from pipelines.access.people import Person
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import ControlRead
from pipelines.cohort.controls import controls, spoilt_of
from pipelines.cohort.review import ReviewItem, review_items
from pipelines.cohort.site_match import matches
from pipelines.cohort.strata import site_and_role
from portal.blinding import Blinding, Kind, Shown
from portal.exams import Exams

__all__ = ["Pair", "Pairs"]


@dataclass(frozen=True)
class Pair:
    """One pair, or one control among them, as a reader may know it; ``role`` None if damaged.

    ``open`` is what this reader may still read; ``settles`` what they may end a dispute of.
    ``original`` is the pair it is, or is made of; ``reference`` what it is compared with.
    """

    token: str
    shown: Shown
    role: str | None
    done: bool
    open: bool
    settles: bool = False
    original: str = ""
    reference: Shown | None = None

    @property
    def waits(self) -> bool:
        """Whether the reader has still to read or to settle it."""
        return self.open and (not self.done or self.settles)


@dataclass(frozen=True)
class _Reader:
    """A reader of a project, and what is known when they knock."""

    project: Project
    person: Person
    items: list[ReviewItem]
    exams: Mapping[str, str]
    controls_read: frozenset[tuple[str, str]]

    @property
    def matched(self) -> frozenset[str]:
        """The pairs of which the reader compared the sides with another site's image."""
        return frozenset(sha256 for kind, sha256 in self.controls_read if kind == "match")

    def knows(self, item: ReviewItem) -> bool:
        """Return whether the reader may have learnt from a comparison what stands where."""
        site = site_and_role(item.stratum)[0]
        is_reference = site == self.project.review.reference_site
        return item.sha256 in self.matched or (is_reference and bool(self.matched))

    def shown(self, sha256: str, kind: Kind = "pair", exam: str = "", beside: str = "") -> Shown:
        return Shown(self.project.name, self.person.name, sha256, kind, exam, beside)


class Pairs:
    """The pairs of each reader.

    Parameters
    ----------
    role_of : callable
        Returns the role of a pack by its digest, None for a damaged one.
    """

    def __init__(
        self, catalogue: Catalogue, blinding: Blinding, role_of: Callable[[str], str | None]
    ) -> None:
        self._catalogue = catalogue
        self._blinding = blinding
        self._role_of = role_of
        self._exams = Exams(catalogue)

    def of(self, project: Project, person: Person) -> list[Pair]:
        """Return what a reader is shown of a project, in an order of their own.

        The order is that of tokens, which tells nothing of sites; repeats come last, so that they
        come after what they repeat. What is compared with the reference site comes when all that is
        done, and from then on a verdict stands.
        """
        reader = _Reader(
            project,
            person,
            review_items(self._catalogue, project.name),
            self._exams.of(project.name),
            self._controls_read(project.name, person.name),
        )
        made = [self._pair(reader, item) for item in reader.items]
        if any(pair.done or (pair.open and not pair.settles) for pair in made):
            made += self._controls(reader)  # where nothing is read there are none
        made.sort(key=lambda pair: (pair.shown.kind == "repeat", pair.token))
        if project.review.reference_site is None:
            return made
        ready = any(pair.done for pair in made) and not any(pair.waits for pair in made)
        return made + self._matches(reader, project.review.reference_site, ready=ready)

    def _pair(self, reader: _Reader, item: ReviewItem) -> Pair:
        shown = reader.shown(item.sha256, exam=reader.exams.get(item.sha256, ""))
        role, is_known = self._role_of(item.sha256), reader.knows(item)
        mine = reader.person.name in item.verdicts
        is_missing = len(item.verdicts) < reader.project.review.readers and not is_known
        wanted = not reader.matched if mine else is_missing
        settles = reader.person.senior and item.disputed and not mine and not is_known
        token = self._blinding.token(shown)
        is_open = role is not None and (wanted or settles)
        return Pair(token, shown, role, mine, is_open, settles and is_open, item.sha256)

    def _controls(self, reader: _Reader) -> list[Pair]:
        spoilt = spoilt_of(self._catalogue, reader.project.name)
        original = {copy: digest for digest, copy in spoilt.items()}
        made = []
        for control in controls([item.sha256 for item in reader.items], spoilt):
            digest = original.get(control.sha256, control.sha256)
            shown = reader.shown(control.sha256, control.kind, reader.exams.get(digest, ""))
            done = (control.kind, control.sha256) in reader.controls_read
            role = self._role_of(control.sha256)
            is_open = role is not None and not reader.matched
            token = self._blinding.token(shown)
            made.append(Pair(token, shown, role, done, is_open, original=digest))
        return made

    def _matches(self, reader: _Reader, site: str, *, ready: bool) -> list[Pair]:
        asked = [(item.sha256, item.stratum) for item in reader.items]
        made = []
        for match in matches(asked, site, reader.person.name):
            shown = reader.shown(match.sha256, "match")
            reference = reader.shown(match.reference, "reference", beside=match.sha256)
            role, done = self._role_of(match.sha256), match.sha256 in reader.matched
            usable = role is not None and self._role_of(match.reference) is not None
            token, original = self._blinding.token(shown), match.sha256
            is_open = usable and ready
            made.append(
                Pair(token, shown, role, done, is_open, original=original, reference=reference)
            )
        return sorted(made, key=lambda pair: pair.token)

    def _controls_read(self, project: str, reader: str) -> frozenset[tuple[str, str]]:
        chosen = select(ControlRead.kind, ControlRead.pack_sha256).where(
            ControlRead.project == project, ControlRead.reader == reader
        )
        with self._catalogue.session() as session:
            return frozenset((row.kind, row.pack_sha256) for row in session.execute(chosen))
