"""Resample: one composed interpolation onto the recipe's grid, with the mask of what it covers."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import PositiveFloat, PositiveInt

from config.base import Frozen
from harmonise.grids import centred_grid, grid_from_json, grid_to_json, known_spacing
from harmonise.interpolate import anti_alias_sigma, resample_onto
from harmonise.steps.contract import Context, Step
from harmonise.volume import Grid, Volume

__all__ = ["STEP", "ResampleParams"]

ORDERS = {"linear": 1, "bspline": 3}


class ResampleParams(Frozen):
    """Parameters of ``resample``."""

    spacing_mm: tuple[PositiveFloat | None, PositiveFloat | None, PositiveFloat | None]
    """Target spacing: slice, row, column; null keeps the native one."""
    shape: tuple[PositiveInt, PositiveInt, PositiveInt] | None = None
    """Target size: slices, rows, columns; none covers the field of view."""
    interpolation: Literal["bspline", "linear"] = "bspline"
    """Cubic B-spline kept within the input's range, or linear."""
    masked_value: float | None = None
    """Value the scanner writes where it computed nothing; comes out as not measured."""

    def grid_about(self, native: Grid) -> Grid:
        """Return the target grid about the centre of another's field of view."""
        kept = known_spacing(native)
        spacing_mm = [own or there for own, there in zip(self.spacing_mm, kept, strict=True)]
        shape = self.shape
        if shape is None and None in self.spacing_mm:
            whole = centred_grid(native, spacing_mm)
            pairs = zip(self.spacing_mm, whole.shape, native.shape, strict=True)
            planes, rows, columns = (there if own is None else n for own, n, there in pairs)
            shape = (planes, rows, columns)
        return centred_grid(native, spacing_mm, shape)


def _decide(volume: Volume, params: ResampleParams, context: Context) -> dict[str, Any]:
    """Place the grid about the reference series (or the volume itself) and choose smoothing."""
    target = params.grid_about(context.reference or volume.grid)
    return {
        "target": grid_to_json(target),
        "interpolation": params.interpolation,
        "anti_alias_sigma_voxels": list(anti_alias_sigma(volume.grid, target)),
        "masked_value": params.masked_value,
    }


def _apply(volume: Volume, decided: dict[str, Any]) -> Volume:
    return resample_onto(
        volume,
        grid_from_json(decided["target"]),
        order=ORDERS[decided["interpolation"]],
        masked_value=decided["masked_value"],
    )


STEP = Step(
    name="resample",
    version=2,  # axis by axis where grids are parallel: the last bits differ
    kind="geometry",
    params=ResampleParams,
    decide=_decide,
    apply=_apply,
)
