"""Probability of backtest overfitting beside a slow reference, and what it says of noise and of skill."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bateia.backtest.chance import overfitting
from bateia.core import ConfigError, DataError


def slow_overfitting(x, partitions):
    """Split by split, from the rows themselves."""
    blocks = np.split(x, np.arange(1, partitions) * len(x) // partitions)
    chosen, inside, outside, logits, everyone = [], [], [], [], []
    for half in combinations(range(partitions), partitions // 2):
        train = np.concatenate([blocks[b] for b in half])
        test = np.concatenate([blocks[b] for b in range(partitions) if b not in half])
        a, b = (rows.mean(axis=0) / rows.std(axis=0, ddof=1) for rows in (train, test))
        best = int(np.argmax(a))
        relative = stats.rankdata(b)[best] / (x.shape[1] + 1)
        chosen.append(best), inside.append(a[best]), outside.append(b[best]), everyone.append(b)
        logits.append(np.log(relative / (1 - relative)))
    return chosen, inside, outside, np.array(logits), np.concatenate(everyone)


@given(st.integers(2, 12), st.sampled_from([2, 4, 6, 8]), st.integers(0, 9999), st.booleans())
def test_as_split_by_split(trials, partitions, seed, copies):
    rng = np.random.default_rng(seed)
    x = rng.standard_t(4, size=(2 * partitions + int(rng.integers(0, 60)), trials))
    if copies:
        x = np.tile(x, 2)
    found = overfitting(x, partitions)
    chosen, inside, outside, logits, everyone = slow_overfitting(x, partitions)
    assert [c % trials for c in found.chosen] == [c % trials for c in chosen]
    np.testing.assert_allclose(found.inside, inside, atol=1e-9)
    np.testing.assert_allclose(found.outside, outside, atol=1e-9)
    np.testing.assert_allclose(found.logits, logits, atol=1e-9)
    assert found.pbo == np.mean(logits <= 0)
    assert found.loss == np.mean(np.array(outside) < 0)
    if np.ptp(inside) > 1e-6:
        assert found.degradation == pytest.approx(np.polyfit(inside, outside, 1)[0], rel=1e-6, abs=1e-9)
    slow = np.array([np.mean(everyone <= level) for level in found.level])
    np.testing.assert_allclose(found.all_below, slow, atol=2 / len(everyone))


def test_noise_is_a_coin_and_choosing_it_brings_nothing():
    rng = np.random.default_rng(1)
    runs = [overfitting(rng.normal(size=(400, 30)), 10) for _ in range(120)]
    assert np.mean([run.pbo for run in runs]) == pytest.approx(0.5, abs=0.06)
    assert np.mean([run.loss for run in runs]) == pytest.approx(0.5, abs=0.06)
    # What is good on one half was drawn from the other half: the halves add up to the same whole.
    assert np.mean([run.degradation for run in runs]) < -0.3
    assert np.mean([run.first_order for run in runs]) < 0.4


def test_one_better_trial_is_found_on_every_half():
    x = np.random.default_rng(2).normal(size=(1000, 50))
    x[:, 17] += 0.25
    found = overfitting(x)
    assert found.pbo < 0.001
    assert (found.chosen == 17).mean() > 0.99
    assert found.first_order
    assert found.second_order
    assert found.loss < 0.001


def test_a_planted_overfit_is_above_a_half():
    # Each trial is good in its own part of history and as bad in the rest: what wins must lose.
    x = np.random.default_rng(3).normal(size=(1600, 16)) * 0.1
    for trial, rows in enumerate(np.split(np.arange(1600), 16)):
        x[:, trial] -= 1 / 15
        x[rows, trial] += 1 + 1 / 15
    found = overfitting(x)
    assert found.pbo > 0.95
    assert found.degradation < -0.5
    assert not found.second_order


def test_units_do_not_matter_and_trials_that_never_trade_have_a_sharpe_ratio_of_0():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(200, 6))
    x[:, 2] = 0.0
    found = overfitting(x, 8)
    large = overfitting(x * 2.0 ** rng.integers(-600, 600, 6), 8)
    assert large.logits.tobytes() == found.logits.tobytes()
    x[:, 3:] -= 5.0
    x[:, :2] -= 5.0
    assert (overfitting(x, 8).chosen == 2).all()
    assert overfitting(x, 8).pbo == 0.0


def test_the_same_bits_and_the_input_untouched():
    x = np.random.default_rng(5).normal(size=(300, 9))
    before = x.copy()
    first, second = overfitting(x), overfitting(np.asfortranarray(x))
    assert first.logits.tobytes() == second.logits.tobytes()
    assert x.tobytes() == before.tobytes()
    assert len(first.logits) == 12_870


@pytest.mark.parametrize("partitions", [0, 3, 22])
def test_partitions(partitions):
    with pytest.raises(ConfigError, match="allowed: an even number from 2 to 20"):
        overfitting(np.ones((100, 3)), partitions)


def test_bad_matrices():
    with pytest.raises(DataError, match="at least 32 periods and 2 trials"):
        overfitting(np.ones((31, 3)))
    with pytest.raises(DataError, match="at least 32 periods and 2 trials"):
        overfitting(np.ones((100, 1)))
    x = np.ones((100, 3))
    x[5, 1] = np.nan
    with pytest.raises(DataError, match="the profit of trial 1 in period 5 is nan"):
        overfitting(x)
