"""Harmonise a file or folder on its own, without a catalogue: ``accordage harmonise``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from config.errors import AccordageError, ConfigurationError, EnvironmentFault
from config.files import sweep_partial
from config.recipe import Recipe
from harmonise.acquisitions import acquisition_rows, codes_by_series
from harmonise.manifest import ManifestRow
from harmonise.parquet import write_acquisitions, write_manifest
from harmonise.series import Passport
from harmonise.study import (
    Measured,
    StudyPlan,
    apply_study,
    fit_key,
    measure_study,
    needs_fit,
    plan_study,
)
from harmonise.vendor.harvest import passport_from_json
from pipelines.engine import Engine
from pipelines.prepare.discover import discover
from pipelines.prepare.fit import fit_measured
from pipelines.prepare.models import ModelShelf, read_model
from pipelines.progress import Progress
from pipelines.quiet import hush

__all__ = ["dry_run", "harmonise_folder"]


@dataclass(frozen=True)
class _Job:
    """One study of the source."""

    files: tuple[str, ...]
    passports: str
    recipe: Recipe
    target: str
    model: str | None = None


def harmonise_folder(
    source: Path,
    target: Path,
    recipe: Recipe,
    engine: Engine,
    progress: Progress,
    *,
    model: Path | None = None,
    refit: bool = False,
) -> list[ManifestRow]:
    """Write every study's volumes under ``target``, and the two tables that name them.

    ``manifest.parquet`` has one row a volume, ``acquisitions.parquet`` one a series.

    A recipe's fitted step uses ``model``, else the one frozen in ``target/models``, else (or with
    ``refit``) one fitted over the source. A folder knows no hospitals: its vendors weigh the same.
    A study that fails as a whole is raised at the end, after the others are written.

    Raises
    ------
    ConfigurationError
        ``MODEL_OF_OTHER_STEPS`` or ``MODEL_UNREADABLE``.
    """
    target.mkdir(parents=True, exist_ok=True)
    sweep_partial(target)
    rows: list[ManifestRow] = []
    acquired: list[dict[str, Any]] = []
    failed: list[AccordageError] = []
    with discover(source) as found:
        studies = [tuple(str(p) for p in files) for files in found.studies.values()]
        passports = str(_passport_folder(source))
        whole = _Job((), passports, recipe, str(target))
        fitted = _model(whole, studies, engine, progress, model, refit=refit)
        jobs = [replace(whole, files=files, model=fitted) for files in studies]
        progress.begin("harmonise", len(jobs))
        for _, result in engine.run(_harmonise, jobs):
            if isinstance(result, EnvironmentFault):
                raise result
            if isinstance(result, AccordageError):
                failed.append(result)
            else:
                rows += result[0]
                acquired += result[1]
            progress.advance("harmonise")
    write_manifest(rows, target / "manifest.parquet")
    write_acquisitions(acquired, target / "acquisitions.parquet")
    if failed:
        raise failed[0]
    return rows


def dry_run(source: Path, recipe: Recipe) -> list[dict[str, Any]]:
    """Return what would be made of every series, without reading a pixel."""
    with discover(source) as found:
        rows: list[dict[str, Any]] = []
        for files in found.studies.values():
            rows += plan_study(files, recipe, _passports(_passport_folder(source))).rows()
        return rows


def _model(
    job: _Job,
    studies: Sequence[tuple[str, ...]],
    engine: Engine,
    progress: Progress,
    given: Path | None,
    *,
    refit: bool,
) -> str | None:
    """Return the file of the model to use; None where the recipe fits nothing or too few came."""
    if not needs_fit(job.recipe):
        return None
    if given is not None:
        if read_model(given).fit_key != fit_key(job.recipe):
            detail = f"recipe {job.recipe.name}"
            raise ConfigurationError("MODEL_OF_OTHER_STEPS", detail, file=given)
        return str(given)
    shelf = ModelShelf(Path(job.target) / "models")
    found = None if refit else shelf.current(job.recipe)
    if found is None:
        jobs = [replace(job, files=files) for files in studies]
        measured = engine.run(_measure, jobs)
        found = fit_measured(job.recipe, measured, len(jobs), shelf, progress)
    return str(found) if found else None


def _measure(job: _Job) -> list[Measured]:
    hush()
    return measure_study(_plan(job))


def _passport_folder(source: Path) -> Path:
    return (source if source.is_dir() else source.parent) / "passports"


def _passports(folder: Path) -> Mapping[str, Passport]:
    if not folder.is_dir():
        return {}
    return {
        p.stem: passport_from_json(json.loads(p.read_bytes()))
        for p in sorted(folder.glob("*.json"))
    }


def _harmonise(job: _Job) -> tuple[list[ManifestRow], list[dict[str, Any]]]:
    hush()
    plan = _plan(job)
    rows = apply_study(plan, Path(job.target))
    return rows, acquisition_rows(plan, codes_by_series(rows))


def _plan(job: _Job) -> StudyPlan:
    model = read_model(Path(job.model)) if job.model else None
    files = [Path(f) for f in job.files]
    return plan_study(files, job.recipe, _passports(Path(job.passports)), model)
