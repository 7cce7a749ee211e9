"""SPA and reality check beside `arch` on the same resampled rows, and p-values of noise."""

import numpy as np
import pytest
from arch.bootstrap import SPA
from scipy import stats

from bateia.backtest.chance import superior
from bateia.backtest.chance.matrix import long_run_variance, resampled_means
from bateia.core import ConfigError, DataError


def arch_spa(profits, benchmark, block, draws, seed):
    """arch's test on losses, and the rows that its bootstrap drew."""
    made = SPA(-np.asarray(benchmark), -profits, block_size=block, reps=draws, seed=seed)
    rows, update = [], made.bootstrap.update_indices

    def watched():
        rows.append(np.array(update()))
        return rows[-1]

    made.bootstrap.update_indices = watched
    made.compute()
    return made, np.array(rows)


def generated(seed, periods=300, trials=8, lead=0.0):
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(periods, 1))
    x = common + rng.normal(size=(periods, trials)) * rng.uniform(0.5, 3, trials)
    x[1:] += 0.3 * x[:-1]
    return x - rng.uniform(0, 0.5, trials) + lead, common[:, 0]


@pytest.mark.parametrize("lead", [0.0, 0.3])
@pytest.mark.parametrize("block", [1, 5])
def test_as_arch_draw_by_draw(block, lead):
    # arch divides by no standard errors in its statistic, whatever `studentize` says: compared as it is.
    for seed in range(3):
        profits, benchmark = generated(seed, lead=lead)
        made, rows = arch_spa(profits, benchmark, block, 200, seed)
        ours = superior(profits, benchmark, draws=200, block=block, indices=rows, studentize=False)
        theirs = made.pvalues
        for name in ("lower", "consistent", "upper"):
            assert getattr(ours, name) * 201 - 1 == pytest.approx(200 * theirs[name], abs=1e-6)
        assert ours.reality_check == ours.upper
        variance = long_run_variance(profits - benchmark[:, None], block)
        np.testing.assert_allclose(variance, made._loss_diff_var, rtol=1e-9)


def test_as_arch_within_monte_carlo_error():
    for seed in range(4):
        profits, benchmark = generated(seed, lead=0.05)
        theirs = arch_spa(profits, benchmark, 4, 1500, seed)[0].pvalues
        ours = superior(profits, benchmark, draws=1500, block=4, seed=seed, studentize=False)
        for name in ("lower", "consistent", "upper"):
            # Four standard errors of the difference of two estimated shares.
            p = (getattr(ours, name) + theirs[name]) / 2
            assert abs(getattr(ours, name) - theirs[name]) < 4 * np.sqrt(2 * p * (1 - p) / 1500) + 2e-3


def slow_superior(profits, rows):
    """Hansen's studentized test, loop by loop, with the variance from the formula."""
    n, trials = profits.shape
    omega = np.sqrt(long_run_variance(profits, 1.0))
    mean = profits.mean(axis=0)
    seen = max(0.0, *(np.sqrt(n) * mean / omega))
    found = {}
    for name in ("lower", "consistent", "upper"):
        count = 0
        for row in rows:
            luck = 0.0
            for k in range(trials):
                bad = mean[k] < -omega[k] / np.sqrt(n) * np.sqrt(2 * np.log(np.log(n)))
                centre = {"upper": mean[k], "lower": max(mean[k], 0.0), "consistent": 0.0 if bad else mean[k]}
                luck = max(luck, np.sqrt(n) * (profits[row, k].mean() - centre[name]) / omega[k])
            count += luck >= seen
        found[name] = (1 + count) / (1 + len(rows))
    return found


