"""Model confidence set beside `arch` and beside a slow semi-quadratic reference."""

import numpy as np
import pytest
from arch.bootstrap import MCS

from bateia.backtest.chance import confidence_set
from bateia.core import ConfigError, DataError


def generated(seed, periods=250, trials=7):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(periods, 1)) + rng.normal(size=(periods, trials)) * rng.uniform(0.5, 2, trials)
    return x + rng.choice([0.0, 0.1, 0.3], trials)


@pytest.mark.parametrize("block", [1, 4])
def test_as_arch_draw_by_draw(block):
    for seed in range(5):
        profits = generated(seed)
        made = MCS(-profits, size=0.05, reps=200, block_size=block, method="R", seed=seed)
        made.compute()
        rows = np.array(made._bootstrap_indices)
        ours = confidence_set(profits, draws=200, block=block, indices=rows)
        assert ours.order.tolist() == made.pvalues.index.tolist()
        theirs = made.pvalues["Pvalue"].sort_index().to_numpy()
        survivor = ours.order[-1]
        shares = ours.p_range * 201 - 1
        np.testing.assert_allclose(np.delete(shares, survivor), 200 * np.delete(theirs, survivor), atol=1e-6)
        assert ours.p_range[survivor] == theirs[survivor] == 1.0


def test_as_arch_within_monte_carlo_error():
    profits = generated(7)
    made = MCS(-profits, size=0.05, reps=2000, block_size=3, method="R", seed=7)
    made.compute()
    ours = confidence_set(profits, draws=2000, block=3, seed=7)
    np.testing.assert_allclose(ours.p_range, made.pvalues["Pvalue"].sort_index().to_numpy(), atol=0.06)


def slow_squares(profits, rows):
    """Step by step with every pair anew, the semi-quadratic statistic."""
    n = profits.shape[1]
    star = np.array([profits[row].mean(axis=0) for row in rows]) - profits.mean(axis=0)
    gap, star_gap = (m[..., None, :] - m[..., :, None] for m in (profits.mean(axis=0), star))
    error = np.sqrt(np.mean(star_gap**2, axis=0)) + np.eye(n)
    t, t_star = gap / error, star_gap / error
    alive, p, sure = list(range(n)), np.ones(n), 0.0
    while len(alive) > 1:
        among = np.ix_(alive, alive)
        seen = np.sum(t[among] ** 2) / 2
        chance = np.sum(t_star[:, *among] ** 2, axis=(1, 2)) / 2
        sure = max(sure, (1 + np.sum(chance >= seen)) / (1 + len(rows)))
        worst = alive[int(np.argmax(t[among].max(axis=1)))]
        p[worst] = sure
        alive.remove(worst)
    return p


def test_semi_quadratic_beside_a_slow_reference():
    for seed in range(5):
        profits = generated(seed, periods=80, trials=6)
        rows = np.random.default_rng(seed).integers(0, 80, (99, 80))
        ours = confidence_set(profits, draws=99, block=1, indices=rows)
        np.testing.assert_allclose(ours.p_squares, slow_squares(profits, rows))


@pytest.mark.parametrize("statistic", ["range", "squares"])
def test_the_best_is_in_the_set_as_often_as_stated_and_the_bad_are_not(statistic):
    rng, held, bad = np.random.default_rng(8), 0, 0
    for seed in range(150):
        profits = rng.normal(size=(200, 6))
        profits += [0.0, 0.0, 0.0, 0.0, -0.5, -0.6]
        members = confidence_set(profits, draws=300, seed=seed, block=1.0).members(0.1, statistic=statistic)
        held += {0, 1, 2, 3} <= set(members.tolist())
        bad += 4 in members or 5 in members
    # All four that are equally best stay in at least 90% of the time, less three standard errors.
    assert held / 150 >= 0.9 - 3 * np.sqrt(0.09 / 150)
    assert bad / 150 < 0.1


def test_copies_stay_or_go_together():
    profits = generated(9, trials=4)
    found = confidence_set(np.tile(profits, 2), draws=200, block=1.0)
    alone = confidence_set(profits, draws=200, block=1.0)
    assert found.members().tolist() == sorted([*alone.members(), *(alone.members() + 4)])
    same = confidence_set(np.repeat(profits[:, :1], 3, axis=1), draws=50)
    assert same.p_range.tolist() == same.p_squares.tolist() == [1.0] * 3


def test_what_makes_no_sense_is_refused():
    with pytest.raises(DataError, match="at least 8 periods and 2 trials"):
        confidence_set(np.ones((50, 1)))
    found = confidence_set(generated(10), draws=20)
    for wrong in ({"level": 0.0}, {"statistic": "max"}):
        with pytest.raises(ConfigError, match="range or squares"):
            found.members(**wrong)
