"""Harmonise one study: objects and passports in, a whole result folder and manifest rows out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from config.files import disk_faults, partial_of
from config.recipe import Recipe
from harmonise.acquisitions import acquisition_rows, codes_by_series
from harmonise.series import Passport
from harmonise.study import StudyPlan, apply_study, plan_study
from harmonise.vendor.harvest import passport_from_json
from pipelines.prepare.models import read_model
from pipelines.quiet import hush

__all__ = ["ACQUISITIONS", "HarmoniseJob", "acquisitions_in", "harmonise_study", "plan_of"]

ACQUISITIONS = "acquisitions.json"
"""Name of a result's acquisition rows, beside its volumes."""


@dataclass(frozen=True)
class HarmoniseJob:
    """One study to harmonise: paths, series, the recipe and its model."""

    row_id: str
    objects: tuple[str, ...]
    series_uids: tuple[str, ...]
    passports: str
    recipe: Recipe
    target: str
    model: str | None = None
    """File of the model that the recipe's fitted steps use."""


def plan_of(job: HarmoniseJob) -> StudyPlan:
    """Plan a study from its headers and passports; reads no pixel."""
    passports = _passports(Path(job.passports), job.series_uids)
    model = read_model(Path(job.model)) if job.model else None
    return plan_study([Path(p) for p in job.objects], job.recipe, passports, model)


def harmonise_study(job: HarmoniseJob) -> list[dict[str, Any]]:
    """Write a study's volumes under ``job.target``, whole or not at all; return manifest rows."""
    hush()
    target = Path(job.target)
    partial = partial_of(target)
    with disk_faults():
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            plan = plan_of(job)
            made = apply_study(plan, partial)
            rows = [asdict(row) for row in made]
            acquired = acquisition_rows(plan, codes_by_series(made))
            (partial / ACQUISITIONS).write_text(json.dumps(acquired), encoding="utf-8")
            shutil.rmtree(target, ignore_errors=True)
            _settle(partial, target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return rows


def acquisitions_in(folder: Path) -> list[dict[str, Any]]:
    """Return the acquisition rows of one study's result; none where an older program made it."""
    path = folder / ACQUISITIONS
    return list(json.loads(path.read_bytes())) if path.is_file() else []


def _settle(partial: Path, target: Path) -> None:
    """Give a whole result its name; one that stands there already has the same key and bytes."""
    try:
        partial.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def _passports(folder: Path, series_uids: Sequence[str]) -> dict[str, Passport]:
    found = {}
    for uid in series_uids:
        path = folder / f"{uid}.json"
        if path.is_file():
            found[uid] = passport_from_json(json.loads(path.read_bytes()))
    return found
