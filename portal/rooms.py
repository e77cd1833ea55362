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
from pipelines.catalogue.research import ControlRead, Decision
from pipelines.cohort.controls import controls, spoilt_of
from pipelines.cohort.gate import Gate
from pipelines.cohort.packs import ReviewPack, load_pack
from pipelines.cohort.review import ReviewItem, project_gate, review_items
from pipelines.store import ResearchStore
from portal.blinding import Blinding, Shown

__all__ = ["Pair", "ProjectCard", "Rooms"]

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


@dataclass(frozen=True)
class Pair:
    """One pair, or one control among them, as a reader may know it; ``role`` None if damaged.

    ``open`` is what this reader may still read; ``settles`` what they may end a dispute of.
    """

    token: str
    shown: Shown
    role: str | None
    done: bool
    open: bool
    settles: bool = False


class Rooms:
    """The queries behind the pages."""

    def __init__(self, settings: Settings, catalogue: Catalogue, blinding: Blinding) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._blinding = blinding
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
        """Return what a reader is shown of a project, in an order of their own.

        The order is that of tokens, which tells nothing of sites; repeats come last, so that they
        come after what they repeat.
        """
        items = review_items(self._catalogue, project.name)
        read = self._controls_read(project.name, person.name)
        spoilt = spoilt_of(self._catalogue, project.name)
        made = [self._pair(item, project, person) for item in items]
        if not any(pair.done or (pair.open and not pair.settles) for pair in made):
            return sorted(made, key=lambda pair: pair.token)  # nothing to read, so no controls
        for control in controls([item.sha256 for item in items], spoilt):
            shown = Shown(project.name, person.name, control.sha256, control.kind)
            done = (control.kind, control.sha256) in read
            role = self._role(control.sha256)
            made.append(Pair(self._blinding.token(shown), shown, role, done, role is not None))
        return sorted(made, key=lambda pair: (pair.shown.kind == "repeat", pair.token))

    def find(self, project: Project, person: Person, token: str) -> Pair | None:
        """Return what a token stands for to this reader; its frames are asked for next."""
        pair = next((p for p in self.pairs(project, person) if p.token == token), None)
        if pair is not None and pair.open:
            self._known[token] = pair.shown
            while len(self._known) > KNOWN:
                self._known.popitem(last=False)
        return pair

    def seen(self, name: str, person: Person, token: str) -> Shown | None:
        """Return what a token shows to this reader, if that was found before."""
        found = self._known.get(token)
        is_mine = found is not None and (found.project, found.reader) == (name, person.name)
        return found if is_mine else None

    def shown(self, name: str, person: Person, token: str) -> Shown | None:
        """Return what a token shows to this reader."""
        project = self.project(name)
        pair = self.find(project, person, token) if project else None
        return pair.shown if pair is not None and pair.open else None

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

    def _pair(self, item: ReviewItem, project: Project, person: Person) -> Pair:
        shown = Shown(project.name, person.name, item.sha256)
        role = self._role(item.sha256)
        mine = person.name in item.verdicts
        wanted = mine or len(item.verdicts) < project.review.readers
        settles = person.senior and item.disputed and not mine
        is_open = role is not None and (wanted or settles)
        token = self._blinding.token(shown)
        return Pair(token, shown, role, mine, is_open, settles and role is not None)

    def _controls_read(self, project: str, reader: str) -> set[tuple[str, str]]:
        chosen = select(ControlRead.kind, ControlRead.pack_sha256).where(
            ControlRead.project == project, ControlRead.reader == reader
        )
        with self._catalogue.session() as session:
            return {(kind, sha256) for kind, sha256 in session.execute(chosen)}

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
            sum(p.open and not p.done and not p.settles for p in mine),
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
