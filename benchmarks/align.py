"""Do series of one study come out on one grid? A known scene in seven offsets, beside picai-prep.

``python benchmarks/align.py`` lets the ADC step of recipe ``prostate-mpmri`` and picai-prep bring
an ADC field of view onto the grid of T2 where both see an analytic scene. It prints the share of
voxels left without a value and the error against the scene, and writes
``benchmarks/results/align.json`` and the table of ``docs/benchmarks.md``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from align_scene import ADC, CASES, T2, scene_at, seen_by

from config.library import find_recipe
from harmonise.steps import Context, planned_steps
from harmonise.volume import Grid, Volume

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "align.json"
PAGE = HERE.parent / "docs" / "benchmarks.md"
START, END = "<!-- align -->", "<!-- align end -->"
LARGEST_RMSE = 0.1


def volume(kind: dict[str, Any], case: tuple[float, float, float], unit: str) -> Volume:
    """Return what a field of view sees, as a volume of ours."""
    values, matrix = seen_by(kind, case)
    axes = matrix[:3, :3] / np.array(kind["spacing_mm"])
    direction = tuple(tuple(float(v) for v in axis) for axis in axes.T)
    origin = tuple(float(v) for v in matrix[:3, 3])
    grid = Grid(kind["shape"], kind["spacing_mm"], origin, direction)  # type: ignore[arg-type]
    return Volume(values.astype(np.float32), grid, unit, quantitative=unit != "1")


def aligned(case: tuple[float, float, float], interpolation: str) -> Volume:
    """Return what the recipe's own steps for ADC make of one case."""
    reference = volume(T2, (0.0, 0.0, 0.0), "1").grid
    result = volume(ADC, case, "um2/s")
    for step, params in planned_steps(find_recipe("prostate-mpmri").role_steps["adc"]):
        given = params
        if step.name == "resample":
            given = params.model_copy(update={"interpolation": interpolation})
        decided = step.decide(result, given, Context(role="adc", reference=reference))
        result = step.apply(result, decided)
    return result


def ours(case: tuple[float, float, float], interpolation: str) -> dict[str, float]:
    """Return how far one case of ours is from the scene."""
    result = aligned(case, interpolation)
    index = np.indices(result.grid.shape).reshape(3, -1)
    matrix = result.grid.affine()
    truth = scene_at(matrix[:3, :3] @ index + matrix[:3, 3:]).reshape(result.grid.shape)
    lost = ~np.isfinite(result.values)
    error = (result.values - truth)[~lost]
    return {
        "uncovered_percent": 100 * float(lost.mean()),
        "rmse": float(np.sqrt(np.mean(error**2))),
    }


def peer(python: Path) -> dict[str, Any]:
    """Return what picai-prep makes of every case, in its own environment."""
    done = subprocess.run(
        [str(python), str(HERE / "align_peer.py")],
        input=json.dumps(CASES),
        check=True,
        capture_output=True,
        text=True,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def table(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    lines = [
        (
            "| ADC field of view | ours: no value, % | RMSE | linear: RMSE "
            "| picai-prep: no value, % | RMSE, all | RMSE, with a value |"
        ),
        "|---|---|---|---|---|---|---|",
    ]
    for name in CASES:
        our, line, his = (result[key][name] for key in ("ours", "ours_linear", "picai_prep"))
        lines.append(
            f"| {name} | {our['uncovered_percent']:.2f} | {our['rmse']:.3f} | {line['rmse']:.2f} "
            f"| {his['uncovered_percent']:.2f} | {his['rmse']:.1f} | {his['rmse_covered']:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run every case, print, write, and fail where ours is not what is promised."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--referees", type=Path, default=Path(".venv-referees/bin/python"))
    given = parser.parse_args()
    theirs = peer(given.referees.absolute())
    result = {
        "what": "an analytic scene, 1000 +- 192, seen by ADC and brought onto the grid of T2",
        "picai_prep_version": theirs["version"],
        "ours": {name: ours(case, "bspline") for name, case in CASES.items()},
        "ours_linear": {name: ours(case, "linear") for name, case in CASES.items()},
        "picai_prep": theirs["cases"],
    }
    text = table(result)
    print(text)
    RESULT.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(START)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{START}\n{text}\n{END}{after}", encoding="utf-8")
    if any(c["uncovered_percent"] or c["rmse"] > LARGEST_RMSE for c in result["ours"].values()):
        sys.exit("a case of ours misses voxels or its error is above 0.1")


if __name__ == "__main__":
    main()
