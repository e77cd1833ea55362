"""The cases of the alignment table through picai-prep; runs in the referees' environment.

Reads cases as JSON on standard input and prints one JSON line: for each the share of output voxels
that hold the fill value 0, and root mean square errors.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from typing import Any

import numpy as np
import SimpleITK as sitk
from align_scene import ADC, T2, scene_at, seen_by
from picai_prep.preprocessing import PreprocessingSettings, Sample


def image(values: Any, matrix: Any) -> Any:
    """Return the ITK image of values (slice, row, column) and their matrix."""
    made = sitk.GetImageFromArray(values.astype(np.float32))
    axes = matrix[:3, :3]
    spacing = np.linalg.norm(axes, axis=0)
    made.SetSpacing(spacing[::-1].tolist())
    made.SetOrigin(matrix[:3, 3].tolist())
    made.SetDirection((axes / spacing)[:, ::-1].ravel().tolist())
    return made


def points(of: Any) -> Any:
    """Return the LPS points of an ITK image's voxels, in the order of its array."""
    size = of.GetSize()[::-1]
    k, j, i = np.indices(size).reshape(3, -1)
    axes = np.reshape(of.GetDirection(), (3, 3)) * of.GetSpacing()
    return axes @ np.stack([i, j, k]) + np.array(of.GetOrigin())[:, None]


def run(case: tuple[float, float, float]) -> dict[str, float]:
    """Return what picai-prep makes of one case."""
    settings = PreprocessingSettings(matrix_size=[20, 256, 256], spacing=[3.0, 0.5, 0.5])
    scans = [image(*seen_by(T2, (0.0, 0.0, 0.0))), image(*seen_by(ADC, case))]
    sample = Sample(scans=scans, settings=settings)
    sample.preprocess()
    out = sample.scans[1]
    values = sitk.GetArrayFromImage(out).ravel().astype(np.float64)
    error = values - scene_at(points(out))
    lost = values == 0  # the scene is 1000 +- 192: no value of it is 0
    return {
        "uncovered_percent": 100 * float(lost.mean()),
        "rmse": float(np.sqrt(np.mean(error**2))),
        "rmse_covered": float(np.sqrt(np.mean(error[~lost] ** 2))),
    }


def main() -> None:
    """Run every case that standard input names."""
    cases = json.load(sys.stdin)
    made = {name: run(tuple(case)) for name, case in cases.items()}
    print(json.dumps({"version": version("picai-prep"), "cases": made}))


if __name__ == "__main__":
    main()
