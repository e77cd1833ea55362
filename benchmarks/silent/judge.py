"""Judge what a program wrote: right, refused, or WRONG without an error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from scipy import ndimage
from silent.known import Known

__all__ = ["Output", "Verdict", "judge_places", "judge_suv", "outputs_in"]

SHARE = 0.99
"""Of a volume's places so many must hold their value: the rest may lie on its outermost edge."""

EDGE_VOXELS = 0.51
"""A place so far beyond the outermost centres still lies in the outermost voxel."""

B_TOLERANCE = 0.5
"""s/mm2; dcm2niix writes whole numbers."""

SUV_MINIMUM, SUV_MEDIAN, SUV_MAXIMUM, SUV_TOLERANCE = 0.20, 1.00, 4.00, 0.005
"""What each reference object of the IBSI SUV manual gives inside its mask."""


@dataclass(frozen=True)
class Output:
    """A volume that a program wrote: values (column, row, slice), RAS matrix, b-value if told."""

    values: Any
    affine: Any
    b_value: float | None = None


@dataclass(frozen=True)
class Verdict:
    """``right``, ``refused``, ``WRONG`` or ``-`` (not a thing the program does), and why."""

    word: str
    why: str = ""


def outputs_in(folder: Path) -> list[Output]:
    """Return every volume of the NIfTI files in a folder; a ``.bval`` beside one tells its b."""
    found = []
    for path in sorted(folder.rglob("*.nii*")):
        stem = path.name.removesuffix(".gz").removesuffix(".nii")
        if stem.endswith(".coverage"):
            continue
        image = nib.load(path)
        data = np.asarray(image.dataobj, dtype=np.float64)
        data = data.reshape(*data.shape[:3], -1) if data.ndim > 3 else data[..., None]
        told = path.with_name(f"{stem}.bval")
        b_values = np.loadtxt(told, ndmin=1) if told.exists() else [None] * data.shape[3]
        for part, b_value in zip(np.moveaxis(data, 3, 0), b_values, strict=True):
            found.append(Output(part, image.affine, None if b_value is None else float(b_value)))
    return found


def judge_places(known: Sequence[Known], outputs: Sequence[Output], *, complained: bool) -> Verdict:
    """Judge by places: some volume of the program must hold each known volume's values.

    Right where every known volume is there with its b-value, whatever else was written; refused
    where nothing was, or where an error was told and what was written is right.
    """
    if not outputs:
        return Verdict("refused")
    twins = [_twins(one, outputs) for one in known]
    lost = sum(not found for found in twins)
    used = {index for found in twins for index in found}
    if not known:
        return Verdict("WRONG", f"{len(outputs)} volumes of what cannot be known")
    if lost and not (complained and len(used) == len(outputs)):
        share = max(_share(k, o) for k in known for o in outputs)
        shapes = ", ".join(sorted({"x".join(map(str, o.values.shape)) for o in outputs}))
        return Verdict("WRONG", f"{shapes}; at best {100 * share:.0f} % of the places right")
    for one, found in zip(known, twins, strict=True):
        told = [outputs[i].b_value for i in found if outputs[i].b_value is not None]
        if one.b_value is not None and told and not _has(told, one.b_value):
            return Verdict("WRONG", f"b {told[0]:g} for {one.b_value:g}")
    return Verdict("refused") if lost else Verdict("right")


def _has(told: Sequence[float], b_value: float) -> bool:
    return min(abs(b - b_value) for b in told) <= B_TOLERANCE


def _twins(known: Known, outputs: Sequence[Output]) -> list[int]:
    return [i for i, output in enumerate(outputs) if _share(known, output) >= SHARE]


def _share(known: Known, output: Output) -> float:
    """Return the share of the known places at which the output holds their value."""
    ras = known.points_mm * [-1.0, -1.0, 1.0]
    try:
        turned = np.linalg.inv(output.affine)
    except np.linalg.LinAlgError:
        return 0.0
    index = turned[:3, :3] @ ras.T + turned[:3, 3:]
    last = np.array(output.values.shape)[:, None] - 1
    inside = ((index >= -EDGE_VOXELS) & (index <= last + EDGE_VOXELS)).all(axis=0)
    # NaN x weight 0 is NaN: an integer place must not look at its neighbour
    whole = np.where(np.abs(index - np.rint(index)) < 1e-3, np.rint(index), index)
    clipped = np.clip(whole, 0, last)
    filled = np.nan_to_num(output.values, nan=1e9)
    found = ndimage.map_coordinates(filled, clipped, order=1, mode="nearest")
    return float((inside & (np.abs(found - known.values) <= known.tolerance)).mean())


def judge_suv(outputs: Sequence[Output], mask: Any) -> Verdict:
    """Judge PET by least, median and greatest value inside a mask (column, row, slice)."""
    if not outputs:
        return Verdict("refused")
    if mask is None:
        return Verdict("WRONG", f"maximum {np.nanmax(outputs[0].values):.4g}, of no known unit")
    inside = outputs[0].values[mask] if outputs[0].values.shape == mask.shape else np.array([0.0])
    found = [float(f(inside)) for f in (np.min, np.median, np.max)]
    wanted = (SUV_MINIMUM, SUV_MEDIAN, SUV_MAXIMUM)
    if np.allclose(found, wanted, rtol=0, atol=SUV_TOLERANCE):
        return Verdict("right")
    return Verdict("WRONG", " / ".join(f"{value:.4g}" for value in found))
