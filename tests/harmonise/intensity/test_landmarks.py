"""Landmarks against published values, an independent package and arithmetic by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import InconsistentSeries
from harmonise.landmarks import (
    apply_curve,
    apply_landmarks,
    balanced_weights,
    image_landmarks,
    smooth_curve,
    standard_scale,
)
from tests.harmonise.intensity.five_volumes import KEPT, digest, five_volumes

DECILES = (1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 99)

PUBLISHED = (0, 5.2008, 7.8984, 10.8878, 30.235, 35.3457, 38.1307, 40.7624, 44.1815, 76.6677, 100)
"""Standard scale of the five volumes, found alike by intensity-normalization and TorchIO."""

TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def volumes():
    return five_volumes()


@pytest.fixture(scope="module")
def landmarks(volumes):
    return [image_landmarks(v.reshape(-1), DECILES) for v in volumes]


def test_the_volumes_are_those_the_referee_was_given(volumes, referee):
    assert [digest(v) for v in volumes] == referee["inputs_sha256"]
    assert referee["versions"]["intensity-normalization"] == "3.0.1"


def test_the_standard_scale_is_the_published_one(landmarks):
    assert standard_scale(landmarks, [1.0] * 5) == pytest.approx(PUBLISHED, abs=5.1e-5)


def test_the_standard_scale_is_the_referees(landmarks, referee):
    scale = standard_scale(landmarks, [1.0] * 5)

    assert tuple(referee["ranks"]) == DECILES
    assert scale == pytest.approx(referee["scale"], abs=TOLERANCE)


def test_every_output_is_the_referees_beyond_the_ends_too(volumes, landmarks, referee):
    scale = standard_scale(landmarks, [1.0] * 5)
    for index, volume in enumerate(volumes):
        made = apply_landmarks(volume, landmarks[index], scale, "extrapolate")

        assert made.reshape(-1)[::KEPT] == pytest.approx(
            referee["outputs"][index], abs=TOLERANCE, rel=0
        )
        ends = [float(made.min()), float(made.max())]
        assert ends == pytest.approx(referee["output_ends"][index], abs=TOLERANCE, rel=0)
        assert ends[0] < 0
        assert ends[1] > 100


def test_percentiles_vary_by_a_quarter_before_and_a_three_hundredth_after(volumes, landmarks):
    """Coefficients of variation over the five volumes: 0.24 to 0.31, then at most 0.0033."""
    scale = standard_scale(landmarks, [1.0] * 5)
    after = [
        apply_landmarks(v, mine, scale, "extrapolate")
        for v, mine in zip(volumes, landmarks, strict=True)
    ]

    def spread(images):
        found = np.array([np.percentile(v, (10, 25, 50, 75, 90)) for v in images])
        return found.std(axis=0) / found.mean(axis=0)

    assert spread(volumes).min() == pytest.approx(0.24, abs=0.01)
    assert spread(volumes).max() == pytest.approx(0.31, abs=0.01)
    assert spread(after).max() == pytest.approx(0.0033, abs=5e-5)


def test_between_landmarks_values_lie_on_straight_lines():
    made = apply_landmarks(np.array([10.0, 15, 20, 30, 40]), (10, 20, 40), (0, 60, 100), "clip")

    assert made == pytest.approx([0, 30, 60, 80, 100])


@pytest.mark.parametrize(
    ("beyond", "expected"), [("extrapolate", [-30, 0, 100, 120]), ("clip", [0, 0, 100, 100])]
)
def test_beyond_the_ends_the_lines_go_on_or_values_are_cut(beyond, expected):
    """Slopes 60/10 below and 40/20 above, by hand."""
    made = apply_landmarks(np.array([5.0, 10, 40, 50]), (10, 20, 40), (0, 60, 100), beyond)

    assert made == pytest.approx(expected)


def test_what_was_not_measured_stays_unmeasured():
    made = apply_landmarks(np.array([np.nan, 20.0]), (10, 20, 40), (0, 60, 100), "extrapolate")

    assert np.isnan(made[0])
    assert made[1] == 60


def test_landmarks_that_coincide_become_one_at_their_mean():
    made = apply_landmarks(np.array([10.0, 20, 30]), (10, 20, 20, 30), (0, 40, 60, 100), "clip")

    assert made == pytest.approx([0, 50, 100])


@given(st.floats(0.1, 10), st.floats(-100, 100), st.integers(0, 2**32 - 1))
def test_gain_and_offset_of_an_image_do_not_matter(gain, offset, seed):
    values = np.random.default_rng(seed).gamma(2.0, 100.0, 500)
    scale = (0, 5, 9, 14, 30, 35, 38, 41, 44, 77, 100)
    one, other = (
        apply_landmarks(v, image_landmarks(v, DECILES), scale, "extrapolate")
        for v in (values, gain * values + offset)
    )

    assert other == pytest.approx(one, abs=1e-6)


@given(st.integers(0, 2**32 - 1))
def test_order_of_grey_values_is_never_reversed(seed):
    values = np.sort(np.random.default_rng(seed).gamma(2.0, 100.0, 500))
    scale = (0, 5, 9, 14, 30, 35, 38, 41, 44, 77, 100)

    made = apply_landmarks(values, image_landmarks(values, DECILES), scale, "extrapolate")

    assert (np.diff(made) >= 0).all()


@pytest.mark.parametrize(
    ("values", "code"),
    [(np.arange(99.0), "MASK_EMPTY"), (np.zeros(0), "MASK_EMPTY"), (np.ones(500), "VOLUME_CON")],
)
def test_too_few_voxels_and_a_constant_image_are_refused(values, code):
    with pytest.raises(InconsistentSeries, match=code):
        image_landmarks(values, DECILES)


def test_a_cohort_of_nobody_is_refused():
    with pytest.raises(InconsistentSeries, match="MODEL_TOO_FEW_SUBJECTS"):
        standard_scale([], [])


def test_a_hospital_with_nine_times_the_patients_does_not_set_the_scale():
    origins = [("a", "ge", i) for i in range(90)] + [("b", "philips", i) for i in range(10)]

    weights = balanced_weights(origins)

    assert sum(weights[:90]) == pytest.approx(0.5)
    assert sum(weights) == pytest.approx(1.0)


def test_sites_and_vendors_each_share_half_of_the_weight():
    """Two sites with Siemens and one with GE: (1/3 + 1/4)/2 twice, and (1/3 + 1/2)/2."""
    weights = balanced_weights([("a", "siemens", 1), ("b", "siemens", 2), ("c", "ge", 3)])

    assert weights == pytest.approx([7 / 24, 7 / 24, 10 / 24])


def test_images_of_one_subject_share_its_weight():
    weights = balanced_weights([("a", "ge", 1), ("a", "ge", 1), ("a", "ge", 2)])

    assert weights == pytest.approx([0.25, 0.25, 0.5])


def test_weights_move_the_scale_towards_the_heavier_images():
    scale = standard_scale([(0, 2, 10), (0, 8, 10)], [3, 1])

    assert scale == pytest.approx((0, (3 * 20 + 80) / 4, 100))


def test_a_smooth_curve_gives_back_the_cubic_the_landmarks_lie_on():
    """Landmarks 0 to 10, scale x + x^3 of them: three coefficients by hand."""
    x = np.linspace(0, 1, 11)

    curve = smooth_curve(10 * x, 50 * x + 50 * x**3, DECILES)

    assert curve == pytest.approx([0, 50, 0, 50], abs=1e-9)
    made = apply_curve(np.array([0.0, 5, 10, -1, 12]), 10 * x, curve, "extrapolate")
    # tangents: 50 at the lower end, 50 + 150 at the upper one, a tenth of it a grey level
    assert made == pytest.approx([0, 31.25, 100, -5, 140], abs=1e-9)
    cut = apply_curve(np.array([-1.0, 12]), 10 * x, curve, "clip")
    assert cut == pytest.approx([0, 100], abs=1e-9)


@given(st.integers(0, 2**32 - 1))
def test_a_smooth_curve_never_reverses_the_order_of_grey_values(seed):
    rng = np.random.default_rng(seed)
    values = np.sort(rng.gamma(2.0, 100.0, 500))
    mine = image_landmarks(values, DECILES)
    scale = np.sort(rng.uniform(0, 100, 11))

    made = apply_curve(values, mine, smooth_curve(mine, scale, DECILES), "extrapolate")

    assert (np.diff(made) >= -1e-9).all()
