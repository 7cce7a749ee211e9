"""Trailing lines by hand, and the parabolic stop against TA-Lib on many short and jumpy series."""

import numpy as np
import pytest
import talib

from bateia.features import Plan

STOP = Plan({"feature": "psar(high, low, 0.04, 0.15)"})
BAND = Plan({"feature": "trailing_band(upper, lower, close)"}, ("upper", "lower", "close"))


@pytest.mark.parametrize("seed", range(40))
def test_the_parabolic_stop_as_in_talib(seed):
    rng = np.random.default_rng(seed)
    middle = 50 + np.cumsum(rng.integers(-2, 3, 90)).astype(float)  # whole numbers: equal highs, touches
    high, low = middle + rng.integers(0, 3, 90), middle - rng.integers(0, 3, 90)
    expected = talib.SAR(high, low, 0.04, 0.15)
    np.testing.assert_allclose(STOP.run({"high": high, "low": low})["feature"], expected, rtol=1e-13)


def test_a_missing_bar_is_passed_over():
    rng = np.random.default_rng(3)
    middle = 50 + np.cumsum(rng.normal(size=60))
    high, low = middle + 1, middle - 1
    holes = np.isin(np.arange(60), [0, 2, 20, 21])
    got = STOP.run({"high": np.where(holes, np.nan, high), "low": low})["feature"]
    assert np.array_equal(got[~holes], talib.SAR(high[~holes], low[~holes], 0.04, 0.15), equal_nan=True)
    assert np.isnan(got[holes]).all()


def test_the_band_tightens_flips_and_starts_anew():
    rows = [
        # upper, lower, close -> the active band
        (12, 8, 10, 12),  # falling at first
        (13, 9, 10, 12),  # the upper does not loosen
        (11, 7, 10, 11),  # it tightens, and the lower stays at 9
        (14, 8, 11, 11),  # touched is not crossed
        (15, 8, 12, 9),  # the close crosses 11: rising
        (15, 7, 12, 9),  # the upper starts anew at 15, the lower does not loosen
        (16, 11, 11, 11),
        (12, 10, 10, 12),  # below 11: falling
        (np.nan, 9, 10, np.nan),
        (20, 3, 9, 12),  # the lower starts anew at 3, left behind by the close of 10
        (20, 5, 13, 5),
    ]
    upper, lower, close, expected = (np.array(column, float) for column in zip(*rows, strict=True))
    got = BAND.run({"upper": upper, "lower": lower, "close": close})["feature"]
    assert got.tolist() == pytest.approx(expected.tolist(), abs=0, nan_ok=True)


def test_directional_movement_does_not_pass_over_an_unknown_close():
    rng = np.random.default_rng(5)
    close = 50 + np.cumsum(rng.normal(size=40))
    bars = {"high": close + 1, "low": close - 1, "close": np.where(np.arange(40) == 20, np.nan, close)}
    found = Plan({"adx": "adx(high, low, close, 3)", "reach": "true_range(high, low, close)"}).run(bars)
    for values in found.values():
        assert np.flatnonzero(np.isnan(values[10:])).tolist() == [11]  # the close before is part of the range
