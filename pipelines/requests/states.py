"""The states of a request: which step may follow, and whose it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from config.errors import ConfigurationError

__all__ = ["ROLES", "Step", "next_state", "state_name", "steps"]

ROLES = ("engineer", "radiologist", "requester", "officer")


@dataclass(frozen=True)
class Step:
    """A step: the states it may follow, the state it leads to, and whose it is.

    ``own``: True is for the requester alone, False never for them, None for anybody of the role.
    """

    name: str
    follows: tuple[str, ...]
    to: str
    role: str
    own: bool | None


def steps() -> dict[str, Step]:
    """Return every step by name."""
    return {
        name: Step(name, tuple(row["from"]), row["to"], row["role"], row.get("own"))
        for name, row in _table()["steps"].items()
    }


def next_state(state: str, step: str, *, role: str, own: bool) -> str:
    """Return the state to which a step leads.

    Raises
    ------
    ConfigurationError
        ``REQUEST_STEP_UNKNOWN``, ``REQUEST_STEP_NOT_NOW``, ``REQUEST_STEP_NOT_YOURS``.
    """
    chosen = steps().get(step)
    if chosen is None:
        raise ConfigurationError("REQUEST_STEP_UNKNOWN", ", ".join(steps()))
    if state not in chosen.follows:
        raise ConfigurationError("REQUEST_STEP_NOT_NOW", f"{step} after {state}")
    if role != chosen.role or (chosen.own is not None and own is not chosen.own):
        raise ConfigurationError("REQUEST_STEP_NOT_YOURS", f"{step} as {role}")
    return chosen.to


def state_name(state: str, language: Literal["en", "fr"] = "en") -> str:
    """Return what a state is called."""
    return str(_table()["names"][state][language])


@cache
def _table() -> dict[str, Any]:
    text = files(__package__).joinpath("states.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))
