"""What waits in the reading room: projects with their counts, pairs without their origin."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sqlalchemy import select

from config.errors import ConfigurationError, RejectedError
from config.library import find_project, names
from config.project import Project
from config.settings import Settings
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import Decision
from pipelines.cohort.gate import Gate
from pipelines.cohort.packs import ReviewPack, load_pack
from pipelines.cohort.review import project_gate, review_items
from pipelines.store import ResearchStore
from portal.blinding import Blinding

__all__ = ["Pair", "ProjectCard", "Rooms"]

OPEN_PACKS = 16
"""Pairs kept open as memory maps; a reader turns through one and prefetches the next."""


@dataclass(frozen=True)
class ProjectCard:
    """One project as the first page shows it; no gate when its settings cannot be read."""

    name: str
    title: str
    gate: Gate | None
    simulated: bool


@dataclass(frozen=True)
class Pair:
    """One pair as a reader may know it: no site, no digest on a page; ``role`` None if damaged."""

    token: str
    sha256: str
    role: str | None
    readers: tuple[str, ...]


class Rooms:
    """The queries behind the pages."""

    def __init__(self, settings: Settings, catalogue: Catalogue, blinding: Blinding) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._blinding = blinding
        self._packs = ResearchStore(settings).packs
        self._open = lru_cache(maxsize=OPEN_PACKS)(load_pack)

    @property
    def packs_root(self) -> Path:
        """Where the packs lie."""
        return self._packs

    def cards(self) -> list[ProjectCard]:
        """Return every project of this installation, by name."""
        return [self._card(name) for name in names("projects", self._settings.config_root)]

    def project(self, name: str) -> Project | None:
        """Return a project by its exact name; a path or a pattern is not a name."""
        if name not in names("projects", self._settings.config_root):
            return None
        return find_project(name, self._settings.config_root)

    def pairs(self, project: str) -> list[Pair]:
        """Return a project's pairs in the order of their tokens, which tells nothing of sites."""
        items = review_items(self._catalogue, project)
        pairs = [
            Pair(
                self._blinding.token(project, item.sha256),
                item.sha256,
                self._role(item.sha256),
                tuple(sorted(item.verdicts)),
            )
            for item in items
        ]
        return sorted(pairs, key=lambda pair: pair.token)

    def digest(self, project: str, token: str) -> str | None:
        """Return the digest that a token stands for."""
        for item in review_items(self._catalogue, project):
            if self._blinding.token(project, item.sha256) == token:
                return item.sha256
        return None

    def pack(self, sha256: str) -> ReviewPack:
        """Return a pair; its pixels stay on disk."""
        return self._open(self._packs, sha256)

    def _card(self, name: str) -> ProjectCard:
        try:
            project = find_project(name, self._settings.config_root)
        except ConfigurationError:
            return ProjectCard(name, name, None, simulated=False)
        return ProjectCard(
            name,
            project.title or name,
            project_gate(self._catalogue, project),
            self._is_simulated(name),
        )

    def _is_simulated(self, project: str) -> bool:
        query = select(Decision.decision_id).where(
            Decision.project == project, Decision.simulated.is_(True)
        )
        with self._catalogue.session() as session:
            return session.scalar(query.limit(1)) is not None

    def _role(self, sha256: str) -> str | None:
        try:
            return self.pack(sha256).header.role
        except RejectedError:
            return None
