"""ADC on one b set for every site, and the image another b-value would have given.

An ADC depends on the b-values it was fitted to: perfusion adds below 50 s/mm2, the decay is no
single exponential above 1000. So every site's map is computed again from one image of each of two
narrow ranges, and named apart from the scanner's (Le Bihan 1986,
doi:10.1148/radiology.161.2.3763909). Ranges and calculated image, S(b) = S0 exp(-b D): PI-RADS v2.1
(Turkbey 2019, doi:10.1016/j.eururo.2019.02.033).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from config.errors import InconsistentSeries
from config.recipe import BSet
from harmonise.diffusion import UM2_PER_MM2, fit_adc
from harmonise.series import Role, Stack
from harmonise.volume import Volume

__all__ = ["calculated_image", "common_pair", "refitted_adc"]

ACTUAL = 0.05
"""Largest part by which a b-value that was applied differs from the one that was asked for."""

FASTEST_UM2_S = 4000.0
"""No tissue diffuses faster: free water at 37 degrees Celsius has 3000. Above, and below 0, is
noise."""

ISOTROPIC = 0.05
"""Largest distance of an eigenvalue of the mean of g g' from a third: nearer, the mean over the
directions g is the trace (Basser and Pierpaoli 1996, doi:10.1006/jmrb.1996.0086)."""

Read = Callable[[int], Volume]
Values = NDArray[np.float64]


def common_pair(stacks: Sequence[Stack], wanted: BSet) -> list[int]:
    """Return the indices of the stacks that give the common ADC, the low b-value first.

    Of each range the lowest b-value there is; of that b-value the image averaged over directions,
    else all its directions if they are evenly spread.

    Parameters
    ----------
    stacks : sequence of Stack
        Diffusion images of one series on one grid, none of them calculated.
    wanted : BSet

    Raises
    ------
    InconsistentSeries
        ``MR_NO_COMMON_B`` where a range holds no b-value, or only some directions of one.
    """
    found: list[int] = []
    for low, high in (wanted.low, wanted.high):
        inside = {
            s.b_value
            for s in stacks
            if s.b_value is not None and low * (1 - ACTUAL) <= s.b_value <= high * (1 + ACTUAL)
        }
        if not inside:
            there = ", ".join(f"{b:g}" for b in sorted({s.b_value or 0.0 for s in stacks}))
            detail = f"(0018,9087) b {there} s/mm2: none within {low:g} to {high:g}"
            raise InconsistentSeries("MR_NO_COMMON_B", detail)
        found += _whole(stacks, min(inside))
    return found


def _whole(stacks: Sequence[Stack], b_value: float) -> list[int]:
    """Return the stacks of a b-value that together show no direction."""
    own = [index for index, stack in enumerate(stacks) if stack.b_value == b_value]
    # how evenly directions are spread is the same along any axes
    told = [stacks[index].frames[0] for index in own]
    directions = [frame.gradient or frame.scan_gradient for frame in told]
    averaged = [i for i, direction in zip(own, directions, strict=True) if direction is None]
    if averaged:
        return averaged
    vectors = np.array(directions)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    spread = np.linalg.eigvalsh(vectors.T @ vectors / len(own))
    if float(np.abs(spread - 1 / 3).max()) > ISOTROPIC:
        detail = f"(0018,9089) the {len(own)} directions of b {b_value:g} are not evenly spread"
        raise InconsistentSeries("MR_NO_COMMON_B", detail)
    return own


def refitted_adc(stacks: Sequence[Stack], read: Read, _role: Role) -> Volume:
    """Return the ADC in um2/s of the images :func:`common_pair` chose, read one at a time.

    Voxels whose signal is not positive, or whose ADC no tissue can have, are NaN.
    """
    images, like = _images(stacks, read)
    adc, _, measured = _fitted(images)
    values = np.where(measured, adc, np.nan).astype(np.float32)
    return _volume(values, like, "um2/s", "adc_refit", stacks, quantitative=True)


def calculated_image(stacks: Sequence[Stack], read: Read, role: Role) -> Volume:
    """Return the image of ``role.b_value`` that the same fit gives, in the unit of the images."""
    if role.b_value is None:
        raise InconsistentSeries("MR_B_UNKNOWN", "a calculated image of no b-value")
    images, like = _images(stacks, read)
    adc, log_s0, measured = _fitted(images)
    signal = np.exp(np.where(measured, log_s0 - role.b_value * adc / UM2_PER_MM2, np.nan))
    values = signal.astype(np.float32)
    return _volume(values, like, like.unit, "calculated_image", stacks, quantitative=False)


def _images(stacks: Sequence[Stack], read: Read) -> tuple[dict[float, Values], Volume]:
    """Return the geometric mean over the images of each b-value, NaN where one has no signal."""
    logs: dict[float, list[Values]] = {}
    like: Volume | None = None
    for index, stack in enumerate(stacks):
        volume = read(index)
        like = like or volume
        signal = volume.values.astype(np.float64)
        with np.errstate(invalid="ignore"):
            signal[~(signal > 0)] = np.nan
        logs.setdefault(float(stack.b_value or 0.0), []).append(np.log(signal))
    if like is None or len(logs) < 2:
        raise InconsistentSeries("MR_NO_COMMON_B", f"{len(logs)} b-values")
    return {b: np.exp(np.mean(parts, axis=0)) for b, parts in logs.items()}, like


def _fitted(images: dict[float, Values]) -> tuple[Values, Values, NDArray[np.bool_]]:
    fit = fit_adc(images)
    with np.errstate(invalid="ignore"):
        measured = (fit.adc_um2_s > 0) & (fit.adc_um2_s <= FASTEST_UM2_S)
    if not measured.any():
        raise InconsistentSeries("VOLUME_EMPTY", "no voxel has an ADC that tissue can have")
    return fit.adc_um2_s, fit.log_s0, measured


def _volume(
    values: NDArray[np.float32],
    like: Volume,
    unit: str,
    maker: str,
    stacks: Sequence[Stack],
    *,
    quantitative: bool,
) -> Volume:
    covered = np.isfinite(values)
    computed = {
        "maker": maker,
        "b_values_s_mm2": sorted({float(stack.b_value or 0.0) for stack in stacks}),
        "images": len(stacks),
        "codes": [],
    }
    return Volume(
        values,
        like.grid,
        unit,
        None if covered.all() else covered,
        quantitative,
        {"computed": computed},
        like.field_of_view,
    )
