"""Diffusion images of one study looked at together, before any is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harmonise.diffusion import (
    b_shown,
    computed_share,
    fit_adc,
    is_computed,
    noise_sd,
    refit_ratio,
)
from harmonise.planned import PlannedVolume
from harmonise.volume import Grid, Volume

__all__ = ["FIT_B", "Check", "check_diffusion", "needs_check"]

REFIT_RANGE = (0.95, 1.05)
"""Ratio of the ADC refitted to the delivered one; PROSTATEx: 1.02 to 1.04."""

B_TOLERANCE = 0.03
"""Largest part by which the b-value a computed image shows may differ from what its header says."""

FIT_B = (45.0, 1050.0)
"""s/mm2: below, perfusion adds to diffusion; above, the decay is no longer one exponential."""

B_SPREAD = 300.0
"""s/mm2 between the lowest and the highest b-value of a fit; less, and noise decides."""

CENTRAL_FRACTION = 1 / 3
FEWEST_VOXELS = 200
PLAUSIBLE_ADC = (100.0, 4000.0)
"""um2/s; outside lies noise."""

ROLES = frozenset({"adc", "adc_refit", "dwi", "dwi_calc"})

Box = NDArray[np.float64]


@dataclass(frozen=True)
class Check:
    """What was found of one volume: flags, and the numbers behind them."""

    codes: tuple[str, ...] = ()
    qc: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Image:
    planned: PlannedVolume
    box: Box


def needs_check(volumes: Iterable[PlannedVolume]) -> list[PlannedVolume]:
    """Return the volumes of a study that can be held against each other; none where too few are."""
    found = [one for one in volumes if one.role.name in ROLES]
    return found if len({one.role.b_value for one in found if one.role.name == "dwi"}) > 1 else []


def check_diffusion(volumes: Sequence[tuple[PlannedVolume, Volume]]) -> dict[str, Check]:
    """Return what the pixels say of each volume, by volume id.

    ``MR_ADC_FROM_WRONG_B``
        The delivered ADC is not what the acquired images give (refit ratio outside 0.95-1.05).
    ``MR_CALCULATED_B_AS_ACQUIRED``
        An image that its header does not call computed has less noise than an acquired one must.
    ``MR_B_NOT_AS_SAID``
        A computed image shows a b-value more than 3 % off the header's.
    ``MR_ADC_REFIT_DIFFERS``
        The ADC computed again on the common b set is more than 5 % off the scanner's.

    Only images on one native grid are compared, acquired ones of one series among themselves.

    Parameters
    ----------
    volumes : sequence of (PlannedVolume, Volume)
        Native real values, before any step.
    """
    found: dict[str, Check] = {}
    for group in _on_one_grid(volumes):
        for series_uid in sorted({one.planned.stack.series_uid for one in group}):
            acquired = _acquired(group, series_uid)
            if max(acquired, default=0.0) - min(acquired, default=0.0) < B_SPREAD:
                continue
            for one in group:
                check = _checked(one, acquired, is_own=one.planned.stack.series_uid == series_uid)
                if check is not None:
                    found.setdefault(one.planned.volume_id, check)
        found |= _refits(group)
    return found


def _refits(group: Sequence[_Image]) -> dict[str, Check]:
    """Return the median ratio of an ADC computed again to the scanner's on the same grid."""
    vendor = next((one.box for one in group if one.planned.role.name == "adc"), None)
    found = {}
    for one in group:
        if one.planned.role.name != "adc_refit" or vendor is None:
            continue
        low, high = PLAUSIBLE_ADC
        with np.errstate(invalid="ignore"):
            both = (one.box > low) & (one.box < high) & (vendor > low) & (vendor < high)
        if int(both.sum()) < FEWEST_VOXELS:
            continue
        ratio = float(np.median(one.box[both] / vendor[both]))
        is_near = REFIT_RANGE[0] <= ratio <= REFIT_RANGE[1]
        codes = () if is_near else ("MR_ADC_REFIT_DIFFERS",)
        found[one.planned.volume_id] = Check(codes, {"over_scanner_adc": ratio})
    return found


