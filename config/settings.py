"""Where this installation keeps its two zones, its databases and its engines."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from config.base import Frozen
from config.errors import ConfigurationError
from config.loader import load_yaml
from config.oidc import Oidc

__all__ = ["Settings", "load_settings"]


class Settings(Frozen):
    """One installation; made once by the command line and passed down."""

    home: Path
    """Home folder; both zones lie under it unless named apart."""
    identified_root: Path
    """Root of the identified zone (mode 0700, at the hospital)."""
    research_root: Path
    """Root of the research zone."""
    identified_url: str
    """SQLAlchemy URL of the identified zone's catalogue."""
    research_url: str
    """SQLAlchemy URL of the research zone's catalogue."""
    dask_address: str | None = None
    """Address of a Dask scheduler; none starts a local cluster where one is worth it."""
    prefect_api_url: str | None = None
    """URL of a Prefect server; none starts one on loopback."""
    jobs: int = Field(default=2, ge=1)
    """Worker processes for harmonising on this machine."""
    count_floor: int = Field(default=10, ge=10)
    """Fewest subjects that a feasibility count tells; it can only be raised."""
    two_officers_from: int | None = Field(default=None, ge=1)
    """Subjects from which on a request needs two data officers; none asks for one always."""
    vault_key_folder: Path | None = None
    """Folder of the vault's at-rest keys; none keeps them with the identified zone's secrets."""
    oidc: Oidc | None = None
    """Identity provider whose users the portal lets in; none for its own accounts alone."""

    @property
    def config_root(self) -> Path:
        """Folder of this installation's own sites, projects, policies, recipes and signatures."""
        return self.home / "config"


class _File(Frozen):
    """``settings.yaml`` of the home folder: every field may be left out."""

    identified_root: Path | None = None
    research_root: Path | None = None
    identified_url: str | None = None
    research_url: str | None = None
    dask_address: str | None = None
    prefect_api_url: str | None = None
    jobs: int | None = Field(default=None, ge=1)
    count_floor: int = Field(default=10, ge=10)
    two_officers_from: int | None = Field(default=None, ge=1)
    vault_key_folder: Path | None = None
    oidc: Oidc | None = None


def load_settings(home: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of ``home``: environment first, then ``settings.yaml``, then defaults.

    Database URLs hold passwords, so they may come from ``ACCORDAGE_IDENTIFIED_URL`` and
    ``ACCORDAGE_RESEARCH_URL``.

    Raises
    ------
    ConfigurationError
        When ``settings.yaml`` is not valid.
    """
    env = os.environ if environ is None else environ
    root = (home or Path(env.get("ACCORDAGE_HOME") or "~/.accordage")).expanduser().absolute()
    path = root / "settings.yaml"
    file = load_yaml(path, _File) if path.exists() else _File()
    identified = file.identified_root or root / "identified"
    research = file.research_root or root / "research"
    return Settings(
        home=root,
        identified_root=identified,
        research_root=research,
        identified_url=env.get("ACCORDAGE_IDENTIFIED_URL")
        or file.identified_url
        or f"sqlite:///{identified / 'catalogue.sqlite'}",
        research_url=env.get("ACCORDAGE_RESEARCH_URL")
        or file.research_url
        or f"sqlite:///{research / 'catalogue.sqlite'}",
        dask_address=env.get("ACCORDAGE_DASK_ADDRESS") or file.dask_address,
        prefect_api_url=env.get("PREFECT_API_URL") or file.prefect_api_url,
        vault_key_folder=_folder(env.get("ACCORDAGE_VAULT_KEY_FOLDER")) or file.vault_key_folder,
        jobs=_jobs(env.get("ACCORDAGE_JOBS")) or file.jobs or min(2, os.cpu_count() or 1),
        count_floor=file.count_floor,
        two_officers_from=file.two_officers_from,
        oidc=file.oidc,
    )


def _folder(text: str | None) -> Path | None:
    return Path(text).expanduser().absolute() if text else None


def _jobs(text: str | None) -> int | None:
    """Return the number of worker processes the environment asks for, if it does."""
    if not text:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise ConfigurationError("CONFIG_INVALID", "ACCORDAGE_JOBS: a whole number from 1")
    return int(text)
