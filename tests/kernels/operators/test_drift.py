"""A million steps of rolling windows: rounding does not add up, and an outlier leaves nothing behind."""

import math
from fractions import Fraction

import numpy as np
import pytest

from bateia.features import Plan

ROWS, N = 1_000_000, 50
OUTLIER, SHIFT = 300_000, 600_000


@pytest.fixture(scope="module")
def series():
    """A generated walk around 1, an outlier of 1e12, then another level 1e6 times as high."""
    rng = np.random.default_rng(11)
    values = 1.0 + 0.001 * np.cumsum(rng.normal(size=ROWS)) / np.sqrt(np.arange(1, ROWS + 1))
    values[OUTLIER] = 1e12
    values[SHIFT:] += 1e6
    return values


@pytest.fixture(scope="module")
def found(series):
    formulas = {"sum": "sum(close, 50)", "mean": "mean(close, 50)", "std": "std(close, 50)"}
    return Plan({name + "_50": text for name, text in formulas.items()}).run({"close": series})


SAMPLES = [
    *np.random.default_rng(1).integers(N, ROWS, 300).tolist(),
    *range(OUTLIER - 2, OUTLIER + 3),
    *range(OUTLIER + N - 3, OUTLIER + N + 40),
    *range(SHIFT - 2, SHIFT + N + 40),
    *range(ROWS - 50, ROWS),
]


def exact_deviation(window):
    parts = [Fraction(v) for v in window]
    centre = sum(parts) / len(parts)
    return math.sqrt(sum((v - centre) ** 2 for v in parts) / (len(parts) - 1))


def test_sum_and_mean(series, found):
    for row in SAMPLES:
        exact = math.fsum(series[row - N + 1 : row + 1])
        assert found["sum_50"][row] == pytest.approx(exact, rel=1e-12, abs=0), row
        assert found["mean_50"][row] == pytest.approx(exact / N, rel=1e-12, abs=0), row


def test_deviation(series, found):
    for row in SAMPLES:
        exact = exact_deviation(series[row - N + 1 : row + 1])
        # The spread of a level of 1e6 is known to 1e-16 * 1e6 only, were it computed perfectly.
        noise = 1e-15 * abs(series[row])
        assert found["std_50"][row] == pytest.approx(exact, rel=1e-9, abs=noise), row


def test_a_long_window_of_tiny_moves_on_a_high_level():
    rng = np.random.default_rng(2)
    values = 1e9 + rng.integers(-2, 3, 60_000) * 0.25
    got = Plan({"s": "std(close, 5000)"}).run({"close": values})["s"]
    for row in (4999, 5000, 5001, 30_000, 59_999):
        assert got[row] == pytest.approx(exact_deviation(values[row - 4999 : row + 1]), rel=1e-10)


@pytest.mark.parametrize("level", [0.1, 1 / 3, 1000.1, 4999.7, 1e12 + 0.1, 3e-12])
@pytest.mark.parametrize("n", [2, 3, 7, 20, 100])
def test_a_constant_has_no_deviation_and_no_score(level, n):
    values = np.full(400, level)
    values[:100] *= 1 + np.random.default_rng(0).normal(0, 0.01, 100)
    features = {"s": f"std(close, {n})", "z": f"zscore(close, {n})", "b": f"beta(close, close, {n})"}
    got = Plan(features).run({"close": values})
    assert np.all(got["s"][100 + n :] == 0)
    assert np.isnan(got["z"][100 + n :]).all()
    assert np.isnan(got["b"][100 + n :]).all()


def test_overflow_passes():
    values = np.random.default_rng(0).normal(size=400)
    values[100] = 1e200
    got = Plan({"s": "std(close, 20)"}).run({"close": values})["s"]
    assert got[119] != got[119] or np.isfinite(got[119])
    for row in (121, 200, 399):
        assert got[row] == pytest.approx(exact_deviation(values[row - 19 : row + 1]), rel=1e-10)
