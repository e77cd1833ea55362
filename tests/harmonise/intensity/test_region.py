"""The foreground, the box, and the steps that measure inside them."""

from __future__ import annotations

import numpy as np
import pytest

from config.errors import InconsistentSeries
from config.recipe import StepSpec
from harmonise.steps import STEPS, Context, planned_steps
from harmonise.steps.foreground import foreground_of
from harmonise.steps.reference_tissue import tissue_mode
from harmonise.steps.region import RegionParams, region_values
from harmonise.volume import Grid, Volume
from tests.harmonise.intensity.cohort import LABELS, cohort


@pytest.fixture(scope="module")
def subjects():
    return list(cohort(2))


def test_the_foreground_is_the_body_at_every_site(subjects):
    """Dice with the truth; a scanner that brightens dark tissue must not move air into the body."""
    for subject in subjects:
        truth = (subject.labels != LABELS.index("air")) & ~subject.tissue("gas")
        found = foreground_of(subject.t2w.values).mask
        assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.99, subject.name


def test_muscle_is_foreground_although_fat_is_far_brighter(subjects):
    for subject in subjects:
        assert foreground_of(subject.t2w.values).mask[subject.tissue("muscle")].mean() > 0.99


def test_a_field_of_view_inside_the_body_has_no_air_and_is_foreground_whole(subjects):
    """Muscle, fat and marrow alone: Otsu would call the muscle background."""
    subject = subjects[0]
    tissue = np.isin(subject.labels, [LABELS.index(n) for n in ("fat", "muscle", "marrow")])
    inside = subject.t2w.values[tissue][:9000].reshape(10, 30, 30)

    found = foreground_of(inside)

    assert found.air_below is None
    assert found.mask.all()


def test_what_the_field_of_view_does_not_cover_is_never_foreground(subjects):
    values = subjects[0].t2w.values.copy()
    values[:3] = np.nan

    found = foreground_of(values)

    assert not found.mask[:3].any()
    assert found.mask[3:].any()


def test_a_bright_speck_beside_the_body_is_not_foreground(subjects):
    values = subjects[0].t2w.values.copy()
    values[5, 1:3, 1:3] = 500

    assert not foreground_of(values).mask[5, 1:3, 1:3].any()


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (np.full((4, 8, 8), np.nan), "VOLUME_EMPTY"),
        (np.full((4, 8, 8), 7.0), "VOLUME_CONSTANT"),
    ],
)
def test_an_empty_and_a_constant_image_are_refused(values, code):
    with pytest.raises(InconsistentSeries, match=code):
        foreground_of(values.astype(np.float32))


def test_noise_with_one_bright_voxel_holds_no_body():
    values = np.zeros((4, 16, 16), np.float32)
    values[2, 8, 8] = 1000

    with pytest.raises(InconsistentSeries, match="MASK_EMPTY"):
        foreground_of(values)


def test_box_and_foreground_are_both_honoured():
    values = np.zeros((4, 40, 40), np.float32)
    values[:, :, 18:] = 100 + np.arange(22, dtype=np.float32)
    values += np.random.default_rng(1).normal(0, 0.5, values.shape).astype(np.float32)
    volume = Volume(values, Grid((4, 40, 40), (1.0, 1.0, 1.0)), "[arb'U]")

    found, facts = region_values(volume, RegionParams(mask="foreground", box_mm=(4, 10, 10)))

    assert found.size == 4 * 10 * 7
    assert facts["air_below"] < 100


@pytest.mark.parametrize("name", ["zscore", "percentile"])
def test_air_does_not_count_in_a_mask(name, subjects):
    subject = subjects[0]
    ((step, params),) = planned_steps([StepSpec(step=name, params={"mask": "foreground"})])

    decided = step.decide(subject.t2w, params, Context())

    truth = (subject.labels != LABELS.index("air")) & ~subject.tissue("gas")
    assert decided["voxels"] == pytest.approx(truth.sum(), rel=0.02)
    if name == "zscore":
        mean = float(subject.t2w.values[truth].mean(dtype=np.float64))
        assert decided["centre"] == pytest.approx(mean, rel=0.02)


@pytest.mark.parametrize(
    ("peak", "expected"), [("darkest", 100), ("largest", 220), ("brightest", 400)]
)
def test_the_modes_of_three_tissues_are_found(peak, expected):
    """The mixture of the five volumes: N(100, 15), N(220, 20), N(400, 40)."""
    rng = np.random.default_rng(3)
    tissues = ((100, 15, 60000), (220, 20, 90000), (400, 40, 40000))
    parts = [rng.normal(*tissue) for tissue in tissues]

    assert tissue_mode(np.concatenate(parts), peak) == pytest.approx(expected, abs=6)


def test_the_reference_tissue_becomes_1_at_every_site(subjects):
    """Muscle is the darkest peak of the body; its mean lies near its mode."""
    step = STEPS["reference_tissue"]
    for subject in subjects:
        decided = step.decide(subject.t2w, step.params(peak="darkest"), Context())
        made = step.apply(subject.t2w, decided)
        muscle = float(np.median(made.values[subject.tissue("muscle")]))
        assert muscle == pytest.approx(1.0, abs=0.05), subject.name
        assert made.unit == "1"


def test_values_without_a_positive_peak_have_no_reference_tissue():
    values = np.random.default_rng(1).normal(-300, 10, (4, 32, 32)).astype(np.float32)
    volume = Volume(values, Grid((4, 32, 32), (1.0, 1.0, 1.0)), "[arb'U]")
    step = STEPS["reference_tissue"]

    with pytest.raises(InconsistentSeries, match="REFERENCE_TISSUE_NOT_FOUND"):
        step.decide(volume, step.params(mask="all"), Context())
