"""Both zones of one installation, opened together: the embedded default."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from config.errors import ConfigurationError
from config.files import sweep_partial
from config.library import find_policy, find_project, find_recipe, find_signatures, find_site
from config.policy import Policy
from config.project import Project
from config.recipe import Recipe
from config.settings import Settings
from config.signature import Signature
from config.site import Site
from pipelines.catalogue import identified, research
from pipelines.catalogue.database import Catalogue, open_identified, open_research
from pipelines.engine import Engine
from pipelines.progress import Progress, Silent, StageAccount
from pipelines.quiet import hush
from pipelines.store import SECRET_BYTES, IdentifiedStore, ResearchStore, read_secret

__all__ = ["Workspace", "open_workspace"]


@dataclass
class Workspace:
    """Settings, stores, catalogues and the engine, passed down to every stage."""

    settings: Settings
    identified: IdentifiedStore
    research: ResearchStore
    ledger: Catalogue
    catalogue: Catalogue
    engine: Engine
    progress: Progress

    def project(self, name: str) -> Project:
        """Return a project by name or file."""
        return find_project(name, self.settings.config_root)

    def site(self, name: str) -> Site:
        """Return a site by name or file."""
        return find_site(name, self.settings.config_root)

    def policy(self, project: Project) -> Policy:
        """Return the project's de-identification policy."""
        return find_policy(project.policy, self.settings.config_root)

    def signatures(self) -> tuple[Signature, ...]:
        """Return what is known of where devices write into their images."""
        return find_signatures(self.settings.config_root)

    def recipe(self, project: Project) -> Recipe:
        """Return the project's recipe."""
        return find_recipe(project.recipe, self.settings.config_root)

    def project_secret(self, project: str) -> bytes:
        """Return what the sites of a project share (UIDs, dates), made on first use."""
        return self.identified.secret(f"project-{project}")

    def site_secret(self, site: Site) -> bytes:
        """Return the site's secret: from its own file, else the zone's."""
        if site.secret_file is not None:
            return read_secret(site.secret_file)
        return self.identified.secret(f"site-{site.name}")

    def hub_secret(self, project: str) -> bytes:
        """Return the hub's own secret, made on first use: only it turns tokens into subjects."""
        return self.research.secret(f"project-{project}")

    def linkage_secret(self, site: Site) -> bytes:
        """Return what sites and the trusted third party share; never made here.

        Raises
        ------
        ConfigurationError
            ``SECRET_MISSING``, ``SECRET_READABLE`` or ``SECRET_TOO_SHORT``.
        """
        path = site.linkage.secret_file or self.identified.root / "secrets" / "linkage.key"
        secret = read_secret(path)
        if len(secret) < SECRET_BYTES:
            raise ConfigurationError("SECRET_TOO_SHORT", f"{len(secret)} bytes", file=path)
        return secret

    @cached_property
    def signing_seed(self) -> bytes:
        """Return the 32 bytes from which the zone's Ed25519 signing key is made."""
        return self.identified.secret("signing")

    def row_id(self, project: str, site: str, study_uid: str) -> str:
        """Return the keyed name of an asked study: it says nothing, and is always the same."""
        text = f"row\0{project}\0{site}\0{study_uid}".encode()
        digest = hmac.new(self.project_secret(project), text, hashlib.sha256).hexdigest()
        return f"R-{digest[:16]}"

    def keep_account(self, account: StageAccount) -> None:
        """Write a stage's account into the catalogue of the zone it worked in."""
        in_ledger = account.stage in {"resolve", "retrieve", "import", "deidentify"}
        table = identified.StageRun if in_ledger else research.StageRun
        with (self.ledger if in_ledger else self.catalogue).session() as session:
            session.add(
                table(
                    project=account.project,
                    site=account.site,
                    stage=account.stage,
                    started_at=account.started_at,
                    seconds=account.seconds,
                    done=account.done,
                    skipped=account.skipped,
                    refused=sum(account.refused.values()),
                )
            )


@contextmanager
def open_workspace(
    settings: Settings, progress: Progress | None = None, *, sweep: bool = True
) -> Iterator[Workspace]:
    """Yield the workspace of an installation, swept of what a killed process left.

    Raises
    ------
    EnvironmentFault
        When a zone cannot be made or a catalogue cannot be opened.
    """
    hush()
    here, there = IdentifiedStore(settings), ResearchStore(settings)
    here.prepare(sweep=sweep)
    there.prepare(sweep=sweep)
    ledger, catalogue = open_identified(settings), open_research(settings)
    engine = Engine(settings)
    try:
        yield Workspace(settings, here, there, ledger, catalogue, engine, progress or Silent())
    finally:
        engine.close()
        ledger.close()
        catalogue.close()
        if sweep:
            # A worker outlives a killed run by a moment: what it left came after the first look.
            sweep_partial(here.root)
            sweep_partial(there.root)
