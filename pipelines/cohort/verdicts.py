"""Verdicts by command: list the sampled pairs, accept or reject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from config.errors import ConfigurationError
from config.library import find_project
from config.settings import Settings
from pipelines.catalogue.database import open_research
from pipelines.cohort.actions import actions
from pipelines.cohort.review import project_gate, record_decision, review_items
from pipelines.store import ResearchStore

__all__ = ["keep_verdicts", "list_pairs"]


def list_pairs(settings: Settings, project: str) -> dict[str, Any]:
    """Return the sampled pairs of a project and the gate over them."""
    chosen = find_project(project, settings.config_root)
    catalogue = open_research(settings)
    try:
        return {
            "gate": project_gate(catalogue, chosen).as_json(),
            "to_do": [
                asdict(one) for one in actions(ResearchStore(settings), catalogue, chosen.name)
            ],
            "pairs": [asdict(item) for item in review_items(catalogue, chosen.name)],
        }
    finally:
        catalogue.close()


def keep_verdicts(
    settings: Settings,
    project: str,
    reader: str | None,
    accept: Sequence[str],
    reject: str | None,
    reasons: Sequence[str],
) -> None:
    """Keep one reader's verdicts.

    Raises
    ------
    ConfigurationError
        ``REVIEW_READER_MISSING``, or what `record_decision` raises.
    """
    if not reader:
        raise ConfigurationError("REVIEW_READER_MISSING")
    name = find_project(project, settings.config_root).name
    catalogue = open_research(settings)
    try:
        for digest in accept:
            record_decision(catalogue, name, digest, reader=reader, verdict="accept")
        if reject is not None:
            record_decision(
                catalogue, name, reject, reader=reader, verdict="reject", reasons=reasons
            )
    finally:
        catalogue.close()
