"""Draw the real breast mask for docs/mammography.md: ours green, scikit-image red."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from config.library import find_recipe
from harmonise.area import area_mean
from harmonise.computed import read_planned
from harmonise.steps import Context
from harmonise.study import plan_study
from tests.harmonise.writing.test_breast_referee import referee

TARGET = Path("docs/images/breast-mask.png")
SHRINK = 6


def edge(mask: np.ndarray) -> np.ndarray:
    """Return the rim of a mask, one pixel of the small picture wide."""
    small = area_mean(mask, SHRINK, SHRINK) > 0.5
    rim: np.ndarray = small & ~ndimage.binary_erosion(small, border_value=1)
    return rim


def main() -> None:
    """Write the picture."""
    root = Path(os.environ.get("ACCORDAGE_REALDATA", "../shared/realdata"))
    paths = sorted((root / "MG/fo-dicom-ge-essential").glob("*"))
    (planned,) = plan_study(paths, find_recipe("mammography")).volumes
    volume = read_planned(planned)
    shown = None
    for step, params in planned.steps:
        if step.name in {"presentation", "breast_mask"}:
            context = Context(planned.stack, planned.role.name)
            volume = step.apply(volume, step.decide(volume, params, context))
            shown = volume.values[0] if shown is None else shown
    assert shown is not None
    grey = np.clip(area_mean(shown, SHRINK, SHRINK) * 255, 0, 255).astype(np.uint8)
    left = np.stack([grey] * 3, axis=-1)
    right = left.copy()
    right[edge(referee())] = (220, 60, 60)
    right[edge(volume.regions["breast"][0])] = (60, 220, 90)
    Image.fromarray(np.hstack([left, right])).save(TARGET, optimize=True)


if __name__ == "__main__":
    main()
