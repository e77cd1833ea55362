"""The contract of a step: decide first (JSON, recorded), then apply what was decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import ValidationError

from config.base import Frozen
from config.errors import ConfigurationError, InconsistentSeries
from harmonise.series import Stack
from harmonise.volume import Grid, Volume

__all__ = [
    "Context",
    "Decide",
    "Fit",
    "Native",
    "NoParams",
    "Step",
    "parse_params",
    "refuse_quantitative",
]


@dataclass(frozen=True)
class Native:
    """Another volume of the study as it was acquired; its pixels are read when asked for."""

    stack: Stack
    grid: Grid
    read: Callable[[], Volume]


def _none(_role: str) -> list[Native]:
    return []


@dataclass(frozen=True)
class Context:
    """What a step may know beside the volume; nothing here is changed by a step.

    Parameters
    ----------
    stack : Stack or None
        The frames the volume was read from; None on synthetic volumes.
    role : str
        Role name of the volume, for example ``t2w_ax``.
    reference : Grid or None
        Native grid of the study's reference series; None places each series on its own.
    earlier : mapping
        Decisions already made in this study, keyed ``<step>:<series uid>``, for steps that must
        treat the volumes of one series alike (the b-values of a diffusion series).
    model : mapping or None
        What the fitted step of this kind of volume was fitted to over the cohort; None where no
        model was fitted.
    natives : callable
        Role -> the study's volumes of that role before any step, b-values ascending.
    """

    stack: Stack | None = None
    role: str = "other"
    reference: Grid | None = None
    earlier: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    model: Mapping[str, Any] | None = None
    natives: Callable[[str], list[Native]] = _none


class NoParams(Frozen):
    """A step without parameters."""


Decide = Callable[[Any, Any, Context], dict[str, Any]]
"""``decide(volume or slide, params, context)``."""


@dataclass(frozen=True)
class Fit:
    """How a step is fitted over a cohort, one image in memory at a time.

    Parameters
    ----------
    measure : callable
        ``measure(volume, params) -> dict``: the few numbers of one image that the fit needs, as
        JSON. The volume is what comes out of the steps before.
    combine : callable
        ``combine(measured, weights, subjects, params) -> dict``: what is fitted, as JSON, from
        the images in a fixed order, their weights and the number of distinct subjects. Raises
        ``MODEL_TOO_FEW_SUBJECTS``.
    """

    measure: Callable[[Volume, Any], dict[str, Any]]
    combine: Callable[[Sequence[dict[str, Any]], Sequence[float], int, Any], dict[str, Any]]


@dataclass(frozen=True)
class Step:
    """One row of the step table.

    Parameters
    ----------
    name : str
        Name in recipes.
    kind : {"geometry", "intensity"}
        Geometry moves voxels and is repeated for the picture "before"; intensity changes what the
        numbers mean and is refused on quantitative maps.
    params : type of Frozen
        Model that validates the parameters; an unknown one is an error.
    decide, apply : callable
        ``decide(volume, params, context) -> dict`` and ``apply(volume, decided) -> Volume``.
    version : int
        Raised whenever the same decision would give other voxels.
    flags : callable
        Codes that a decision calls for.
    reads_values : bool
        Whether the decision depends on the values, not on the grid alone.
    derivation : str
        Keyword of CID 7203 (PS3.16) written into derived objects; empty for a step that only looks.
    fit : Fit or None
        How the step is fitted over a cohort; None for a step that needs its image alone.
    takes : {"volume", "slide"}
        What the step is made for: a volume in memory, or a slide that is read tile by tile. The
        contract is one; a recipe whose step takes the other kind is refused.
    """

    name: str
    kind: Literal["geometry", "intensity"]
    params: type[Frozen]
    decide: Decide
    apply: Callable[[Any, dict[str, Any]], Any]
    version: int = 1
    flags: Callable[[dict[str, Any]], tuple[str, ...]] = lambda _decided: ()
    reads_values: bool = False
    derivation: str = "SpatialResampling"
    fit: Fit | None = None
    takes: Literal["volume", "slide"] = "volume"


def parse_params(step: Step, params: Mapping[str, Any]) -> Frozen:
    """Return ``params`` validated by the step's own model.

    Raises
    ------
    ConfigurationError
        ``STEP_PARAMS_INVALID``, naming the step and each wrong parameter.
    """
    try:
        return step.params.model_validate(dict(params))
    except ValidationError as error:
        problems = "; ".join(
            f"{step.name}.{'.'.join(str(part) for part in row['loc']) or '(all)'}: {row['msg']}"
            for row in error.errors()
        )
        raise ConfigurationError("STEP_PARAMS_INVALID", problems) from error


def refuse_quantitative(volume: Volume, step: str) -> None:
    """Refuse to change numbers that mean something by themselves (ADC, HU, SUV)."""
    if volume.quantitative:
        detail = f"step {step} on values in {volume.unit}"
        raise InconsistentSeries("QUANTITATIVE_NOT_NORMALISED", detail)
