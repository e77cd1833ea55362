"""One grey scale for all makers of mammographs: synthetic breasts through curves it never saw."""

from __future__ import annotations

import json

import numpy as np
import pytest

from config.library import find_recipe
from harmonise.landmarks import balanced_weights, tissue_landmarks
from harmonise.model import kind_of
from harmonise.series import Role
from harmonise.steps import Context, planned_steps
from harmonise.volume import Grid, Volume
from tests.harmonise.intensity.breasts import (
    FITTED,
    UNSEEN,
    contrast_to_noise,
    distance,
    synthetic_breast,
)

STEPS = {
    step.name: (step, params) for step, params in planned_steps(find_recipe("mammography").steps)
}
FIT_SEEDS, APPLY_SEEDS = range(100, 112), range(2000, 2020)


def masked(image):
    """Return the breast alone, as the recipe's steps before the fitted one leave it."""
    volume = Volume(
        image[np.newaxis], Grid((1, *image.shape), (None, 0.1, 0.1), positioned=False), "1"
    )
    step, params = STEPS["breast_mask"]
    return step.apply(volume, step.decide(volume, params, Context()))


@pytest.fixture(scope="module")
def model():
    """Return the scale of twelve breasts seen by three makers, weighed as the product weighs."""
    step, params = STEPS["landmarks"]
    makers = list(FITTED)
    measured, origins = [], []
    for seed in FIT_SEEDS:
        maker = makers[seed % len(makers)]
        image = synthetic_breast(seed).through(FITTED[maker])
        measured.append(step.fit.measure(masked(image), params))
        origins.append(("site", maker, seed))
    fitted = step.fit.combine(measured, balanced_weights(origins), len(measured), params)
    return json.loads(json.dumps(fitted))


@pytest.fixture(scope="module")
def pairs(model):
    """Return each new breast with what both unseen makers' images were and became."""
    step, params = STEPS["landmarks"]
    found = []
    for seed in APPLY_SEEDS:
        breast = synthetic_breast(seed)
        before, after = [], []
        for curve in UNSEEN.values():
            volume = masked(breast.through(curve))
            result = step.apply(volume, step.decide(volume, params, Context(model=model)))
            before.append(volume.values[0])
            after.append(result.values[0])
        found.append((breast, before, after))
    return found


@pytest.mark.parametrize("tissue", ["fat", "dense"])
def test_one_breast_has_the_same_greys_on_both_makers_machines(pairs, tissue):
    """Kolmogorov-Smirnov distance at least 0.4 before, at most 0.10 after, in every breast."""
    for breast, before, after in pairs:
        where = getattr(breast, tissue)
        assert distance(before[0][where], before[1][where]) >= 0.4
        assert distance(after[0][where], after[1][where]) <= 0.10


def test_a_lesion_keeps_its_contrast_to_noise(pairs):
    """Within 5 % for each maker, in the mean of twenty lesions; no lesion loses more than 12 %."""
    kept = np.asarray(
        [
            [
                contrast_to_noise(a, breast) / contrast_to_noise(b, breast)
                for a, b in zip(after, before, strict=True)
            ]
            for breast, before, after in pairs
        ]
    )

    assert np.abs(kept.mean(axis=0) - 1).max() <= 0.05
    assert np.abs(kept - 1).max() <= 0.12


def test_the_scale_is_whole_black_outside_and_cuts_nothing_inside(pairs):
    for breast, _, (after, _) in pairs:
        inside = breast.fat | breast.dense | breast.lesion
        assert (after == np.rint(after)).all()
        assert after[~inside].max() == 0.0
        assert (after[inside] >= 65535).mean() < 0.01
        assert (after[inside] <= 0).mean() < 0.01


def test_density_moves_no_landmark_of_fat():
    """The same fat beside a fifth and beside a half of dense tissue: its median is its median."""
    rng = np.random.default_rng(8)
    fat, dense = rng.normal(0.3, 0.03, 40_000), rng.normal(0.7, 0.03, 40_000)
    ranks, outer = (25, 50, 75), (0.5, 99.5)

    little = tissue_landmarks(np.concatenate([fat, dense[:10_000]]), ranks, outer)
    much = tissue_landmarks(np.concatenate([fat, dense]), ranks, outer)

    assert little[1:4] == pytest.approx(much[1:4], abs=0.002)
    assert little[4:7] == pytest.approx(much[4:7], abs=0.002)
    assert little[2] == pytest.approx(np.median(fat), abs=0.002)


def test_each_intent_and_view_has_a_scale_of_its_own():
    kinds = {
        kind_of(Role(name, view=view))
        for name in ("mg_presentation", "mg_processing")
        for view in ("CC", "MLO")
    }

    assert len(kinds) == 4