def _on_one_grid(volumes: Sequence[tuple[PlannedVolume, Volume]]) -> list[list[_Image]]:
    groups: list[tuple[Grid, str | None, list[_Image]]] = []
    for planned, volume in volumes:
        if not volume.grid.positioned or None in volume.grid.spacing_mm:
            continue
        frame = planned.stack.frame_of_reference_uid
        image = _Image(planned, _central(volume))
        for grid, other, members in groups:
            if other == frame and _same(grid, volume.grid):
                members.append(image)
                break
        else:
            groups.append((volume.grid, frame, [image]))
    return [members for _, _, members in groups]


def _same(one: Grid, two: Grid) -> bool:
    return one.shape == two.shape and bool(np.allclose(one.affine(), two.affine(), atol=1e-3))


def _central(volume: Volume) -> Box:
    """Return the middle third of every axis: body, not air."""
    parts = []
    for length in volume.values.shape:
        margin = int(length * (1 - CENTRAL_FRACTION) / 2)
        parts.append(slice(margin, length - margin))
    return volume.values[tuple(parts)].astype(np.float64)


def _acquired(group: Sequence[_Image], series_uid: str) -> dict[float, Box]:
    """Return the acquired images of one series by b-value: the geometric mean over directions."""
    logs: dict[float, list[Box]] = {}
    for one in group:
        role, b_value = one.planned.role, one.planned.role.b_value
        is_own = one.planned.stack.series_uid == series_uid
        if is_own and role.name == "dwi" and role.calculated is False and b_value is not None:
            with np.errstate(divide="ignore", invalid="ignore"):
                logs.setdefault(b_value, []).append(np.log(one.box))
    return {
        b: np.exp(np.mean(images, axis=0))
        for b, images in logs.items()
        if FIT_B[0] <= b <= FIT_B[1]
    }


def _checked(one: _Image, acquired: dict[float, Box], *, is_own: bool) -> Check | None:
    """Hold one image against the acquired ones of a series."""
    role = one.planned.role
    if role.name == "adc_refit":
        return None
    others = {b: box for b, box in acquired.items() if not (is_own and b == role.b_value)}
    if len(others) < 2:
        return None
    measured = np.isfinite(one.box) & (one.box > 0)
    for box in acquired.values():
        measured &= np.isfinite(box) & (box > 0)
    if not measured.any():
        return None
    fit = fit_adc({b: np.where(measured, box, 1.0) for b, box in acquired.items()})
    measured &= (fit.adc_um2_s > PLAUSIBLE_ADC[0]) & (fit.adc_um2_s < PLAUSIBLE_ADC[1])
    if int(measured.sum()) < FEWEST_VOXELS:
        return None
    image = one.box[measured]
    within = {b: box[measured] for b, box in acquired.items()}
    if role.name == "adc":
        return _adc(image, within)
    return _image(one, image, {b: within[b] for b in others})


def _adc(delivered: Box, images: dict[float, Box]) -> Check:
    ratio = refit_ratio(fit_adc(images), delivered)
    is_right = REFIT_RANGE[0] <= ratio <= REFIT_RANGE[1]
    return Check(() if is_right else ("MR_ADC_FROM_WRONG_B",), {"adc_refit_ratio": ratio})


def _image(one: _Image, image: Box, others: dict[float, Box]) -> Check | None:
    """Tell an acquired image from a computed one, and the b-value a computed one shows."""
    role = one.planned.role
    noise = noise_sd(others)  # an image that helped to tell the noise would look quiet
    codes, qc = [], {}
    if noise:
        share = computed_share(image, others, noise)
        qc["noise_over_acquired"] = share
        if role.name == "dwi" and is_computed(share):
            codes.append("MR_CALCULATED_B_AS_ACQUIRED")
    if role.name == "dwi_calc" and role.b_value:
        shown = b_shown(image, others, fit_adc(others).adc_um2_s)
        qc["b_value_shown"] = shown
        if abs(shown - role.b_value) > B_TOLERANCE * role.b_value:
            codes.append("MR_B_NOT_AS_SAID")
    return Check(tuple(codes), qc) if qc else None
