"""Do policies, recipes and projects fit together? What only the rooms themselves can answer."""

from __future__ import annotations

from pathlib import Path

from pydicom.datadict import tag_for_keyword

from config.errors import ConfigurationError
from config.library import find_policy, find_project, find_recipe, names, resolve
from config.policy import Policy
from deid.rules import Rules, resolve_policy
from harmonise.study import check_recipe

__all__ = ["misfits", "removed_by"]


PSEUDONYMS = frozenset({"PatientID", "PatientName"})
"""Replaced by the subject, which still tells people apart."""


def misfits(own: Path | None = None) -> list[str]:
    """Return one line a problem: steps no recipe can have, attributes a policy takes away.

    A recipe lists the attributes it requires, and a project whose policy removes one is refused.
    """
    problems = []
    for name in names("recipes", own):
        try:
            check_recipe(find_recipe(name, own))
        except ConfigurationError as error:
            problems.append(f"{resolve('recipes', name, own)}: {error.detail}")
    for name in names("projects", own):
        project = find_project(name, own)
        policy, recipe = find_policy(project.policy, own), find_recipe(project.recipe, own)
        problems += [
            f"{resolve('projects', name, own)}: policy {policy.name!r} removes {keyword}, "
            f"which recipe {recipe.name!r} requires"
            for keyword in removed_by(policy, recipe.requires)
        ]
    return problems


def removed_by(policy: Policy, keywords: tuple[str, ...]) -> list[str]:
    """Return the attributes whose value a policy removes, empties or replaces by a dummy.

    For at least one SOP class, that is: an override may be for one only. A UID that is replaced by
    a keyed one still does its work.
    """
    rules = resolve_policy(policy)
    views = [rules, *(rules.for_class(sop_class) for sop_class in sorted(rules.by_class))]
    return [keyword for keyword in keywords if any(_is_gone(view, keyword) for view in views)]


def _is_gone(rules: Rules, keyword: str) -> bool:
    tag = tag_for_keyword(keyword) or -1
    rule = rules.by_tag.get(tag)
    if rule is None:
        return rules.allowed is not None and tag not in rules.allowed
    return rule.treatment == "act" and keyword not in PSEUDONYMS and rule.basic != "U"
