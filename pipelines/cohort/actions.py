"""What rejects ask for: the reasons of readers as things to do, and who holds what is recalled."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from pipelines.catalogue.database import Catalogue
from pipelines.cohort.review import review_items
from pipelines.store import ResearchStore
from pipelines.withdraw.holdings import holders

__all__ = ["Action", "actions", "reason_table"]

Kind = Literal["rerun", "stop", "ingest", "recall"]

ORDER: tuple[Kind, ...] = ("recall", "stop", "ingest", "rerun")
"""The most urgent first."""


@dataclass(frozen=True)
class Action:
    """One thing to do in one stratum.

    ``held_by`` are the versions that hold a volume whose patient may be recognised.
    """

    kind: Kind
    reason: str
    stratum: str
    volumes: tuple[str, ...]
    held_by: tuple[int, ...]
    en: str
    fr: str


def actions(store: ResearchStore, catalogue: Catalogue, project: str) -> list[Action]:
    """Return what the standing rejects of a project ask for, the most urgent first."""
    asked: dict[tuple[str, str], list[str]] = defaultdict(list)
    for item in review_items(catalogue, project):
        if item.state.bad:
            for reason in item.reasons:
                asked[reason, item.stratum].append(item.volume_id)
    made = []
    for (reason, stratum), volumes in asked.items():
        row = reason_table()[reason]
        held: set[int] = set()
        if row["kind"] == "recall":
            held = {v for one in volumes for v in holders(store, catalogue, project, one)}
        made.append(
            Action(
                row["kind"],
                reason,
                stratum,
                tuple(sorted(volumes)),
                tuple(sorted(held)),
                row["en"],
                row["fr"],
            )
        )
    return sorted(made, key=lambda one: (ORDER.index(one.kind), one.stratum, one.reason))


@cache
def reason_table() -> dict[str, dict[str, Any]]:
    """Return the action of each reason."""
    text = files(__package__).joinpath("actions.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))
