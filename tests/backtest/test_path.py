"""Ratios, falls and tails of profits against obvious references, and how they move with the profits."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bateia.backtest.bootstrap import account_draws, bootstrap, column_means, draws_for, interval
from bateia.backtest.drawdown import longest_drawdown, max_drawdown
from bateia.backtest.path import _quantile, sharpe_ratio, shortfall, sortino_ratio, tails

profits = st.lists(st.integers(-20, 20), min_size=2, max_size=80).map(lambda x: np.array(x, float))


def slow_drawdowns(net, before, time):
    """Bar by bar: deepest fall, longest stay below a peak in bars, and in time up to its recovery."""
    peak, peak_time = 0.0, before[0]
    deepest = bars = longest = lasted = 0
    for value, at in zip(net, time, strict=True):
        if value >= peak:
            if bars:
                lasted = max(lasted, at - peak_time)
            peak, peak_time, bars = value, at, 0
        else:
            bars += 1
            longest = max(longest, bars)
            lasted = max(lasted, at - peak_time)
            deepest = max(deepest, peak - value)
    return deepest, longest, lasted


@given(profits, st.data())
def test_drawdowns_bar_by_bar(x, data):
    gaps = data.draw(st.lists(st.integers(0, 9), min_size=len(x), max_size=len(x)))
    time = np.cumsum(gaps)
    before = np.concatenate([[0], time[:-1]])
    net = np.cumsum(x)
    found = max_drawdown(net), *longest_drawdown(net, before, time)
    assert found == slow_drawdowns(net, before, time)


@given(profits)
def test_tails_sort_the_profits(x):
    low, high = tails(x)
    ordered, n = np.sort(x), len(x)
    # Whole arithmetic: row ceil(n / 20) from the left, and ceil(19 n / 20).
    assert low == ordered[-(-n // 20) - 1] and high == ordered[-(-19 * n // 20) - 1]
    whole, rest = divmod(n, 20)
    worst = (ordered[:whole].sum() + rest / 20 * ordered[min(whole, n - 1)]) / (n / 20)
    assert shortfall(x) == pytest.approx(-worst)
    assert shortfall(x) >= -low - 1e-9


@given(profits, st.floats(0.01, 1000), st.integers(-9, 9))
def test_scale_and_shift(x, scale, constant):
    assume(np.ptp(x) > 0)
    for ratio in (sharpe_ratio, sortino_ratio):
        value = ratio(x, 252.0)
        larger = ratio(scale * x, 252.0)
        assert (value is None) == (larger is None)
        assert value is None or larger == pytest.approx(value, rel=1e-9, abs=1e-9)
    assert max_drawdown(np.cumsum(scale * x)) == pytest.approx(scale * max_drawdown(np.cumsum(x)))
    assert shortfall(scale * x) == pytest.approx(scale * shortfall(x), abs=1e-7)
    assert shortfall(x + constant) == pytest.approx(shortfall(x) - constant, abs=1e-9)
    assert tails(x + constant) == pytest.approx(tuple(t + constant for t in tails(x)))
    more = sharpe_ratio(x + 1.0, 4.0) - sharpe_ratio(x, 4.0)
    assert more == pytest.approx(2.0 / np.std(x, ddof=1), rel=1e-6)
    assert sharpe_ratio(-x, 4.0) == pytest.approx(-sharpe_ratio(x, 4.0))


def test_ratios_are_the_formulas():
    x = np.random.default_rng(0).normal(0.1, 1.0, 500)
    downside = math.sqrt(np.sum(x[x < 0] ** 2) / 500)
    assert sortino_ratio(x, 252.0) == pytest.approx(x.mean() / downside * math.sqrt(252))
    assert sortino_ratio(np.ones(3), 252.0) is None
    assert sortino_ratio(x, None) is None and sortino_ratio(np.zeros(0), 4.0) is None


def test_rounding_is_no_drawdown():
    x = np.array([0.1, 0.2, -0.3, 0.1, 0.2, 0.1, -0.1])
    net = np.cumsum(x) + 1e6
    time = np.arange(len(net))
    assert longest_drawdown(net, time - 1, time) == (2, 3)
    drawn = account_draws(np.tile(x, 20), *tails(x), 50)
    larger = account_draws(7 * np.tile(x, 20), *tails(7 * x), 50)
    assert drawn.longest.tolist() == larger.longest.tolist()


def test_a_resample_of_one_value_has_no_sharpe_ratio():
    x = np.array([-3.5, -3.5, -3.5, -3.5, 28.0])
    for values in (x, x / 7, 7 * x):
        mean = account_draws(values, *tails(values), 400).mean
        alike = np.isclose(mean, values[0])
        assert 0 < alike.sum() < 400
        assert np.isnan(bootstrap(values, 400).sharpe[alike]).all()
        assert np.isnan(account_draws(values, *tails(values), 400).sharpe[alike]).all()


def test_resampled_quantile_levels_round_to_whole_rows():
    ordered = np.arange(1.0, 11.0)
    levels = np.array([-0.1, 0.0, 0.1, 0.1 + 1e-12, 0.11, 0.95, 1.2])
    assert _quantile(ordered, levels).tolist() == [1, 1, 1, 1, 2, 10, 10]


def test_account_draws_hold_the_plain_bootstrap():
    x = np.random.default_rng(1).normal(size=300)
    plain, account = bootstrap(x, 100, 4), account_draws(x, *tails(x), 100, 4)
    assert account.mean.tobytes() == plain.mean.tobytes()
    assert account.sharpe.tobytes() == plain.sharpe.tobytes()
    together = column_means(np.stack([x, x + 5], axis=1), plain.block, 100, 4)
    assert together[:, 0] == pytest.approx(plain.mean, abs=1e-12)
    assert together[:, 1] == pytest.approx(plain.mean + 5, abs=1e-12)


def test_tail_intervals_cover_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(2)
    risk, mean_loss = 1.6449, 2.0627
    hits = np.zeros(2)
    for seed in range(150):
        x = rng.normal(size=500)
        low, high = tails(x)
        drawn = account_draws(x, low, high, 200, seed)
        lows = _quantile(np.sort(x), 0.05 + np.mean(x <= low) - drawn.below)
        bounds = interval(-lows), interval(-(low + drawn.shortfall / 0.05))
        hits += [a <= truth <= b for (a, b), truth in zip(bounds, (risk, mean_loss), strict=True)]
    # 95% claimed; an expected shortfall of 25 rows is known to fall a little short.
    assert 0.88 <= hits[0] / 150 <= 0.99
    assert 0.82 <= hits[1] / 150 <= 0.99


def test_fewer_draws_for_long_series():
    assert [draws_for(n) for n in (0, 10, 16_777, 33_554, 10**9)] == [2000, 2000, 2000, 1000, 200]
    assert draws_for(10**9, 7) == 7
