"""Reference tissue: divide by the signal of one tissue, found as a peak of the histogram.

Shinohara et al., NeuroImage Clin 2014;6:9-19 (doi:10.1016/j.nicl.2014.08.008) find a tissue as a
mode of the smoothed histogram; here the mode becomes 1, so that 0 (no signal) stays 0, or with
``scale: zscore`` the mode becomes 0 and the spread of the tissue 1.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from config.errors import InconsistentSeries
from harmonise.histogram import spread
from harmonise.steps.contract import Context, Step, refuse_quantitative
from harmonise.steps.region import RegionParams, region_values
from harmonise.volume import Volume

__all__ = ["STEP", "ReferenceTissueParams", "tissue_mode", "tissue_peak"]

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
    scale: Literal["ratio", "zscore"] = "ratio"
    """Divide by the tissue's signal, or take it off and divide by the tissue's own spread."""


HALF_WIDTH_PER_SD = 1.1774
"""sqrt(2 ln 2): half of the full width at half maximum of a normal distribution, over its SD."""


def tissue_mode(values: NDArray[np.float64], peak: Peak) -> float:
    """Return the value of a peak of the smoothed histogram; as :func:`tissue_peak`."""
    return tissue_peak(values, peak)[0]


def tissue_peak(values: NDArray[np.float64], peak: Peak) -> tuple[float, float]:
    """Return value and standard deviation of a peak of the smoothed histogram.

    The spread is that of the flank without other tissue nearer: half the width at half maximum,
    the smaller of both sides, less the smoothing; one bin at least.

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
    from scipy import signal  # takes 27 MB, and few recipes ask for it

    peaks = signal.find_peaks(padded, prominence=SMALLEST_PROMINENCE * smooth.max())[0] - 1
    if not peaks.size:
        raise InconsistentSeries("REFERENCE_TISSUE_NOT_FOUND", "no peak in the histogram")
    named = {"darkest": 0, "brightest": -1, "largest": int(np.argmax(smooth[peaks]))}
    at, width = int(peaks[named[peak]]), float(edges[1] - edges[0])
    below = np.flatnonzero(smooth[:at] < smooth[at] / 2)
    above = np.flatnonzero(smooth[at:] < smooth[at] / 2)
    flanks = [*(at - below[-1:]), *above[:1]]
    bins = float(min(flanks)) / HALF_WIDTH_PER_SD if flanks else 0.0
    sd = width * float(np.sqrt(max(bins**2 - SMOOTHING_BINS**2, 1.0)))
    return float(low + (at + 0.5) * width), sd


def _decide(volume: Volume, params: ReferenceTissueParams, _context: Context) -> dict[str, Any]:
    refuse_quantitative(volume, "reference_tissue")
    values, region = region_values(volume, params)
    mode, sd = tissue_peak(values, params.peak)
    if mode <= 0:
        raise InconsistentSeries("REFERENCE_TISSUE_NOT_FOUND", f"its signal would be {mode:g}")
    if params.scale == "zscore":
        scale = spread(sd, "reference_tissue")
        return {"scale": scale, "offset": mode, "peak": params.peak, **region}
    return {"scale": mode, "peak": params.peak, **region}


def _apply(volume: Volume, decided: dict[str, Any]) -> Volume:
    values = volume.values
    if "offset" in decided:
        values = values - np.float32(decided["offset"])
    return volume.with_values(values / np.float32(decided["scale"]), unit="1")


STEP = Step(
    name="reference_tissue",
    kind="intensity",
    params=ReferenceTissueParams,
    decide=_decide,
    apply=_apply,
    derivation="PixelByPixelDivision",
)
