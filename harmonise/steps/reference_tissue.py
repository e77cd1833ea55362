"""Reference tissue: divide by the signal of one tissue, found as a peak of the histogram.

Shinohara et al., NeuroImage Clin 2014;6:9-19 (doi:10.1016/j.nicl.2014.08.008) find a tissue as a
mode of the smoothed histogram; here the mode becomes 1, so that 0 (no signal) stays 0.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from config.errors import InconsistentSeries
from harmonise.histogram import spread
from harmonise.steps.contract import Context, Step, refuse_quantitative
from harmonise.steps.region import RegionParams, region_values
from harmonise.volume import Volume

__all__ = ["STEP", "ReferenceTissueParams", "tissue_mode"]

BINS = 256
SMOOTHING_BINS = 4.0
"""Standard deviation of the Gaussian over the histogram: 1.6 % of the range."""

TAILS = (0.1, 99.5)
"""Percentiles outside which no tissue is sought: vessels and noise."""

SMALLEST_PROMINENCE = 0.05
"""A peak that stands out by less than this share of the tallest is not a tissue."""

Peak = Literal["darkest", "largest", "brightest"]


class ReferenceTissueParams(RegionParams):
    """Parameters of ``reference_tissue``."""

    mask: Literal["all", "foreground"] = "foreground"
    """Air would be the darkest and often the largest peak."""
    peak: Peak = "largest"
    """Which peak is the tissue: in a T2-weighted pelvis muscle is the darkest."""


def tissue_mode(values: NDArray[np.float64], peak: Peak) -> float:
    """Return the value of a peak of the smoothed histogram.

    Raises
    ------
    InconsistentSeries
        ``VOLUME_CONSTANT``, or ``REFERENCE_TISSUE_NOT_FOUND`` when no peak stands out.
    """
    low, high = (float(v) for v in np.percentile(values, TAILS))
    spread(high - low, "reference_tissue")
    counts, edges = np.histogram(values, bins=BINS, range=(low, high))
    smooth = ndimage.gaussian_filter1d(counts.astype(np.float64), SMOOTHING_BINS, mode="constant")
    padded = np.concatenate([[0.0], smooth, [0.0]])
    peaks = signal.find_peaks(padded, prominence=SMALLEST_PROMINENCE * smooth.max())[0] - 1
    if not peaks.size:
        raise InconsistentSeries("REFERENCE_TISSUE_NOT_FOUND", "no peak in the histogram")
    at = {"darkest": peaks[0], "brightest": peaks[-1], "largest": peaks[np.argmax(smooth[peaks])]}
    return float(low + (at[peak] + 0.5) * (edges[1] - edges[0]))


def _decide(volume: Volume, params: ReferenceTissueParams, _context: Context) -> dict[str, Any]:
    refuse_quantitative(volume, "reference_tissue")
    values, region = region_values(volume, params)
    mode = tissue_mode(values, params.peak)
    if mode <= 0:
        raise InconsistentSeries("REFERENCE_TISSUE_NOT_FOUND", f"its signal would be {mode:g}")
    return {"scale": mode, "peak": params.peak, **region}


def _apply(volume: Volume, decided: dict[str, Any]) -> Volume:
    return volume.with_values(volume.values / np.float32(decided["scale"]), unit="1")


STEP = Step(
    name="reference_tissue",
    kind="intensity",
    params=ReferenceTissueParams,
    decide=_decide,
    apply=_apply,
    derivation="PixelByPixelDivision",
)
