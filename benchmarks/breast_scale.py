"""Grey levels of two makers of mammographs before and after one scale fitted to others.

Synthetic breasts (tests/harmonise/intensity/breasts.py); the scale is fitted to other breasts and
three other curves. Prints a table in Markdown.
"""

from __future__ import annotations

import numpy as np

from config.library import find_recipe
from harmonise.landmarks import balanced_weights
from harmonise.steps import Context, planned_steps
from harmonise.volume import Grid, Volume
from tests.harmonise.intensity.breasts import (
    FITTED,
    Curve,
    contrast_to_noise,
    distance,
    synthetic_breast,
)

FIT_SEEDS, APPLY_SEEDS = range(100, 112), range(2000, 2020)

PAIRS: dict[str, tuple[Curve, Curve]] = {
    "x^1.3, log(1 + 2x)": (lambda x: x**1.3, lambda x: np.log1p(2 * x) / np.log(3.0)),
    "x^1.5, log(1 + 4x)": (lambda x: x**1.5, lambda x: np.log1p(4 * x) / np.log(5.0)),
    "x^1.8, log(1 + 6x)": (lambda x: x**1.8, lambda x: np.log1p(6 * x) / np.log(7.0)),
    "x^2.2, log(1 + 9x)": (lambda x: x**2.2, lambda x: np.log1p(9 * x) / np.log(10.0)),
}

STEPS = {s.name: (s, p) for s, p in planned_steps(find_recipe("mammography").steps)}


def masked(image: np.ndarray) -> Volume:
    """Return the breast alone."""
    grid = Grid((1, *image.shape), (None, 0.1, 0.1), positioned=False)
    volume = Volume(image[np.newaxis], grid, "1")
    step, params = STEPS["breast_mask"]
    return step.apply(volume, step.decide(volume, params, Context()))


def main() -> None:
    """Fit once, apply to twenty breasts through each pair of curves."""
    step, params = STEPS["landmarks"]
    assert step.fit is not None
    makers = list(FITTED)
    measured, origins = [], []
    for seed in FIT_SEEDS:
        maker = makers[seed % len(makers)]
        image = masked(synthetic_breast(seed).through(FITTED[maker]))
        measured.append(step.fit.measure(image, params))
        origins.append(("site", maker, seed))
    model = step.fit.combine(measured, balanced_weights(origins), len(measured), params)
    print("| curves | fat | dense | contrast kept | of one breast, two makers apart |")
    print("|---|---|---|---|---|")
    for name, curves in PAIRS.items():
        print(_row(name, curves, model))


def _row(name: str, curves: tuple[Curve, Curve], model: dict[str, object]) -> str:
    step, params = STEPS["landmarks"]
    apart: dict[str, list[tuple[float, float]]] = {"fat": [], "dense": []}
    ratios, gaps = [], []
    for seed in APPLY_SEEDS:
        breast = synthetic_breast(seed)
        before = [masked(breast.through(curve)) for curve in curves]
        after = [step.apply(v, step.decide(v, params, Context(model=model))) for v in before]
        b, a = [[v.values[0] for v in side] for side in (before, after)]
        for tissue, rows in apart.items():
            where = getattr(breast, tissue)
            rows.append((distance(b[0][where], b[1][where]), distance(a[0][where], a[1][where])))
        cnr = [[contrast_to_noise(v, breast) for v in side] for side in (b, a)]
        ratios.append([cnr[1][i] / cnr[0][i] for i in (0, 1)])
        gaps.append([abs(side[0] / side[1] - 1) for side in cnr])
    columns = [
        f"{min(x for x, _ in rows):.2f} → {max(y for _, y in rows):.3f}" for rows in apart.values()
    ]
    first, second = np.mean(ratios, axis=0)
    was, became = np.mean(gaps, axis=0)
    kept = f"{first:.3f}, {second:.3f}"
    return f"| {name} | {' | '.join(columns)} | {kept} | {was:.1%} → {became:.1%} |"


if __name__ == "__main__":
    main()
