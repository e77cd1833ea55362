"""What the pages ask of the research zone."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sqlalchemy import select

from config.errors import ConfigurationError, RejectedError
from config.library import find_project, names
from config.project import Project
from config.settings import Settings
from pipelines.access.people import Person
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import Decision
from pipelines.cohort.gate import Gate
from pipelines.cohort.packs import ReviewPack, load_pack
from pipelines.cohort.review import project_gate
from pipelines.store import ResearchStore
from portal.blinding import Blinding, Shown
from portal.exams import Exams, Hung
from portal.pairs import Pair, Pairs

__all__ = ["ProjectCard", "Rooms"]

OPEN_PACKS = 16
"""Pairs kept open as memory maps; a reader turns through one and prefetches the next."""

KNOWN = 4096
"""Tokens and roles kept in mind, so that a frame costs no query."""


@dataclass(frozen=True)
class ProjectCard:
    """One project as the first page shows it; no gate when its settings cannot be read."""

    name: str
    title: str
    gate: Gate | None
    simulated: bool
    waiting: int = 0
    to_settle: int = 0


class Rooms:
    """The queries behind the pages."""

    def __init__(self, settings: Settings, catalogue: Catalogue, blinding: Blinding) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._blinding = blinding
        self._exams = Exams(catalogue)
        self._pairs = Pairs(catalogue, blinding, self._role)
        self._packs = ResearchStore(settings).packs
        self._open = lru_cache(maxsize=OPEN_PACKS)(load_pack)
        self._roles = lru_cache(maxsize=KNOWN)(self._read_role)
        self._known: OrderedDict[str, Shown] = OrderedDict()

    @property
    def packs_root(self) -> Path:
        """Where the packs lie."""
        return self._packs

    def project_names(self) -> list[str]:
        """Return every project of this installation, by name."""
        return list(names("projects", self._settings.config_root))

    def cards(self, person: Person) -> list[ProjectCard]:
        """Return the projects a person works on: what they read for, to others all."""
        every = self.project_names()
        mine = every if person.has("officer", "engineer") else [p for p in every if person.reads(p)]
        return [self._card(name, person) for name in mine]

    def project(self, name: str) -> Project | None:
        """Return a project by its exact name; a path or a pattern is not a name."""
        if name not in self.project_names():
            return None
        return find_project(name, self._settings.config_root)

    def pairs(self, project: Project, person: Person) -> list[Pair]:
        """Return what a reader is shown of a project; see `Pairs.of`."""
        return self._pairs.of(project, person)

    def find(self, project: Project, person: Person, token: str) -> Pair | None:
        """Return what a token stands for to this reader; its frames are asked for next."""
        pair = next((p for p in self.pairs(project, person) if p.token == token), None)
        if pair is not None and pair.open:
            self._remember(self._together(pair))
        return pair

    def wall(self, pair: Pair) -> tuple[int, list[Hung]]:
        """Return how the exam of a pair hangs; see `Exams.wall`."""
        if not pair.shown.exam:
            return 1, []
        recipe = self.pack(pair.shown.sha256).header.recipe
        return self._exams.wall(pair.shown, pair.original, recipe, self._role)

    def _together(self, pair: Pair) -> list[Shown]:
        """Return all that the page of a pair shows."""
        beside = [one.shown for one in self.wall(pair)[1]]
        return [pair.shown, *beside, *([pair.reference] if pair.reference else [])]

    def _remember(self, together: list[Shown]) -> None:
        for shown in together:
            self._known[self._blinding.token(shown)] = shown
        while len(self._known) > KNOWN:
            self._known.popitem(last=False)

    def seen(self, name: str, person: Person, token: str) -> Shown | None:
        """Return what a token shows to this reader, if that was found before."""
        found = self._known.get(token)
        is_mine = found is not None and (found.project, found.reader) == (name, person.name)
        return found if is_mine else None

    def shown(self, name: str, person: Person, token: str) -> Shown | None:
        """Return what a token shows to this reader: a pair, or what stands beside one."""
        project = self.project(name)
        if project is None:
            return None
        for pair in self.pairs(project, person):
            together = self._together(pair) if pair.open else []
            found = next((one for one in together if self._blinding.token(one) == token), None)
            if found is not None:
                self._remember(together)
                return found
        return None

    def pack(self, sha256: str) -> ReviewPack:
        """Return a pair; its pixels stay on disk.

        Raises
        ------
        RejectedError
            ``PACK_UNREADABLE``, also for one that was removed while it was open.
        """
        if not (self._packs / sha256).is_dir():
            self._open.cache_clear()
            raise RejectedError("PACK_UNREADABLE", "removed")
        return self._open(self._packs, sha256)

    def _card(self, name: str, person: Person) -> ProjectCard:
        try:
            project = find_project(name, self._settings.config_root)
        except ConfigurationError:
            return ProjectCard(name, name, None, simulated=False)
        mine = self.pairs(project, person) if person.reads(name) else []
        return ProjectCard(
            name,
            project.title or name,
            project_gate(self._catalogue, project),
            self._is_simulated(name),
            sum(p.waits and not p.settles for p in mine),
            sum(p.settles for p in mine),
        )

    def _is_simulated(self, project: str) -> bool:
        query = select(Decision.decision_id).where(
            Decision.project == project, Decision.simulated.is_(True)
        )
        with self._catalogue.session() as session:
            return session.scalar(query.limit(1)) is not None

    def _role(self, sha256: str) -> str | None:
        return self._roles(sha256) if (self._packs / sha256).is_dir() else None

    def _read_role(self, sha256: str) -> str | None:
        try:
            return load_pack(self._packs, sha256).header.role
        except RejectedError:
            return None
