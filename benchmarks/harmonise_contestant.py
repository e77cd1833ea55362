"""One contestant of the harmonisation benchmark: studies in, volumes out, seconds printed.

    python benchmarks/harmonise_contestant.py ours|bare|bare-nifti|folder SRC DST [--jobs N]

SRC holds one folder a study. Loading the program and a first study are not counted. ``ours`` plans
and applies recipe ``prostate-mpmri`` without N4 in this process; ``folder`` is the function behind
``accordage harmonise`` with N workers; ``bare`` is what a script of SimpleITK must call for the
same volumes: decode every image, one B-spline resampling a volume onto the grid about T2, and the
registration of two b-values. ``bare-nifti`` writes each volume too.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from config.library import find_recipe
from config.recipe import Recipe
from harmonise.study import apply_study, plan_study

Run = Callable[[Path, Path], None]

SPACING_MM, SIZE = (0.5, 0.5, 3.0), (256, 256, 20)
"""The recipe's grid: column, row, slice, as ITK counts."""

BOX_MM, BOX_STEP_MM = (80.0, 80.0, 60.0), 2.0


def recipe() -> Recipe:
    """Return ``prostate-mpmri`` without N4 and without what is computed from several images.

    The others make one volume of each image they are given.
    """
    whole = find_recipe("prostate-mpmri")
    steps = {
        role: tuple(spec for spec in specs if spec.step != "n4")
        for role, specs in whole.role_steps.items()
    }
    roles = tuple(role for role in whole.roles if not role.endswith("_refit"))
    return whole.model_copy(update={"role_steps": steps, "roles": roles})


def ours(source: Path, target: Path) -> None:
    """Plan and apply each study in this process."""
    chosen = recipe()
    for study in sorted(source.iterdir()):
        plan = plan_study([p for p in sorted(study.rglob("*")) if p.is_file()], chosen)
        rows = apply_study(plan, target)
        if sum(row.volume_id is not None for row in rows) != len(plan.volumes):
            raise SystemExit("a volume was refused")


def folder(jobs: int) -> tuple[Run, Callable[[], None]]:
    """Return what ``accordage harmonise`` runs with so many workers, and what ends them."""
    from config.settings import load_settings
    from pipelines.engine import Engine
    from pipelines.prepare.harmonise_folder import harmonise_folder
    from pipelines.progress import Silent

    home = Path(os.environ.get("ACCORDAGE_HOME", "."))
    engine = Engine(load_settings(home, {}).model_copy(update={"jobs": jobs}))

    def run(source: Path, target: Path) -> None:
        harmonise_folder(source, target, recipe(), engine, Silent())

    return run, engine.close


def bare(source: Path, *, writes: bool) -> Run:
    """Return the SimpleITK script; which files make a volume is known before the clock starts."""
    volumes = {study.name: _files(study) for study in sorted(source.iterdir())}
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)  # as a worker of ours

    def run(given: Path, target: Path) -> None:
        for study in sorted(given.iterdir()):
            images = {}
            for (role, b_value), files in volumes[study.name].items():
                reader = sitk.ImageSeriesReader()
                reader.SetFileNames(files)
                images[role, b_value] = sitk.Cast(reader.Execute(), sitk.sitkFloat32)
            grid = _grid(images["t2w_ax", None])
            _register(images)
            for (role, b_value), image in images.items():
                made = sitk.Resample(image, grid, sitk.Transform(), sitk.sitkBSpline)
                if writes:
                    sitk.WriteImage(made, target / f"{study.name}-{role}-{b_value}.nii.gz")

    return run


def _files(study: Path) -> dict[tuple[str, float | None], list[str]]:
    plan = plan_study([p for p in sorted(study.rglob("*")) if p.is_file()], recipe())
    return {
        (one.role.name, one.role.b_value): [
            str(one.stack.frames[index].path) for index in one.geometry.order
        ]
        for one in plan.volumes
    }


def _about_centre(image: Any, size: Any, spacing_mm: Any) -> Any:
    """Return an empty image of a grid that shares the centre of another's field of view."""
    grid = sitk.Image(list(size), sitk.sitkFloat32)
    grid.SetSpacing(spacing_mm)
    grid.SetDirection(image.GetDirection())
    middle = image.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in image.GetSize()])
    half = grid.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in size])
    grid.SetOrigin([m - h for m, h in zip(middle, half, strict=True)])
    return grid


def _grid(reference: Any) -> Any:
    return _about_centre(reference, SIZE, SPACING_MM)


def _register(images: dict[tuple[str, float | None], Any]) -> None:
    """Register the two lowest b-values in the box, with the recipe's settings."""
    reference = images["t2w_ax", None]
    spacing_mm = (BOX_STEP_MM, BOX_STEP_MM, reference.GetSpacing()[2])
    size = [round(edge / step) for edge, step in zip(BOX_MM, spacing_mm, strict=True)]
    box = sitk.Resample(reference, _about_centre(reference, size, spacing_mm))
    for b_value in sorted(b for role, b in images if role == "dwi" and b is not None)[:2]:
        method = sitk.ImageRegistrationMethod()
        method.SetMetricAsMattesMutualInformation(32)
        method.SetMetricSamplingStrategy(method.NONE)
        method.SetInterpolator(sitk.sitkLinear)
        method.SetOptimizerAsRegularStepGradientDescent(1.0, 0.01, 80)
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetShrinkFactorsPerLevel((2, 1))
        method.SetSmoothingSigmasPerLevel((1.0, 0.5))
        method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOff()
        method.SetInitialTransform(
            sitk.CenteredTransformInitializer(
                box,
                box,
                sitk.Euler3DTransform(),
                sitk.CenteredTransformInitializerFilter.GEOMETRY,
            ),
            inPlace=False,
        )
        method.Execute(box, images["dwi", b_value])


def main() -> None:
    """Run the contestant once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=("ours", "bare", "bare-nifti", "folder"))
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    end: Callable[[], None] = lambda: None  # noqa: E731
    if given.name == "ours":
        run: Run = ours
    elif given.name == "folder":
        run, end = folder(given.jobs)
    else:
        run = bare(given.source, writes=given.name == "bare-nifti")
    print(json.dumps(timed(run, given.source, given.target, end)))


def timed(run: Run, source: Path, target: Path, end: Callable[[], None]) -> dict[str, float]:
    """Return seconds of wall and processor, and the peak of memory, after one run not counted."""
    with tempfile.TemporaryDirectory() as scratch:
        run(source, Path(scratch))
    os.sync()  # what was written before is not counted
    target.mkdir(parents=True)
    wall, processor = time.perf_counter(), time.process_time()
    run(source, target)
    seconds, own = time.perf_counter() - wall, time.process_time() - processor
    end()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "cpu_s": own, "peak_mb": peak_mb}


if __name__ == "__main__":
    main()
