"""Check every settings file, and how they fit together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from config.errors import ConfigurationError
from config.library import KINDS, find_policy, find_project, find_recipe, find_site, names, resolve
from config.loader import load_yaml

__all__ = ["check_all", "show"]


def check_all(own: Path | None = None) -> list[str]:
    """Return one line a problem, each with its file; an empty list when all is well."""
    problems: list[str] = []
    for kind, model in KINDS.items():
        for name in names(kind, own):
            path = resolve(kind, name, own)
            try:
                found = load_yaml(path, model)
            except ConfigurationError as error:
                problems += error.detail.splitlines()
                continue
            if getattr(found, "name", name) != path.stem:
                problems.append(f"{path}:1: name: the file must be called like its name")
    if problems:
        return problems
    fits = [p for name in names("projects", own) for p in _fit(name, own)]
    return fits + [p for name in names("sites", own) for p in _fit_rules(name, own)]


def _fit_rules(name: str, own: Path | None) -> list[str]:
    """Return where a push rule names a project that does not exist, or not of this site."""
    path, site = resolve("sites", name, own), find_site(name, own)
    problems = []
    for rule in site.listen.rules if site.listen else ():
        try:
            project = find_project(rule.project, own)
        except ConfigurationError as error:
            problems.append(f"{path}: listen: {error.detail}")
            continue
        if site.name not in project.sites:
            problems.append(f"{path}: listen: {site.name} is not a site of {rule.project}")
    return problems


def _fit(name: str, own: Path | None) -> list[str]:
    """Return where a project names what does not exist."""
    path = resolve("projects", name, own)
    project = find_project(name, own)
    problems = []
    for site in project.sites:
        try:
            find_site(site, own)
        except ConfigurationError as error:
            problems.append(f"{path}: sites: {error.detail}")
    try:
        find_policy(project.policy, own)
        find_recipe(project.recipe, own)
    except ConfigurationError as error:
        problems.append(f"{path}: {error.detail}")
        return problems
    return problems


def show(kind: str, name: str | None, own: Path | None = None) -> Any:
    """Return a settings file with its defaults, or the names of a kind.

    Raises
    ------
    ConfigurationError
        ``CONFIG_UNKNOWN_NAME``.
    """
    if kind not in KINDS:
        raise ConfigurationError("CONFIG_UNKNOWN_NAME", f"{kind!r}; there are: {', '.join(KINDS)}")
    if name is None:
        return names(kind, own)
    return load_yaml(resolve(kind, name, own), KINDS[kind]).model_dump(mode="json")
