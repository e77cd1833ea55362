"""Resampling: ranges, masks, smoothing, and nothing filled in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import ConfigurationError, InconsistentSeries
from config.recipe import StepSpec
from harmonise.grids import centred_grid
from harmonise.interpolate import anti_alias_sigma, resample_onto
from harmonise.steps import Context, planned_steps
from harmonise.volume import Grid, Volume

GRID = Grid(shape=(6, 12, 12), spacing_mm=(3.0, 2.0, 2.0), origin_mm=(5.0, -4.0, 9.0))


def volume_of(values, grid=GRID, **changes):
    return Volume(values=np.asarray(values, dtype=np.float32), grid=grid, unit="1", **changes)


def resample_step(**params):
    ((step, parsed),) = planned_steps([StepSpec(step="resample", params=params)])
    return step, parsed


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), step=st.floats(0.6, 3.5))
def test_no_value_appears_that_the_source_did_not_span(seed, step):
    values = np.random.default_rng(seed).uniform(-50, 900, GRID.shape)

    result = resample_onto(volume_of(values), centred_grid(GRID, (step, step, step)))

    assert np.nanmin(result.values) >= np.float32(values.min())
    assert np.nanmax(result.values) <= np.float32(values.max())


def test_a_dark_edge_gives_no_zero_that_was_not_there():
    """A spline undershoots beside a step; clipped at the lowest value it leaves false zeros."""
    values = np.full(GRID.shape, 5.0)
    values[:, :, 6:] = 900.0
    values[0, 0, 0] = 0.0

    result = resample_onto(volume_of(values), centred_grid(GRID, (3.0, 0.5, 0.5)))

    zeros = np.argwhere(result.values == 0)
    assert (zeros[:, 1:] < 4).all(), "zeros only beside the one true zero"


def test_the_same_grid_gives_the_same_values():
    values = np.random.default_rng(1).normal(100, 30, GRID.shape)

    result = resample_onto(volume_of(values), GRID)

    assert result.values == pytest.approx(values, abs=1e-3)
    assert result.coverage.all()


def test_a_constant_stays_constant_up_to_the_outer_faces():
    target = centred_grid(GRID, (3.0, 0.5, 0.5), (7, 48, 48))

    result = resample_onto(volume_of(np.full(GRID.shape, 7.0)), target)

    assert np.unique(result.values[result.coverage]) == pytest.approx([7.0])
    assert result.coverage.all(), "7 slices over 6 end exactly on the outer faces"


def test_one_slice_can_be_resampled_in_plane():
    grid = replace(GRID, shape=(1, 12, 12))
    values = np.add.outer(np.arange(12.0), np.arange(12.0))[np.newaxis]

    result = resample_onto(volume_of(values, grid), centred_grid(grid, (3.0, 1.0, 1.0)))

    assert result.values.shape == (1, 24, 24)
    assert result.values[0, 11, 11] == pytest.approx(5.25 + 5.25, abs=0.05)


def test_white_noise_is_smoothed_before_it_is_thinned_out():
    """0.4 mm noise of SD 20 on 2 mm: 2.7 with a Gaussian as wide as the target, else 19.9."""
    grid = Grid(shape=(1, 512, 512), spacing_mm=(3.0, 0.4, 0.4))
    noise = np.random.default_rng(2026).normal(0, 20, grid.shape)

    result = resample_onto(volume_of(noise, grid), centred_grid(grid, (3.0, 2.0, 2.0)))

    assert float(np.nanstd(result.values)) == pytest.approx(2.7, abs=0.15)


def test_spacings_within_a_fifth_are_not_smoothed():
    target = centred_grid(GRID, (3.6, 2.4, 2.41))

    sigmas = anti_alias_sigma(GRID, target)

    assert sigmas[:2] == (0.0, 0.0)
    assert sigmas[2] == pytest.approx(1.205 / 2.3548, abs=1e-4)


def test_the_scanners_own_mask_is_kept_out_of_the_values():
    """0 in a computed map says that nothing was computed: no value is mixed with it."""
    values = np.full(GRID.shape, 1200.0)
    values[:, :, 7:] = 0.0

    result = resample_onto(volume_of(values), centred_grid(GRID, (3.0, 0.5, 0.5)), masked_value=0.0)

    measured = np.isfinite(result.values)
    assert np.unique(result.values[measured]) == pytest.approx([1200.0])
    assert measured.mean() == pytest.approx(7 / 12, abs=1e-6)
    assert result.coverage.all(), "the mask says where the field of view lies, not where tissue is"


def test_voxels_the_source_did_not_measure_are_not_covered():
    values = np.full(GRID.shape, 10.0)
    values[2] = np.nan
    coverage = np.isfinite(values)

    result = resample_onto(volume_of(values, coverage=coverage), GRID)

    assert (result.coverage == coverage).all()
    assert (np.isnan(result.values) == ~coverage).all()


def test_nothing_measured_is_refused():
    with pytest.raises(InconsistentSeries, match="VOLUME_EMPTY"):
        resample_onto(volume_of(np.zeros(GRID.shape)), GRID, masked_value=0.0)


def test_the_decision_is_plain_json_and_places_the_reference_grid():
    step, params = resample_step(spacing_mm=[3.0, 0.5, 0.5], shape=[20, 256, 256])
    reference = Grid(shape=(19, 384, 384), spacing_mm=(3.0, 0.5, 0.5))

    decided = step.decide(volume_of(np.ones(GRID.shape)), params, Context(reference=reference))

    assert decided["target"]["shape"] == [20, 256, 256]
    assert decided["target"]["origin_mm"] == pytest.approx([32.0, 32.0, -1.5])
    assert decided["interpolation"] == "bspline"


def test_an_unknown_parameter_stops_before_the_first_study():
    with pytest.raises(ConfigurationError, match=r"STEP_PARAMS_INVALID.*resample\.spaceing_mm"):
        resample_step(spacing_mm=[1.0, 1.0, 1.0], spaceing_mm=[1.0, 1.0, 1.0])


def test_an_unknown_step_names_those_there_are():
    with pytest.raises(ConfigurationError, match=r"STEP_UNKNOWN: 'resampel'; there are: .*zscore"):
        planned_steps([StepSpec(step="resampel")])
