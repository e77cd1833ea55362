"""Omega squared by hand, and what the landmarks do to a cohort whose truth is known."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from config.errors import InconsistentSeries
from config.library import find_recipe
from harmonise.landmarks import balanced_weights
from harmonise.site_effect import omega_squared
from harmonise.steps import STEPS, Context
from tests.harmonise.intensity.cohort import SITES, SUBJECTS_PER_SITE, cohort, contrast


def test_omega_squared_by_hand():
    """Means 2 and 6, grand 4: SSb 24, SSw 4, MSw 1, SSt 28; (24 - 1) / (28 + 1)."""
    assert omega_squared({"a": [1, 2, 3], "b": [5, 6, 7]}) == pytest.approx(23 / 29)


def test_sites_that_are_alike_give_less_than_nothing():
    """SSb 0, SSw 4, MSw 1: (0 - 1) / (4 + 1)."""
    assert omega_squared({"a": [1, 2, 3], "b": [1, 2, 3]}) == pytest.approx(-0.2)


@pytest.mark.parametrize(
    "groups", [{}, {"a": [1, 2, 3]}, {"a": [1], "b": [2]}, {"a": [1, 1], "b": [1, 1]}]
)
def test_what_cannot_be_told_is_not_told(groups):
    assert omega_squared(groups) is None


@pytest.fixture(scope="module")
def judged():
    """Fit over the cohort and apply as the prostate recipe does, on a field as its grid."""
    recipe = find_recipe("prostate-mpmri")
    (spec,) = [s for s in recipe.role_steps["t2w_ax"] if s.step == "landmarks"]
    step = STEPS["landmarks"]
    params = step.params(**spec.params, box_mm=(60, 128, 128))
    origins, measured = [], []
    subjects = list(cohort())
    for subject in subjects:
        origins.append((subject.site, SITES[subject.site].vendor, subject.name))
        measured.append(step.fit.measure(subject.t2w, params))
    weights = balanced_weights(origins)
    model = step.fit.combine(measured, weights, len(measured), params)
    found = {
        side: {"muscle": defaultdict(list), "fat": defaultdict(list), "contrast": []}
        for side in ("before", "after")
    }
    for subject in subjects:
        decided = step.decide(subject.t2w, params, Context(model=model))
        sides = {"before": subject.t2w, "after": step.apply(subject.t2w, decided)}
        for side, volume in sides.items():
            for tissue in ("muscle", "fat"):
                mean = float(volume.values[subject.tissue(tissue)].mean(dtype=np.float64))
                found[side][tissue][subject.site].append(mean)
            found[side]["contrast"].append(contrast(volume.values, subject))
    return found


@pytest.mark.parametrize("tissue", ["muscle", "fat"])
def test_the_site_explains_at_least_30_percent_before_and_at_most_5_after(judged, tissue):
    before, after = (omega_squared(judged[side][tissue]) for side in ("before", "after"))

    assert {len(values) for values in judged["after"][tissue].values()} == {SUBJECTS_PER_SITE}
    assert before >= 0.30
    assert after <= 0.05


def test_the_lesions_contrast_is_kept_within_5_percent(judged):
    before, after = (float(np.mean(judged[side]["contrast"])) for side in ("before", "after"))

    assert after / before == pytest.approx(1.0, abs=0.05)


def test_the_adc_of_the_cohort_is_left_alone():
    subject = next(cohort(1))
    step = STEPS["landmarks"]
    model = {"ranks": [1, 99], "scale": [0, 100]}

    with pytest.raises(InconsistentSeries, match="QUANTITATIVE_NOT_NORMALISED"):
        step.fit.measure(subject.adc, step.params(ranks=(1, 99)))
    with pytest.raises(InconsistentSeries, match="QUANTITATIVE_NOT_NORMALISED"):
        step.decide(subject.adc, step.params(), Context(role="adc", model=model))
    steps = [s.step for s in find_recipe("prostate-mpmri").role_steps["adc"]]
    assert "resample" in steps
    assert {STEPS[name].kind for name in steps} == {"geometry"}
