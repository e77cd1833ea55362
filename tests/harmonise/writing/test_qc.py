"""Quality metrics against closed forms and published values; verdicts from the kinds of codes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harmonise.qc import entropy_focus, finite_fraction, measure, percentiles, verdict_of
from harmonise.volume import Grid, Volume

RAMP = np.arange(1, 65, dtype=np.float32).reshape(1, 8, 8)


def test_entropy_focus_of_the_ramp_is_the_published_number():
    """8 x 8 ramp 1..64 in MRIQC's closed form."""
    assert entropy_focus(RAMP) == pytest.approx(0.8502937522, abs=1e-9)


def test_entropy_focus_of_a_constant_is_1_and_of_one_bright_voxel_0():
    single = np.zeros((1, 8, 8), np.float32)
    single[0, 3, 3] = 9.0

    assert entropy_focus(np.full((1, 8, 8), 4.0, np.float32)) == pytest.approx(1.0, abs=1e-12)
    assert entropy_focus(single) == 0.0


@pytest.mark.parametrize("factor", [0.01, 3.0, 1000.0])
def test_entropy_focus_does_not_depend_on_the_scale(factor):
    assert entropy_focus(RAMP * np.float32(factor)) == pytest.approx(entropy_focus(RAMP), rel=1e-6)


def test_entropy_focus_is_not_defined_for_negative_values_or_nothing():
    assert entropy_focus(RAMP - 10) is None
    assert entropy_focus(np.zeros((1, 8, 8), np.float32)) is None


def test_percentiles_leave_out_what_was_not_measured():
    values = np.append(np.arange(101, dtype=np.float32), np.nan)

    assert percentiles(values) == {"p1": 1.0, "p25": 25.0, "p50": 50.0, "p75": 75.0, "p99": 99.0}
    assert percentiles(np.array([np.nan])) == {}


def test_fractions_count_voxels():
    values = np.ones((2, 2, 2), np.float32)
    values[0, 0] = np.nan
    volume = Volume(values, Grid((2, 2, 2), (1.0, 1.0, 1.0)), "1", coverage=np.isfinite(values))

    assert finite_fraction(values) == 0.75
    assert measure(volume)["coverage_fraction"] == 0.75


@pytest.mark.parametrize(
    ("codes", "verdict"),
    [
        ((), "PASS"),
        (("MR_FOV_NOT_COVERED",), "REVIEW"),
        (("MR_FOV_NOT_COVERED", "MR_MISSING_SLICE"), "REJECT"),
        (("NOT_SELECTED",), "REJECT"),
    ],
)
def test_the_verdict_follows_the_worst_code(codes, verdict):
    assert verdict_of(codes) == verdict


@given(arrays(np.float32, st.integers(1, 400), elements=st.floats(-1e6, 1e6, width=32)))
def test_percentiles_are_those_of_numpy_in_double_precision(values):
    found = list(percentiles(values).values())
    assert found == np.percentile(values.astype(np.float64), (1, 25, 50, 75, 99)).tolist()
