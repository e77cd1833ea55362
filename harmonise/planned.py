"""What a plan holds: the volumes to be made, the series declined, and both as rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from config.recipe import Recipe
from harmonise.grids import grid_to_json
from harmonise.series import Geometry, Refusal, Role, Stack
from harmonise.slides.levels import Levels
from harmonise.steps import PlannedStep
from harmonise.steps.limb import LimbParams, half_of, halved
from harmonise.steps.microns import MicronsParams, scaled_grid
from harmonise.steps.resample import ResampleParams
from harmonise.volume import Grid

__all__ = ["Declined", "Part", "PlannedVolume", "StudyPlan"]


@dataclass(frozen=True)
class Part:
    """One of the volumes that another is computed from."""

    stack: Stack
    geometry: Geometry


@dataclass(frozen=True)
class PlannedVolume:
    """One volume to be made."""

    volume_id: str
    stack: Stack
    geometry: Geometry
    role: Role
    steps: tuple[PlannedStep, ...]
    reference: Grid | None = None
    codes: tuple[str, ...] = ()
    log: tuple[str, ...] = ()
    model: Mapping[str, Any] | None = None
    """What the cohort's model holds for this kind of volume."""
    parts: tuple[Part, ...] = ()
    """The volumes it is computed from, where it is no single stack; ``stack`` then holds the
    frames of all, those of the first part first."""
    side: str = ""
    """R or L where a recipe tells limbs apart and the image shows one."""

    def target(self) -> Grid | None:
        """Return the grid the volume will have where headers tell it; None where they do not."""
        grid = self.geometry.grid
        for _, params in self.steps:
            if isinstance(params, LimbParams) and grid is not None:
                grid = halved(grid, half_of(grid, params.side))
            if isinstance(params, ResampleParams) and grid is not None:
                grid = params.grid_about(self.reference or grid)
            if isinstance(params, MicronsParams):
                grid = scaled_grid(Levels(self.stack).all, params)
        return grid


@dataclass(frozen=True)
class Declined:
    """A series no volume is made of, with what is known of it."""

    refusal: Refusal
    stack: Stack | None = None
    role: Role | None = None
    parts: tuple[Part, ...] = ()
    """As of :class:`PlannedVolume`."""


@dataclass(frozen=True)
class StudyPlan:
    """What will be made of a study's files; no pixel has been read.

    ``volumes`` are in the recipe's order of roles, the b-values of a series ascending.
    """

    recipe: Recipe
    recipe_hash: str
    volumes: tuple[PlannedVolume, ...]
    declined: tuple[Declined, ...]
    model_hash: str | None = None

    def rows(self) -> list[dict[str, Any]]:
        """Return one JSON row a volume and one a declined series, for ``--dry-run``."""
        made = [_planned_row(volume) for volume in self.volumes]
        return made + [_declined_row(one) for one in self.declined]


def _planned_row(volume: PlannedVolume) -> dict[str, Any]:
    target = volume.target()
    return {
        "subject": volume.stack.subject,
        "study_uid": volume.stack.study_uid,
        "series_uid": volume.stack.series_uid,
        "volume_id": volume.volume_id,
        "role": volume.role.name,
        "b_value": volume.role.b_value,
        "side": volume.side or None,
        "geometry": volume.geometry.verdict,
        "steps": [
            {"step": step.name, "params": params.model_dump(mode="json")}
            for step, params in volume.steps
        ],
        "grid": grid_to_json(target) if target else None,
        "codes": list(volume.codes),
        "why": list(volume.log),
    }


def _declined_row(one: Declined) -> dict[str, Any]:
    return {
        "subject": one.refusal.subject,
        "study_uid": one.refusal.study_uid,
        "series_uid": one.refusal.series_uid,
        "volume_id": None,
        "role": one.role.name if one.role else None,
        "b_value": one.role.b_value if one.role else None,
        "side": None,
        "geometry": None,
        "steps": [],
        "grid": None,
        "codes": [one.refusal.code],
        "why": [one.refusal.detail],
    }
