"""Cases of resampling: the grid of IBSI 1 on a built phantom, and alignment of two fields of view.

The answers come from the published rule and scipy, and from an analytic scene.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from align_scene import ADC, CASES, T2, scene_at, seen_by
from scipy import ndimage
from silent.judge import Verdict
from silent.known import Case

from tests.harmonise.writing import phantom

__all__ = ["alignments", "judge_align", "judge_grid", "lattices"]

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
LARGEST_RMSE = 10.0
"""Of a scene of 1000 +- 192: linear interpolation stays far within."""
HALF_WAY = 1e-6
"""A weight of 0.5 is inside; so much its rounding may take away."""
SHAPE, SPACING_MM = (20, 256, 256), (3.0, 0.5, 0.5)


def _write(values: Any, matrix: Any, path: Path) -> None:
    """Write values (slice, row, column) and their matrix to LPS mm as NIfTI."""
    affine = LPS_TO_RAS @ matrix[:, [2, 1, 0, 3]]
    nib.save(nib.Nifti1Image(np.asarray(values, np.float32).T, affine), path)


def _phantom(folder: Path) -> None:
    matrix = np.zeros((4, 4))
    matrix[[2, 1, 0], [0, 1, 2]] = phantom.SPACING_MM
    matrix[3, 3] = 1
    _write(phantom.image(), matrix, folder / "image.nii")
    _write(phantom.mask(), matrix, folder / "mask.nii")


def lattices() -> list[Case]:
    """Return the settings of IBSI 1 that resample."""
    native = {"native_mm": list(phantom.SPACING_MM), "native_shape": list(phantom.SHAPE)}
    return [
        Case(
            f"row {name}: {'linear' if row['order'] == 1 else 'cubic'}, "
            f"{' x '.join(f'{mm:g}' for mm in row['spacing_mm'])} mm",
            "IBSI grid",
            "grid",
            "n = ceil(n0 s0 / s), one centre",
            _phantom,
            asked={
                "spacing_mm": list(row["spacing_mm"]),
                "order": row["order"],
                **native,
            },
        )
        for name, row in phantom.ROWS.items()
    ]


def judge_grid(asked: dict[str, Any], out: Path) -> Verdict:
    """Judge size, place and number of voxels in the region by the published rule and scipy."""
    files = {p.name.split(".")[0]: p for p in out.glob("*.nii*")}
    if set(files) != {"image", "mask"}:
        return Verdict("refused")
    old, new = (np.array(asked[k]) for k in ("native_mm", "spacing_mm"))
    count = np.array(asked["native_shape"])
    size = np.ceil(np.round(count * old / new, 6)).astype(int)
    start = 0.5 * ((count - 1) * old - (size - 1) * new)
    image, mask = (nib.load(files[name]) for name in ("image", "mask"))
    found = image.shape[:3][::-1]
    if tuple(found) != tuple(size):
        return Verdict("WRONG", f"size {_times(found)}, not {_times(size)}")
    corner = np.abs((image.affine @ [0, 0, 0, 1])[:3][::-1])
    if not np.allclose(corner, np.abs(start), atol=1e-3):
        return Verdict("WRONG", f"first voxel {np.abs(corner - np.abs(start)).max():.2f} mm off")
    places = [(start[a] + np.arange(size[a]) * new[a]) / old[a] for a in range(3)]
    at = np.meshgrid(*places, indexing="ij")
    weights = ndimage.map_coordinates(phantom.mask().astype(float), at, order=1, mode="nearest")
    expected = int((weights >= 0.5 - HALF_WAY).sum())
    voxels = int((np.asarray(mask.dataobj) > 0.5).sum())
    if voxels != expected:
        return Verdict("WRONG", f"{voxels} voxels in the region, not {expected}")
    return Verdict("right")


def _times(size: Any) -> str:
    return " x ".join(str(int(n)) for n in reversed(tuple(size)))


def _two_views(offset: tuple[float, float, float]) -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        _write(*seen_by(T2, (0.0, 0.0, 0.0)), folder / "t2.nii")
        _write(*seen_by(ADC, offset), folder / "adc.nii")

    return fill


def alignments() -> list[Case]:
    """Return the seven offsets and turns of the alignment benchmark."""
    return [
        Case(
            name,
            "alignment",
            "align",
            "analytic scene",
            _two_views(offset),
            asked={"offset": offset, "shape": list(SHAPE), "spacing_mm": list(SPACING_MM)},
        )
        for name, offset in CASES.items()
    ]


def judge_align(out: Path) -> Verdict:
    """Judge by the scene: every voxel of the asked grid has the value of its place."""
    files = list(out.glob("*.nii*"))
    if not files:
        return Verdict("refused")
    image = nib.load(files[0])
    values = np.asarray(image.dataobj, dtype=float)
    values = values.reshape(values.shape[:3])
    if values.shape[::-1] != SHAPE:
        return Verdict("WRONG", f"size {_times(values.shape[::-1])}")
    index = np.indices(values.shape).reshape(3, -1)
    ras = image.affine[:3, :3] @ index + image.affine[:3, 3:]
    truth = scene_at(ras * np.array([[-1.0], [-1.0], [1.0]])).reshape(values.shape)
    lost = ~np.isfinite(values) | (values == 0)  # the scene is 1000 +- 192: no value of it is 0
    if lost.any():
        return Verdict("WRONG", f"{100 * lost.mean():.2f} % of the voxels lost")
    rmse = float(np.sqrt(np.mean((values - truth) ** 2)))
    return Verdict("right") if rmse <= LARGEST_RMSE else Verdict("WRONG", f"RMSE {rmse:.0f}")
