"""Sharpe ratios deflated: the papers' worked numbers, and what they promise of noise."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bateia.backtest.chance import (
    Moments,
    best_of,
    deflated_sharpe,
    expected_best_sharpe,
    luck,
    min_backtest_length,
    min_track_record,
    moments,
    probabilistic_sharpe,
)
from bateia.core import ConfigError, DataError


def test_the_worked_example_of_the_deflated_sharpe_ratio():
    # Bailey and Lopez de Prado (2014), "A numerical example".
    track = Moments(sharpe=2.5 / math.sqrt(250), periods=1250, skew=-3, kurtosis=10)
    variance = 0.5 / 250
    assert round(expected_best_sharpe(100, variance), 4) == 0.1132
    assert round(deflated_sharpe(track, 100, variance), 4) == 0.9004
    # Up to 46 trials it would have passed at 95%; with normal profits, up to 88.
    assert round(deflated_sharpe(track, 46, variance), 4) == 0.9505
    assert round(deflated_sharpe(Moments(track.sharpe, 1250), 88, variance), 4) == 0.9505


def test_the_worked_examples_of_the_probabilistic_sharpe_ratio():
    # Bailey and Lopez de Prado (2012), section 4: 24 months, annualised 1.59.
    assert round(probabilistic_sharpe(Moments(0.458, 24)), 3) == 0.982
    monthly = Moments(0.458, 24, -2.448, 10.164)
    assert round(probabilistic_sharpe(monthly), 3) == 0.913
    # Section 5: an annualised 2 against 1, by daily, weekly and monthly profits, and with fat tails.
    for periods, years in ((252, 2.73), (52, 2.83), (12, 3.24)):
        track = Moments(2 / math.sqrt(periods), periods)
        assert min_track_record(track, 1 / math.sqrt(periods)) / periods == pytest.approx(years, abs=6e-3)
    fat = Moments(2 / math.sqrt(12), 12, -0.72, 5.78)
    assert min_track_record(fat, 1 / math.sqrt(12)) / 12 == pytest.approx(4.99, abs=6e-3)


@given(
    st.floats(0.01, 0.5), st.floats(-1.5, 1.5), st.floats(0, 10), st.floats(-0.2, 0.009), st.floats(0.6, 0.99)
)
def test_the_minimum_track_record_is_where_psr_reaches_its_confidence(sharpe, skew, extra, benchmark, sure):
    shape = {"skew": skew, "kurtosis": skew * skew + 1.5 + extra}
    needed = min_track_record(Moments(sharpe, 2, **shape), benchmark, sure)
    after, before = math.ceil(needed), math.floor(needed)
    assert probabilistic_sharpe(Moments(sharpe, max(after, 2), **shape), benchmark) >= sure - 1e-9
    if before >= 2:
        assert probabilistic_sharpe(Moments(sharpe, before, **shape), benchmark) <= sure + 1e-9


def test_moments_are_scipys_and_know_no_units():
    x = np.random.default_rng(1).gamma(2.0, size=500) - 1.5
    found = moments(x)
    assert found.sharpe == pytest.approx(x.mean() / x.std(ddof=1))
    assert found.skew == pytest.approx(stats.skew(x))
    assert found.kurtosis == pytest.approx(stats.kurtosis(x, fisher=False))
    large = moments(x * 2.0**500)
    assert (large.skew, large.kurtosis) == (pytest.approx(found.skew), pytest.approx(found.kurtosis))


def test_expected_best_by_simulation_and_between_whole_numbers():
    rng = np.random.default_rng(2)
    for trials in (10, 100, 1000):
        assert best_of(trials) == pytest.approx(rng.normal(size=(4000, trials)).max(axis=1).mean(), rel=0.025)
    grid = np.linspace(1, 5, 200)
    values = [best_of(n) for n in grid]
    assert values[0] == 0
    assert (np.diff(values) > 0).all()
    # Beyond 1e16, 1 - 1/N is 1.
    assert best_of(1e15) < best_of(1e17) < 9


def test_minimum_backtest_length_is_the_inverse_of_the_expected_best():
    # Bailey, Borwein, Lopez de Prado and Zhu (2014): five years allow 45 trials, ln bound above it.
    assert min_backtest_length(45, 1.0) == pytest.approx(5.0, abs=0.05)
    for trials in (10, 45, 1000):
        years = min_backtest_length(trials, 0.8)
        assert expected_best_sharpe(trials, 1 / years) == pytest.approx(0.8)
        assert years < 2 * math.log(trials) / 0.64


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.95])
@pytest.mark.parametrize("trials", [2, 5, 50])
def test_the_best_of_noise_is_rarely_above_95_percent(correlation, trials):
    rng, hits, repeats, days = np.random.default_rng(3), 0, 400, 250
    for seed in range(repeats):
        noise = rng.standard_t(4, size=(days, trials)) * math.sqrt(1 - correlation)
        noise += rng.standard_t(4, size=(days, 1)) * math.sqrt(correlation)
        tried = luck(noise, draws=100, seed=seed)
        best = noise[:, np.argmax(noise.mean(axis=0) / noise.std(axis=0))]
        hits += deflated_sharpe(moments(best), tried.effective, tried.variance) > 0.95
    # 5% and twice the Monte-Carlo error of 400 repeats.
    assert hits / repeats <= 0.072


def test_psr_of_noise_is_uniform():
    rng = np.random.default_rng(4)
    found = [probabilistic_sharpe(moments(rng.normal(size=120))) for _ in range(800)]
    assert stats.kstest(found, "uniform").pvalue > 0.01


def test_edges():
    two = Moments(1.0, 50, skew=0.0, kurtosis=1.0)
    assert two.spread == 1.0
    # A coin that pays 2 or 0: every sign of the denominator is 0 there, and nothing is left to chance.
    sure = Moments(1.0, 50, skew=2.0, kurtosis=5.0)
    assert sure.spread == 0.0
    assert [probabilistic_sharpe(sure, b) for b in (0.0, 1.0, 2.0)] == [1.0, 0.5, 0.0]
    assert min_track_record(Moments(-0.1, 50)) == math.inf
    assert deflated_sharpe(Moments(0.1, 50), 1, 0.3) == probabilistic_sharpe(Moments(0.1, 50))
    assert NormalDist().cdf(0.7) == pytest.approx(probabilistic_sharpe(Moments(0.1, 50)), abs=1e-3)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Moments(0.1, 1),
        lambda: Moments(math.nan, 10),
        lambda: Moments(0.1, 10, skew=1.0, kurtosis=0.0),
        lambda: best_of(0),
        lambda: best_of(math.inf),
        lambda: expected_best_sharpe(10, -1.0),
        lambda: min_track_record(Moments(0.1, 10), confidence=1.0),
        lambda: min_backtest_length(10, 0.0),
    ],
)
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ConfigError, match="allowed"):
        wrong()


@pytest.mark.parametrize("profits", [[], [1.0], [1.0, 1.0], [1.0, math.nan], [[1.0, 2.0]]])
def test_profits_without_a_sharpe_ratio_are_refused(profits):
    with pytest.raises(DataError, match="allowed"):
        moments(profits)
