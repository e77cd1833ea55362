"""Diffusion images held against each other: a known scene with known noise, and PROSTATEx-0000."""

from __future__ import annotations

import json

import numpy as np
import pytest

from config.codes import codes
from config.recipe import Recipe
from harmonise.diffusion import (
    b_shown,
    computed_share,
    fit_adc,
    is_computed,
    noise_sd,
    refit_ratio,
)
from harmonise.geometry import judge
from harmonise.stacks import read_stacks
from harmonise.study import apply_study, plan_study
from harmonise.vendor.pixels import load_volume
from tests.harmonise import builders

SHAPE = (9, 48, 48)
NOISE = 8.0


def truth(seed=3):
    """Return S0 and ADC (um2/s) of a scene of tissue between 700 and 1800."""
    rng = np.random.default_rng(seed)
    return rng.uniform(600, 1000, SHAPE), rng.uniform(700, 1800, SHAPE)


def acquired(b_value, seed, noise=NOISE):
    """Return a magnitude image: the square root of two noisy channels (Gudbjartsson 1995)."""
    s0, adc = truth()
    rng = np.random.default_rng(seed)
    signal = s0 * np.exp(-b_value * adc * 1e-6)
    real = signal + rng.normal(0, noise, SHAPE)
    return np.hypot(real, rng.normal(0, noise, SHAPE))


def scan(b_values=(50.0, 400.0, 800.0)):
    return {b: acquired(b, seed=int(b)) for b in b_values}


def computed(b_value, images):
    """Return what a scanner's console makes: the fitted line at another b, in whole numbers."""
    fit = fit_adc(images)
    return np.maximum(np.round(np.exp(fit.log_s0 - b_value * fit.adc_um2_s * 1e-6)), 1)


def test_the_fit_of_a_noiseless_decay_is_its_adc_and_s0():
    s0, adc = truth()

    fit = fit_adc({b: s0 * np.exp(-b * adc * 1e-6) for b in (0.0, 100.0, 500.0, 1000.0)})

    assert fit.adc_um2_s == pytest.approx(adc, rel=1e-9)
    assert np.exp(fit.log_s0) == pytest.approx(s0, rel=1e-9)


def test_the_fit_is_numpys_line_through_the_logarithms():
    images = scan()
    flat = np.stack([np.log(images[b]).ravel() for b in sorted(images)])

    slope, start = np.polyfit(sorted(images), flat, 1)

    fit = fit_adc(images)
    assert fit.adc_um2_s.ravel() == pytest.approx(-slope * 1e6)
    assert fit.log_s0.ravel() == pytest.approx(start)


def test_the_noise_is_told_from_three_b_values_and_not_from_two():
    assert noise_sd(scan()) == pytest.approx(NOISE, rel=0.05)
    assert noise_sd(scan((50.0, 800.0))) is None


@pytest.mark.parametrize("b_value", [1000.0, 1400.0, 2000.0])
def test_an_image_shows_its_b_value_to_3_percent(b_value):
    images = scan()

    shown = b_shown(computed(b_value, images), images, fit_adc(images).adc_um2_s)

    assert shown == pytest.approx(b_value, rel=0.03)


@pytest.mark.parametrize("b_value", [1000.0, 1400.0])
@pytest.mark.parametrize("source", [(50.0, 400.0, 800.0), (50.0, 800.0)], ids=["all", "two"])
def test_a_computed_image_is_told_from_an_acquired_one_whatever_it_was_computed_of(b_value, source):
    images = scan()
    noise = noise_sd(images)
    made = computed(b_value, {b: images[b] for b in source})

    assert is_computed(computed_share(made, images, noise)) is True
    assert is_computed(computed_share(acquired(b_value, 7), images, noise)) is False


@pytest.mark.parametrize("averages", [2, 4])
def test_an_acquired_image_of_more_averages_is_not_taken_for_a_computed_one(averages):
    images = scan()
    quiet = acquired(1000.0, 7, noise=NOISE / np.sqrt(averages))

    assert is_computed(computed_share(quiet, images, noise_sd(images))) is not True


def prostatex(realdata, folder):
    paths = sorted((realdata / "MR/prostatex-0000-siemens-skyra" / folder).iterdir())
    stacks, _ = read_stacks(paths)
    return {s.b_value: load_volume(s, judge(s)).values.astype(float) for s in stacks}


