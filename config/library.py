"""Find settings files of every kind: the installation's own first, then those shipped."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from config.errors import ConfigurationError
from config.loader import load_yaml
from config.policy import Policy
from config.project import Project
from config.recipe import Recipe
from config.signature import Signature
from config.site import Site

__all__ = [
    "KINDS", "find_policy", "find_project", "find_recipe", "find_signatures", "find_site", "names",
    "resolve",
]  # fmt: skip

KINDS: dict[str, type[BaseModel]] = {
    "sites": Site,
    "projects": Project,
    "policies": Policy,
    "recipes": Recipe,
    "signatures": Signature,
}
"""Folder name -> model of the files in it."""

Model = TypeVar("Model", bound=BaseModel)


def _folders(kind: str, own: Path | None) -> list[Path]:
    shipped = Path(__file__).parent / kind
    return [own / kind, shipped] if own else [shipped]


def names(kind: str, own: Path | None = None) -> list[str]:
    """Return the known names of a kind, sorted."""
    return sorted({p.stem for folder in _folders(kind, own) for p in folder.glob("*.yaml")})


def resolve(kind: str, name: str, own: Path | None = None) -> Path:
    """Return the file of ``name``: a YAML path as given, or a known name.

    Raises
    ------
    ConfigurationError
        ``CONFIG_UNKNOWN_NAME``, listing the names there are.
    """
    if name.endswith((".yaml", ".yml")) or "/" in name:
        return Path(name)
    for folder in _folders(kind, own):
        path = folder / f"{name}.yaml"
        if path.is_file():
            return path
    known = ", ".join(names(kind, own)) or "none"
    raise ConfigurationError("CONFIG_UNKNOWN_NAME", f"{kind}: {name!r}; there are: {known}")


def _find(kind: str, name: str, own: Path | None, model: type[Model]) -> Model:
    return load_yaml(resolve(kind, name, own), model)


def find_site(name: str, own: Path | None = None) -> Site:
    """Return a site by name or file."""
    return _find("sites", name, own, Site)


def find_project(name: str, own: Path | None = None) -> Project:
    """Return a project by name or file."""
    return _find("projects", name, own, Project)


def find_policy(name: str, own: Path | None = None) -> Policy:
    """Return a de-identification policy by name or file."""
    return _find("policies", name, own, Policy)


def find_recipe(name: str, own: Path | None = None) -> Recipe:
    """Return a harmonisation recipe by name or file."""
    return _find("recipes", name, own, Recipe)


def find_signatures(own: Path | None = None) -> tuple[Signature, ...]:
    """Return every device signature, by name; the program ships none (see docs/settings.md)."""
    return tuple(_find("signatures", name, own, Signature) for name in names("signatures", own))
