"""Intensity steps: what they do to weighted images, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from config.errors import InconsistentSeries
from config.recipe import StepSpec
from harmonise.histogram import otsu_threshold
from harmonise.series import Frame, Stack
from harmonise.steps import STEPS, Context, planned_steps
from harmonise.volume import Grid, Volume

GRID = Grid(shape=(8, 24, 24), spacing_mm=(3.0, 1.0, 1.0))


def volume_of(values, **changes):
    grid = changes.pop("grid", GRID)
    return Volume(values=np.asarray(values, dtype=np.float32), grid=grid, unit="[arb'U]", **changes)


def run(name, volume, context=None, **params):
    ((step, parsed),) = planned_steps([StepSpec(step=name, params=params)])
    decided = step.decide(volume, parsed, context or Context())
    return step.apply(volume, decided), decided


@pytest.fixture
def noise():
    return np.random.default_rng(5).normal(300, 40, GRID.shape)


def test_zscore_leaves_mean_0_and_spread_1(noise):
    result, _ = run("zscore", volume_of(noise))

    assert float(result.values.mean()) == pytest.approx(0.0, abs=1e-5)
    assert float(result.values.std()) == pytest.approx(1.0, abs=1e-5)
    assert result.unit == "1"


def test_robust_zscore_ignores_a_bright_vessel(noise):
    bright = noise.copy()
    bright[:, :2, :2] = 1e5

    _, plain = run("zscore", volume_of(noise), robust=True)
    _, vessel = run("zscore", volume_of(bright), robust=True)

    assert vessel["centre"] == pytest.approx(plain["centre"], rel=0.01)
    assert vessel["scale"] == pytest.approx(40, rel=0.05)


def test_the_box_about_the_centre_decides_and_the_whole_volume_is_scaled(noise):
    lopsided = noise.copy()
    lopsided[:, :6] += 5000

    result, decided = run("zscore", volume_of(lopsided), box_mm=[24.0, 8.0, 8.0])

    assert decided["centre"] == pytest.approx(300, rel=0.02)
    assert decided["voxels"] == 8 * 8 * 8
    assert float(result.values[:, :6].mean()) > 50


def test_gain_and_offset_of_a_site_vanish(noise):
    one, _ = run("zscore", volume_of(noise))
    other, _ = run("zscore", volume_of(noise * 1.7 + 60))

    assert other.values == pytest.approx(one.values, abs=1e-4)


def test_percentiles_become_0_and_1():
    values = np.linspace(0, 100, 8 * 24 * 24).reshape(GRID.shape)

    result, decided = run("percentile", volume_of(values), low=1, high=99)

    assert (decided["low"], decided["scale"]) == pytest.approx((1.0, 98.0), abs=1e-3)
    assert float(result.values.max()) == pytest.approx(99 / 98, abs=1e-4)


def test_percentile_cuts_only_when_asked():
    values = np.linspace(0, 100, 8 * 24 * 24).reshape(GRID.shape)

    result, _ = run("percentile", volume_of(values), low=1, high=99, clip=True)

    assert (float(result.values.min()), float(result.values.max())) == (0.0, 1.0)


def test_voxels_without_a_measurement_neither_count_nor_change(noise):
    holed = noise.copy()
    holed[0] = np.nan

    result, decided = run("zscore", volume_of(holed))

    assert decided["voxels"] == 7 * 24 * 24
    assert np.isnan(result.values[0]).all()
    assert np.isfinite(result.values[1:]).all()


@pytest.mark.parametrize(
    "name",
    sorted(n for n, step in STEPS.items() if step.kind == "intensity" and step.takes == "volume"),
)
def test_a_quantitative_map_is_never_rescaled(name, noise):
    with pytest.raises(InconsistentSeries, match=f"QUANTITATIVE_NOT_NORMALISED: step {name}"):
        run(name, volume_of(noise, quantitative=True))


@pytest.mark.parametrize("name", ["zscore", "percentile"])
def test_a_constant_volume_is_refused(name):
    with pytest.raises(InconsistentSeries, match="VOLUME_CONSTANT"):
        run(name, volume_of(np.full(GRID.shape, 3.0)))


def stack_of(series_uid, b_value):
    frame = Frame(".", 0, "1.2", "1.2.3", 1, 1, None, None, None)
    return Stack(series_uid, "1", "S", "MR", None, (frame,), b_value)


def test_all_b_values_of_a_series_share_one_factor_so_their_ratio_stays(noise):
    """ADC = ln(S50 / S800) / 750 must come out as it went in."""
    low, high = noise, noise * np.exp(-750e-6 * 1100)
    earlier = {}
    first, decided = run("low_b_scale", volume_of(low), Context(stack_of("1.9", 50.0), "dwi"))
    earlier["low_b_scale:1.9"] = decided
    second, _ = run(
        "low_b_scale", volume_of(high), Context(stack_of("1.9", 800.0), "dwi", None, earlier)
    )

    assert decided["b_value_of_scale"] == 50.0
    assert float(np.median(first.values)) == pytest.approx(1.0, abs=1e-3)
    adc = np.log(first.values / second.values) / 750e-6
    assert adc == pytest.approx(1100, rel=1e-3)


def test_another_series_has_its_own_factor(noise):
    earlier = {"low_b_scale:1.9": {"scale": 7.0, "b_value_of_scale": 50.0}}

    _, decided = run(
        "low_b_scale", volume_of(noise), Context(stack_of("1.8", 0.0), "dwi", None, earlier)
    )

    assert decided["scale"] == pytest.approx(300, rel=0.02)


@pytest.fixture(scope="module")
def shaded_phantom():
    """Two tissues under a smooth field of 0.7 to 1.4; the truth is known."""
    shape = (12, 72, 72)
    grid = Grid(shape=shape, spacing_mm=(3.0, 2.0, 2.0))
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    body = x**2 + y**2 < 0.8
    core = (x - 0.1) ** 2 + (y + 0.1) ** 2 < 0.15
    truth = np.where(core, 800.0, np.where(body, 400.0, 5.0))
    field = np.exp(0.35 * x - 0.2 * y + 0.1 * z * x)
    noise = np.random.default_rng(3).normal(0, 4, shape)
    return Volume((truth * field + noise).astype(np.float32), grid, "[arb'U]"), body, core


def test_n4_takes_four_fifths_of_the_shading_out_of_each_tissue(shaded_phantom):
    volume, body, core = shaded_phantom

    result, decided = run("n4", volume, shrink=2, iterations=[30, 30, 30])

    for tissue in (core, body & ~core):
        before, after = (
            float(values[tissue].std() / values[tissue].mean())
            for values in (volume.values, result.values)
        )
        assert after < 0.2 * before
    inside = volume.values > decided["mask_above"]
    assert result.values[inside].mean() == pytest.approx(volume.values[inside].mean(), rel=0.01)


def test_n4_gives_the_same_bytes_twice(shaded_phantom):
    volume, _, _ = shaded_phantom

    first, second = (run("n4", volume, shrink=6, iterations=[5])[0] for _ in range(2))

    assert first.values.tobytes() == second.values.tobytes()


def test_otsu_splits_two_peaks_between_them():
    values = np.concatenate([np.full(500, 10.0), np.full(300, 90.0)])

    assert 10 < otsu_threshold(values) <= 90