@pytest.fixture(scope="module")
def regions(realdata):
    """Central third of every axis, where all images have a signal."""
    volumes = prostatex(realdata, "dwi_b50-400-800")
    adc = prostatex(realdata, "adc")[None]
    made = prostatex(realdata, "calc_bval")[1000.0]
    middle = tuple(slice(n // 3, n - n // 3) for n in adc.shape)
    measured = np.ones(adc[middle].shape, bool)
    for volume in (*volumes.values(), adc, made):
        measured &= volume[middle] > 0
    within = {b: volume[middle][measured] for b, volume in volumes.items()}
    return within, adc[middle][measured], made[middle][measured]


@pytest.mark.realdata
def test_the_refit_of_the_real_prostate_is_the_vendors_map_to_5_percent(regions):
    """1.026 in a smaller region (harmonisation.md 2.4)."""
    images, adc, _ = regions

    assert refit_ratio(fit_adc(images), adc) == pytest.approx(1.03, abs=0.02)


@pytest.mark.realdata
def test_the_real_computed_b_1000_shows_1000_and_is_told_as_computed(regions):
    """1009 from the lowest b, 987 from the highest (harmonisation.md 2.4): 998 between."""
    images, adc, made = regions

    assert b_shown(made, images, adc) == pytest.approx(998, rel=0.02)
    assert is_computed(computed_share(made, images, noise_sd(images))) is True


@pytest.mark.realdata
@pytest.mark.parametrize("b_value", [50.0, 400.0, 800.0])
def test_the_real_acquired_images_are_not_taken_for_computed_ones(regions, b_value):
    images, _, _ = regions
    others = {b: image for b, image in images.items() if b != b_value}

    assert is_computed(computed_share(images[b_value], others, noise_sd(images))) is False


def written(folder, extra):
    """Write a study: a scan of three b-values in one series, and each extra in its own."""
    scale = 4  # stored integers keep a quarter
    series = []
    for n, (b_value, image) in enumerate(scan().items()):
        series += builders.dwi(
            SHAPE[0], b_value, values=np.round(image * scale), first_uid=1000 + 20 * n
        )
    for n, (maker, values, changes) in enumerate(extra):
        series += maker(
            SHAPE[0],
            values=np.round(values),
            first_uid=2000 + 20 * n,
            SeriesInstanceUID=builders.uid(50 + n),
            **changes,
        )
    return builders.write_all(series, folder)


def made(tmp_path, *extra):
    """Return the manifest rows of the extra series and the side records of their volumes."""
    paths = written(tmp_path / "in", extra)
    rows = apply_study(plan_study(paths, Recipe(name="native")), tmp_path / "out")
    scanned = [row for row in rows if row.source_series_uids == (builders.uid(10),)]
    assert {row.codes for row in scanned} == {()}
    mine = [row for row in rows if row not in scanned]
    records = []
    for row in mine:
        side = tmp_path / "out" / row.nifti_path.replace(".nii.gz", ".json")
        records.append(json.loads(side.read_bytes()))
    return mine, records


def test_a_computed_image_that_claims_to_be_acquired_is_flagged_and_the_acquired_is_not(tmp_path):
    images = scan()
    (fake, real), records = made(
        tmp_path,
        (builders.dwi, computed(1000.0, images) * 4, {"b_value": 1000.0}),
        (builders.dwi, acquired(1400.0, 7) * 4, {"b_value": 1400.0}),
    )
    by_b = {row.b_value: row for row in (fake, real)}

    assert by_b[1000.0].codes == ("MR_CALCULATED_B_AS_ACQUIRED",)
    assert by_b[1000.0].verdict == "REVIEW"
    assert by_b[1400.0].codes == ()
    assert all("noise_over_acquired" in record["qc"] for record in records)


@pytest.mark.parametrize(
    ("said", "flagged"), [(1000.0, ()), (1400.0, ("MR_B_NOT_AS_SAID",))], ids=["true", "false"]
)
def test_a_computed_image_that_shows_another_b_value_than_it_says_is_flagged(
    tmp_path, said, flagged
):
    kind = ["DERIVED", "PRIMARY", "DIFFUSION", "CALC_BVALUE"]
    (row,), (record,) = made(
        tmp_path,
        (builders.dwi, computed(1000.0, scan()) * 4, {"b_value": said, "ImageType": kind}),
    )

    assert row.codes == ("MR_CALCULATED_B", *flagged)
    assert record["qc"]["b_value_shown"] == pytest.approx(1000, rel=0.03)


@pytest.mark.parametrize(
    ("factor", "flagged", "ratio"),
    [
        (1.0, (), 1.0),
        (0.1, (), 1.0),  # 1e-5 mm2/s: the unit is told from the values
        (1.2, ("MR_ADC_FROM_WRONG_B",), 1 / 1.2),
        (0.85, ("MR_ADC_FROM_WRONG_B",), 1 / 0.85),
    ],
)
def test_an_adc_map_that_the_images_do_not_give_is_flagged(tmp_path, factor, flagged, ratio):
    _, adc = truth()

    (row,), (record,) = made(tmp_path, (builders.adc, adc * factor, {}))

    assert (row.codes, row.unit) == (flagged, "um2/s")
    assert record["qc"]["adc_refit_ratio"] == pytest.approx(ratio, rel=0.02)


def test_an_adc_map_on_another_grid_is_not_compared(tmp_path):
    _, adc = truth()

    (row,), (record,) = made(tmp_path, (builders.adc, adc * 1.2, {"PixelSpacing": [1.0, 1.0]}))

    assert row.codes == ()
    assert "adc_refit_ratio" not in record["qc"]


def test_an_adc_map_in_no_known_unit_is_refused(tmp_path):
    _, adc = truth()
    paths = written(tmp_path / "in", [(builders.adc, adc * 10, {})])

    rows = apply_study(plan_study(paths, Recipe(name="native")), tmp_path / "out")

    (row,) = [row for row in rows if row.role == "adc"]
    assert (row.verdict, row.codes) == ("REJECT", ("MR_ADC_UNIT_UNKNOWN",))


def test_the_codes_of_these_checks_ask_for_a_look():
    for code in ("MR_ADC_FROM_WRONG_B", "MR_CALCULATED_B_AS_ACQUIRED", "MR_B_NOT_AS_SAID"):
        assert codes()[code].kind == "flag"
