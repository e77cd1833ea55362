"""Quantisation: whole numbers exact, all others within half a step, read as a reader would."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from config.errors import InconsistentSeries
from harmonise.encode.quantise import LEVELS, quantise

REALS = hnp.arrays(
    np.float32,
    st.integers(1, 40),
    elements=st.one_of(
        st.just(float("nan")),
        st.floats(-1e6, 1e6, width=32).filter(lambda v: v == 0 or abs(v) > 1e-6),
    ),
)
WHOLE = hnp.arrays(np.float32, st.integers(1, 40), elements=st.integers(-32000, 32000).map(float))


@settings(max_examples=200, deadline=None)
@given(values=REALS)
def test_every_value_comes_back_within_half_a_step(values):
    if not np.isfinite(values).any():
        with pytest.raises(InconsistentSeries, match="VOLUME_EMPTY"):
            quantise(values)
        return

    quantised = quantise(values)
    back = quantised.real()

    assert (np.isnan(back) == np.isnan(values)).all()
    measured = np.isfinite(values)
    # decimal strings of 16 characters carry about 1e-10 of the value itself
    slack = 1e-9 * np.abs(values[measured]).max()
    error = np.abs(back[measured] - values[measured].astype(np.float64)).max()
    assert error <= 0.5 * float(quantised.slope) * (1 + 1e-6) + slack
    assert len(quantised.slope) <= 16
    assert len(quantised.intercept) <= 16


@settings(max_examples=100, deadline=None)
@given(values=REALS)
def test_the_step_is_the_range_over_65534(values):
    measured = values[np.isfinite(values)].astype(np.float64)
    if measured.size < 2 or np.ptp(measured) == 0:
        return
    quantised = quantise(values)
    if quantised.slope != "1":
        assert float(quantised.slope) == pytest.approx(np.ptp(measured) / LEVELS, rel=2e-6)


@settings(max_examples=100, deadline=None)
@given(values=WHOLE)
def test_whole_numbers_are_exact(values):
    quantised = quantise(values)

    assert quantised.slope == "1"
    assert (quantised.real() == values).all()


@settings(max_examples=100, deadline=None)
@given(values=REALS)
def test_pet_has_no_intercept_and_stays_within_half_a_step(values):
    if not np.isfinite(values).any():
        return

    quantised = quantise(values, zero_intercept=True)

    assert quantised.intercept == "0"
    measured = np.isfinite(values)
    back = quantised.real()
    assert (np.isnan(back) == ~measured).all()
    error = np.abs(back[measured] - values[measured].astype(np.float64)).max()
    assert error <= 0.5 * float(quantised.slope) * (1 + 1e-6)


def test_hounsfield_units_keep_slope_1_and_padding_apart():
    values = np.array([-1024.0, 0.0, 3071.0, np.nan], dtype=np.float32)

    quantised = quantise(values)

    assert (quantised.slope, quantised.intercept, quantised.padding) == ("1", "-1025", 0)
    assert quantised.stored.tolist() == [1, 1025, 4096, 0]


def test_grey_levels_of_a_mammogram_are_stored_as_they_are():
    values = np.array([0.0, 12.0, 65535.0], dtype=np.float32)

    quantised = quantise(values, whole=True)

    assert quantised.stored.tolist() == [0, 12, 65535]
    assert (quantised.slope, quantised.intercept, quantised.padding) == ("1", "0", None)


def test_a_constant_that_is_not_whole_comes_back():
    quantised = quantise(np.full(4, 0.3, dtype=np.float32))

    assert quantised.real() == pytest.approx([np.float32(0.3)] * 4, abs=1e-9)


@given(
    low=st.floats(-2000.0, 2000.0, width=32),
    span=st.floats(0.0625, 60000.0, width=32),
    zero_intercept=st.booleans(),
)
def test_a_reader_of_float32_takes_slope_and_intercept_for_the_same_numbers(
    low: float, span: float, zero_intercept: bool
) -> None:
    """To a hundredth of a step at the upper end, where an error of the slope counts most.

    Values that lie more than fifty times their own range away from zero are beyond float32 itself.
    """
    assume(abs(low) <= 50 * span)
    values = np.linspace(low, low + span, 501, dtype=np.float32)
    made = quantise(values, zero_intercept=zero_intercept)
    slope = float(made.slope)
    seen = made.stored.astype(np.float64) * np.float64(np.float32(slope))
    seen += np.float64(np.float32(made.intercept))
    assert np.abs(seen - values).max() <= 0.51 * slope
