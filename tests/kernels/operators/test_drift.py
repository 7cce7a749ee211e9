"""A million steps of rolling windows: rounding does not add up, and an outlier leaves nothing behind."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from bateia.features import Plan
from references.windows import deviation_about_mean, fractional, line, quantile, shannon, weighted

ROWS, N = 1_000_000, 50
OUTLIER, SHIFT = 300_000, 600_000
LINE = ("slope", "intercept", "r2", "linreg")


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
    names = ["sum", "mean", "std", "median", "iqr", *LINE, "wma", "mad", "kama"]
    formulas = {f"{name}_50": f"{name}(close, 50)" for name in names}
    formulas |= {"quantile_999": "quantile(close, 999, 0.9)", "slope_1001": "slope(close, 1001)"}
    formulas |= {"entropy_50": "entropy(close, 50, 8)", "fracdiff_50": "fracdiff(close, 50, 0.4)"}
    return Plan(formulas).run({"close": series})


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


@pytest.mark.parametrize("name", LINE)
def test_line(series, found, name):
    for row in SAMPLES:
        exact = line(series[row - N + 1 : row + 1])[LINE.index(name)]
        assert found[name + "_50"][row] == pytest.approx(exact, rel=1e-9, abs=0), row


def test_line_with_an_outlier_in_the_middle(series, found):
    # In the middle of an odd window it has no weight: the slope is that of all the others.
    for row in (1001, 500_000, *range(OUTLIER + 495, OUTLIER + 506), SHIFT + 500, ROWS - 1):
        exact = line(series[row - 1000 : row + 1])[0]
        assert found["slope_1001"][row] == pytest.approx(exact, rel=1e-9, abs=0), row


def test_order(series, found):
    for row in SAMPLES:
        window = series[row - N + 1 : row + 1]
        spread = quantile(window, 0.75) - quantile(window, 0.25)
        assert found["median_50"][row] == pytest.approx(quantile(window, 0.5), rel=4e-16, abs=0), row
        assert found["iqr_50"][row] == pytest.approx(spread, rel=1e-9, abs=1e-15 * abs(series[row])), row
    for row in SAMPLES[-50:]:
        assert found["quantile_999"][row] == pytest.approx(quantile(series[row - 998 : row + 1], 0.9)), row


@pytest.mark.parametrize(
    ("name", "exact"),
    [
        ("wma", weighted),
        ("mad", deviation_about_mean),
        ("entropy", lambda w: shannon(w, 8)),
        ("fracdiff", lambda w: fractional(w, 0.4)),
    ],
)
def test_window(series, found, name, exact):
    for row in SAMPLES:
        window = series[row - N + 1 : row + 1]
        noise = 1e-15 * max(map(abs, window)) if name in {"mad", "fracdiff"} else 0
        assert found[name + "_50"][row] == pytest.approx(exact(window), rel=1e-9, abs=noise), row


def test_efficiency_of_the_adaptive_average(series, found):
    level = found["kama_50"]
    for row in SAMPLES:
        steps = [abs(Fraction(b) - Fraction(a)) for a, b in pairwise(series[row - N : row + 1])]
        efficiency = abs(Fraction(series[row]) - Fraction(series[row - N])) / sum(steps)
        share = (float(efficiency) * (2 / 3 - 2 / 31) + 2 / 31) ** 2
        moved = level[row - 1] + share * (series[row] - level[row - 1])
        assert level[row] == pytest.approx(moved, rel=1e-10, abs=0), row


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


@pytest.mark.parametrize("level", [0.1, 1 / 3, 1000.1, 4999.7, 1e12 + 0.1, 3e-12])
@pytest.mark.parametrize("n", [2, 3, 7, 20, 100])
def test_a_constant_has_no_line_and_no_width(level, n):
    values = np.full(400, level)
    values[:100] *= 1 + np.random.default_rng(0).normal(0, 0.01, 100)
    still = {"slope": f"slope(close, {n})", "iqr": f"iqr(close, {n})", "mad": f"mad(close, {n})"}
    flat = {
        "intercept": f"intercept(close, {n})",
        "line": f"linreg(close, {n})",
        "median": f"median(close, {n})",
    }
    other = {"r2": f"r2(close, {n})", "entropy": f"entropy(close, {n}, 5)"}
    got = {name: x[100 + n :] for name, x in Plan(still | flat | other).run({"close": values}).items()}
    assert all(np.all(got[name] == 0) for name in [*still, "entropy"])
    assert all(np.all(got[name] == level) for name in flat)
    assert np.isnan(got["r2"]).all()


def test_overflow_passes():
    values = np.random.default_rng(0).normal(size=400)
    values[100] = 1e200
    got = Plan({"s": "std(close, 20)"}).run({"close": values})["s"]
    assert got[119] != got[119] or np.isfinite(got[119])
    for row in (121, 200, 399):
        assert got[row] == pytest.approx(exact_deviation(values[row - 19 : row + 1]), rel=1e-10)


def test_ten_million_steps():
    """The error stays bounded by what is in the window and just left it, not by ten million additions."""
    rng = np.random.default_rng(5)
    values = rng.normal(size=10_000_000) * np.exp(3 * rng.normal(size=10_000_000))
    windows = (7, 250, 20_000)
    sums = Plan({f"sum_{n}": f"sum(close, {n})" for n in windows}).run({"close": values})
    for n in windows:
        for row in rng.integers(9_000_000, 10_000_000, 50):
            window = values[row - n + 1 : row + 1]
            bound = 1e-11 * math.fsum(np.abs(window))
            assert abs(sums[f"sum_{n}"][row] - math.fsum(window)) <= bound
