"""Fit the fitted steps of a recipe over the planned studies: measure one by one, then combine."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from config.errors import InconsistentSeries, RejectedError
from config.recipe import Recipe
from harmonise.computed import natives_of, read_planned
from harmonise.encode.private import canonical_json
from harmonise.landmarks import balanced_weights
from harmonise.model import Model, kind_of
from harmonise.plan import check_recipe
from harmonise.planned import PlannedVolume, StudyPlan
from harmonise.steps import Context, PlannedStep
from harmonise.vendor.makers import manufacturer_of

__all__ = ["Measured", "fit_key", "fit_model", "measure_study", "needs_fit"]


@dataclass(frozen=True)
class Measured:
    """What one volume adds to a fit; no identity, JSON-serialisable."""

    kind: str
    role: str
    site: str
    vendor: str
    subject: str
    volume_id: str
    found: dict[str, Any] = field(default_factory=dict)

    @property
    def sort_key(self) -> tuple[str, ...]:
        """Order in which measurements are summed, whatever the order they came in."""
        return (self.kind, self.site, self.vendor, self.subject, self.volume_id)


def needs_fit(recipe: Recipe) -> bool:
    """Return whether a recipe has a step that is fitted over the cohort."""
    return any(_fitted_at(steps) is not None for steps in check_recipe(recipe).values())


def fit_key(recipe: Recipe) -> str:
    """Return the hash of what a fit depends on: for each role the steps up to the fitted one.

    Name, version and parameters count, so that a model is never applied to images that were made
    otherwise than those it was fitted on.
    """
    parts = {}
    for role, steps in check_recipe(recipe).items():
        at = _fitted_at(steps)
        if at is not None:
            parts[role] = [
                [step.name, step.version, params.model_dump(mode="json")]
                for step, params in steps[: at + 1]
            ]
    return hashlib.sha256(canonical_json(parts)).hexdigest()


def measure_study(plan: StudyPlan, site: str = "") -> list[Measured]:
    """Return the measurements of a study that a fit needs, one volume in memory at a time.

    A volume that cannot be made or measured adds nothing: it will be refused under its own code
    when it is made.
    """
    measured = []
    for planned in plan.volumes:
        at = _fitted_at(planned.steps)
        if at is None:
            continue
        try:
            found = _measure(plan, planned, at)
        except RejectedError:
            continue
        measured.append(
            Measured(
                kind=kind_of(planned.role),
                role=planned.role.name,
                site=site,
                vendor=_vendor(planned.stack.header.get("Manufacturer")),
                subject=planned.stack.subject,
                volume_id=planned.volume_id,
                found=found,
            )
        )
    return measured


def fit_model(recipe: Recipe, measured: Iterable[Measured]) -> Model | None:
    """Return the model of a cohort, one fit a kind of volume; None where subjects are too few.

    Equal measurements give an equal model, in whatever order they come.
    """
    steps_of = check_recipe(recipe)
    ordered = sorted(measured, key=lambda m: m.sort_key)
    groups: dict[str, list[Measured]] = defaultdict(list)
    for one in ordered:
        groups[one.kind].append(one)
    kinds = {}
    for kind, rows in groups.items():
        steps = steps_of.get(rows[0].role, steps_of["*"])
        at = _fitted_at(steps)
        if at is None:
            continue
        try:
            kinds[kind] = _fit_kind(steps[at], rows)
        except InconsistentSeries as error:
            if error.code != "MODEL_TOO_FEW_SUBJECTS":
                raise
    if not kinds:
        return None
    digest = hashlib.sha256(canonical_json([asdict(one) for one in ordered])).hexdigest()
    return Model(recipe.name, fit_key(recipe), kinds, digest)


def _fit_kind(planned: PlannedStep, rows: Sequence[Measured]) -> dict[str, Any]:
    step, params = planned
    assert step.fit is not None
    weights = balanced_weights([(r.site, r.vendor, r.subject) for r in rows])
    subjects = len({r.subject for r in rows})
    cells: dict[tuple[str, str], dict[str, Any]] = {}
    for row, weight in zip(rows, weights, strict=True):
        cell = cells.setdefault((row.site, row.vendor), {"subjects": set(), "images": 0, "w": 0.0})
        cell["subjects"].add(row.subject)
        cell["images"] += 1
        cell["w"] += weight
    return {
        "step": step.name,
        "version": step.version,
        "params": params.model_dump(mode="json"),
        "fitted": step.fit.combine([r.found for r in rows], weights, subjects, params),
        "subjects": subjects,
        "images": len(rows),
        "cells": [
            {
                "site": site,
                "vendor": vendor,
                "subjects": len(cell["subjects"]),
                "images": cell["images"],
                "weight": round(cell["w"], 12),
            }
            for (site, vendor), cell in sorted(cells.items())
        ],
    }


def _measure(plan: StudyPlan, planned: PlannedVolume, at: int) -> dict[str, Any]:
    """Run the steps before the fitted one and measure what comes out."""
    volume = read_planned(planned)
    natives = natives_of(plan, planned.stack.study_uid)
    earlier: dict[str, dict[str, Any]] = {}
    for step, params in planned.steps[:at]:
        context = Context(
            planned.stack, planned.role.name, planned.reference, earlier, natives=natives
        )
        decided = step.decide(volume, params, context)
        volume = step.apply(volume, decided)
        earlier.setdefault(f"{step.name}:{planned.stack.series_uid}", decided)
    step, params = planned.steps[at]
    assert step.fit is not None
    return step.fit.measure(volume, params)


def _fitted_at(steps: Sequence[PlannedStep]) -> int | None:
    return next((i for i, (step, _) in enumerate(steps) if step.fit is not None), None)


def _vendor(manufacturer: object) -> str:
    """Return the vocabulary's name of a maker; of one it does not know, the first word."""
    known = manufacturer_of(str(manufacturer or ""))
    if known not in {None, "other"}:
        return str(known)
    words = str(manufacturer or "").replace("_", " ").split()
    return words[0].casefold() if words else ""
