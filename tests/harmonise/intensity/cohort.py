"""A made cohort: pelvises at four sites whose scanners bend the grey scale; the truth is known.

Frozen before the method was written: change nothing here to make a test pass. Every subject has
proportions, tissue signals, bladder and rectal gas of its own, drawn alike at every site, so that a
difference between sites can only come from the scanners.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from harmonise.volume import Grid, Volume

__all__ = ["SITES", "SUBJECTS_PER_SITE", "Subject", "cohort", "contrast"]

SUBJECTS_PER_SITE = 20
SEED = 20261125

GRID = Grid(shape=(12, 56, 56), spacing_mm=(5.0, 4.0, 4.0))
"""60 x 224 x 224 mm: the whole body is in the field of view, with air around it."""

LABELS = ("air", "fat", "muscle", "marrow", "bladder", "gland", "lesion", "gas")

T2W = (0.0, 640.0, 190.0, 430.0, 980.0, 560.0, 300.0, 0.0)
"""Signal of each label, arbitrary units."""

ADC = (0.0, 300.0, 1350.0, 450.0, 2900.0, 1600.0, 750.0, 0.0)
"""1e-6 mm2/s."""

NOISE = 9.0
SUBJECT_SPREAD = 0.04
"""Log-normal spread of each tissue's signal from subject to subject."""
GAIN_SPREAD = 0.08
"""Log-normal spread of a scanner's gain from examination to examination."""
TEXTURE = 0.05
"""Relative spread within a tissue."""

Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Site:
    """A hospital: the vendor of its scanner and the curve from signal to recorded value."""

    vendor: str
    curve: Curve


SITES: MappingProxyType[str, Site] = MappingProxyType(
    {
        "north": Site("siemens", lambda x: 0.6 * x),
        "east": Site("ge", lambda x: 3.4 * 1000.0 * (x / 1000.0) ** 0.75),
        "south": Site("philips", lambda x: 0.9 * x + 350.0 * (1.0 - np.exp(-x / 300.0))),
        "west": Site("siemens", lambda x: 1.5 * x * (0.7 + 0.5 * x / 1000.0)),
    }
)
"""All curves rise everywhere between air and urine, and no two differ by a factor alone."""


@dataclass(frozen=True)
class Subject:
    """One examination, with its truth: ``labels`` has the shape of the volumes."""

    site: str
    name: str
    t2w: Volume
    adc: Volume
    labels: NDArray[np.uint8]

    def tissue(self, name: str) -> NDArray[np.bool_]:
        """Return the mask of a tissue."""
        mask: NDArray[np.bool_] = self.labels == LABELS.index(name)
        return mask


def cohort(subjects: int = SUBJECTS_PER_SITE) -> Iterator[Subject]:
    """Yield the cohort, site by site, one subject in memory at a time."""
    for number, site in enumerate(SITES):
        for index in range(subjects):
            rng = np.random.default_rng([SEED, number, index])
            yield _subject(site, f"{site}-{index:02d}", rng)


def contrast(values: NDArray[np.floating], subject: Subject) -> float:
    """Return the lesion's contrast to noise: gland minus lesion over their pooled spread."""
    gland, lesion = values[subject.tissue("gland")], values[subject.tissue("lesion")]
    spread = np.sqrt((gland.var(dtype=np.float64) + lesion.var(dtype=np.float64)) / 2)
    return float((gland.mean(dtype=np.float64) - lesion.mean(dtype=np.float64)) / spread)


def _subject(site: str, name: str, rng: np.random.Generator) -> Subject:
    labels = _anatomy(rng)
    own = np.exp(rng.normal(0.0, SUBJECT_SPREAD, len(LABELS)))
    texture = 1.0 + TEXTURE * rng.standard_normal(GRID.shape)
    signal = np.asarray(T2W)[labels] * own[labels] * texture
    # magnitude of a complex signal: noise in both channels of the receiver
    real, imaginary = rng.normal(0.0, NOISE, (2, *GRID.shape))
    magnitude = np.hypot(signal + real, imaginary)
    gain = float(np.exp(rng.normal(0.0, GAIN_SPREAD)))
    recorded = np.rint(gain * SITES[site].curve(magnitude))
    adc = np.asarray(ADC)[labels] * (1.0 + TEXTURE * rng.standard_normal(GRID.shape))
    return Subject(
        site,
        name,
        Volume(recorded.astype(np.float32), GRID, "[arb'U]"),
        Volume(adc.astype(np.float32), GRID, "10*-6.mm2/s", quantitative=True),
        labels,
    )


def _anatomy(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the labels of one pelvis; millimetres about the middle of the grid."""
    z, y, x = (
        (np.arange(count) - (count - 1) / 2).reshape(
            [-1 if axis == other else 1 for other in range(3)]
        )
        * step
        for axis, (count, step) in enumerate(zip(GRID.shape, (5.0, 4.0, 4.0), strict=True))
    )
    wide, deep, size = rng.uniform(92, 104), rng.uniform(70, 80), rng.uniform(0.85, 1.2)
    side = float(rng.choice([-1.0, 1.0]))
    labels = np.zeros(GRID.shape, np.uint8)

    def paint(name: str, centre: tuple[float, ...], radii: tuple[float, ...]) -> None:
        (cz, cy, cx), (rz, ry, rx) = centre, radii
        inside = ((z - cz) / rz) ** 2 + ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1.0
        labels[inside] = LABELS.index(name)

    endless = 1e4
    paint("fat", (0, 0, 0), (endless, deep, wide))
    paint("muscle", (0, 2, 0), (endless, deep - 16, wide - 14))
    paint("fat", (0, 4, 0), (endless, 38, 40))
    for left in (-1.0, 1.0):
        paint("marrow", (10, -4, 62 * left), (24, 20, 18))
        paint("muscle", (0, 4, 36 * left), (endless, 24, 8))
    paint("bladder", (26, -14, 0), (14, *rng.uniform([16, 20], [24, 30])))
    paint("gland", (-4, 0, 0), (18 * size, 16 * size, 22 * size))
    paint("lesion", (-6, 7 * size, 11 * side * size), (8, 7, 8))
    paint("gas", (0, 28, rng.uniform(-4, 4)), (endless, *rng.uniform([2, 3], [9, 11])))
    return labels