def test_studentized_beside_a_slow_reference():
    for seed in range(4):
        profits, benchmark = generated(seed, periods=60, trials=5, lead=0.1)
        gap = profits - benchmark[:, None]
        rows = np.random.default_rng(seed).integers(0, 60, (40, 60))
        ours = superior(profits, benchmark, draws=40, block=1, indices=rows)
        slow = slow_superior(gap, rows)
        assert {name: getattr(ours, name) for name in slow} == pytest.approx(slow)
        t = gap.mean(axis=0) / gap.std(axis=0) * np.sqrt(60)
        assert ours.best == np.argmax(t)
        assert ours.statistic == pytest.approx(max(t.max(), 0))


@pytest.mark.parametrize("correlation", [0.0, 0.8])
def test_p_values_of_noise_are_about_uniform(correlation):
    rng, found = np.random.default_rng(6), []
    for seed in range(300):
        noise = rng.normal(size=(200, 10)) * np.sqrt(1 - correlation)
        noise += rng.normal(size=(200, 1)) * np.sqrt(correlation)
        found.append(superior(noise, draws=300, seed=seed, block=1.0))
    for name in ("consistent", "upper", "reality_check"):
        p = np.array([getattr(one, name) for one in found])
        for level in (0.05, 0.1, 0.25):
            # Never much more often than stated: three standard errors of 300 repeats.
            assert np.mean(p <= level) <= level + 3 * np.sqrt(level * (1 - level) / 300)
    # The SPA's own are 1 whenever nothing is above 0; White's are uniform throughout.
    assert stats.kstest([one.reality_check for one in found], "uniform").pvalue > 0.005


def test_bad_trials_cost_the_consistent_test_less():
    rng = np.random.default_rng(7)
    noise = rng.normal(size=(300, 1))
    noise += 0.12 - noise.mean()
    bad = rng.normal(size=(300, 300)) * 8 - 4
    found = superior(np.hstack([noise, bad]), draws=500)
    # Bad trials with wide swings hide the good one from the reality check.
    assert found.lower <= found.consistent <= found.upper
    assert found.consistent < 0.1 < found.reality_check


def test_trials_that_never_trade_have_no_say_and_nothing_better_gives_1():
    rng = np.random.default_rng(8)
    x = rng.normal(size=(100, 3))
    x += [0.0, 0.2, 0.1]
    flat = np.insert(x, 1, 0.0, axis=1)
    ours, without = superior(flat, draws=100, block=2), superior(x, draws=100, block=2)
    assert ours.best == 2
    assert (ours.consistent, ours.reality_check) == (without.consistent, without.reality_check)
    assert superior(np.zeros((100, 2)), draws=10).consistent == 1.0
    worse = superior(x - 10, draws=100, block=1)
    assert (worse.statistic, worse.consistent, worse.upper) == (0.0, 1.0, 1.0)


def test_the_variance_is_that_of_the_bootstrap():
    profits, _ = generated(9, periods=150, trials=3)
    means = resampled_means(profits, 20_000, seed=1, block=6.0)
    np.testing.assert_allclose(150 * means.var(axis=0), long_run_variance(profits, 6.0), rtol=0.05)


def test_same_seed_same_numbers():
    profits, _ = generated(10)
    assert superior(profits, draws=130, seed=4) == superior(profits, draws=130, seed=4)
    means = resampled_means(profits, 130, seed=4, block=3.0)
    assert means[:70].tobytes() == resampled_means(profits, 70, seed=4, block=3.0).tobytes()


def test_what_makes_no_sense_is_refused():
    x = np.random.default_rng(11).normal(size=(50, 2))
    with pytest.raises(DataError, match="at least 8 periods"):
        superior(x[:7])
    with pytest.raises(ConfigError, match="a benchmark of shape"):
        superior(x, np.zeros(49))
    for wrong in ({"draws": 0}, {"block": 0.5}):
        with pytest.raises(ConfigError, match="one or more of each"):
            superior(x, **wrong)
    for rows in (np.zeros((3, 49)), np.full((3, 50), 50)):
        with pytest.raises(ConfigError, match="indices of shape"):
            superior(x, draws=3, indices=rows)
