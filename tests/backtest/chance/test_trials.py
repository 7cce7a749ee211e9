"""How many independent trials there are, where the answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bateia.backtest.chance import best_of, effective_trials, luck, mean_correlation
from bateia.backtest.chance.trials import _expected_best
from bateia.core import ConfigError, DataError


@pytest.mark.parametrize("trials", [2, 10, 100, 400])
def test_unrelated_trials_count_in_full(trials):
    noise = np.random.default_rng(1).normal(size=(1000, trials))
    assert effective_trials(noise) == pytest.approx(trials, rel=0.12)


@pytest.mark.parametrize("groups", [1, 2, 10, 50])
def test_copies_count_once(groups):
    noise = np.random.default_rng(2).normal(size=(1000, groups))
    copies = np.repeat(noise, 8, axis=1) * np.random.default_rng(3).uniform(1, 9, 8 * groups)
    assert effective_trials(copies) == pytest.approx(groups, rel=0.12)


@pytest.mark.parametrize("correlation", [0.3, 0.9])
def test_equal_correlation_keeps_the_expected_best(correlation):
    rng = np.random.default_rng(4)
    noise = rng.normal(size=(2500, 100)) * np.sqrt(1 - correlation)
    noise += rng.normal(size=(2500, 1)) * np.sqrt(correlation)
    # The best of them is the common part and sqrt(1 - r) of the best of 100.
    ideal = np.sqrt(1 - correlation) * _expected_best(100)
    assert _expected_best(effective_trials(noise)) == pytest.approx(ideal, rel=0.08)
    found = luck(noise)
    assert found.correlation == pytest.approx(correlation, abs=0.03)
    # What all have in common shows in no spread; one trial's own variance is that of chance.
    assert found.variance == pytest.approx(1 / 2499, rel=0.35)


def test_expected_best_beside_known_values():
    assert _expected_best(1) == pytest.approx(0, abs=1e-9)
    assert _expected_best(2) == pytest.approx(1 / np.sqrt(np.pi), abs=1e-9)
    assert _expected_best(3) == pytest.approx(1.5 / np.sqrt(np.pi), abs=1e-9)
    for trials in (20, 100, 1000):
        assert best_of(trials) == pytest.approx(_expected_best(trials), rel=0.02)


@given(st.integers(2, 8), st.integers(0, 999))
def test_mean_correlation_is_that_over_pairs(trials, seed):
    x = np.random.default_rng(seed).normal(size=(30, trials)) + np.arange(30)[:, None] / 10
    pairs = np.corrcoef(x.T)[np.triu_indices(trials, 1)]
    assert mean_correlation(x) == pytest.approx(pairs.mean())


def test_trials_with_unknown_or_no_profits_count_as_independent():
    noise = np.random.default_rng(5).normal(size=(500, 4))
    known = luck(noise)
    assert luck(noise, 10).effective == pytest.approx(known.effective + 6)
    flat = luck(np.hstack([noise, np.zeros((500, 3))]))
    assert (flat.effective, flat.trials) == (pytest.approx(known.effective + 3), 7)
    assert "4 of 10 trials" in luck(noise, 10).method
    alone = luck(noise[:, :1], 25)
    assert (alone.effective, alone.variance, alone.correlation) == (25.0, 1 / 499, None)
    assert alone.method.startswith("the plain count")


def test_similar_results_by_luck_are_no_smaller_bar():
    noise = np.random.default_rng(6).normal(size=(300, 2))
    noise -= noise.mean(axis=0)
    assert luck(noise).variance == 1 / 299


def test_same_seed_same_bits_and_bad_input():
    noise = np.random.default_rng(7).normal(size=(100, 5))
    assert effective_trials(noise, seed=1) == effective_trials(noise, seed=1)
    assert effective_trials(noise[:, :1]) == 1.0
    with pytest.raises(ConfigError, match="3 trials, but profits of 5; allowed: 5 or more"):
        luck(noise, 3)
    with pytest.raises(DataError, match="at least 2 periods"):
        luck(noise[:1])
