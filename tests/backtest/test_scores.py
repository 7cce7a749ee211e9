"""Statistics of scores against scikit-learn and scipy, and their influences against the jackknife."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sklearn_metrics

from bateia.backtest.scores import auc, correlation, hit_rate, log_loss, ranks

rows = st.lists(st.tuples(st.integers(-5, 5), st.booleans(), st.integers(-9, 9)), min_size=2, max_size=60)


@given(rows)
def test_auc_with_ties_is_scikit_learns(data):
    score = np.array([s / 5 for s, _, _ in data])
    up = np.array([u for _, u, _ in data])
    assume(up.any() and not up.all())
    value, influence = auc(score, up)
    assert value == pytest.approx(sklearn_metrics.roc_auc_score(up, score))
    assert influence.mean() == pytest.approx(0, abs=1e-12)


@given(rows)
def test_ranks_and_correlations_are_scipys(data):
    x, y = np.array([float(s) for s, _, _ in data]), np.array([float(r) for _, _, r in data])
    assert ranks(x).tolist() == stats.rankdata(x).tolist()
    assume(np.ptp(x) > 0 and np.ptp(y) > 0)
    assert correlation(x, y)[0] == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-9)
    assert correlation(ranks(x), ranks(y))[0] == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-9)


def test_influence_is_what_leaving_a_row_out_does():
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    y = 0.4 * x + rng.normal(size=400)
    up = y > 0
    cases = (
        lambda keep: auc(x[keep], up[keep]),
        lambda keep: correlation(x[keep], y[keep]),
        lambda keep: hit_rate(x[keep], y[keep]),
    )
    every = np.ones(400, bool)
    for measured in cases:
        value, influence = measured(every)
        for row in range(0, 400, 40):
            keep = every.copy()
            keep[row] = False
            assert (value - measured(keep)[0]) * 399 == pytest.approx(influence[row], abs=0.03)


def test_hit_rate_leaves_out_zeros_and_log_loss_is_scikit_learns():
    score, value = np.array([0.5, -0.5, 0.0, 0.2, 0.1]), np.array([1.0, 1.0, 1.0, 0.0, 3.0])
    assert hit_rate(score, value)[0] == pytest.approx(2 / 3)
    up, p = np.array([True, False, True]), np.array([0.9, 0.2, 0.4])
    assert log_loss(p, up) == pytest.approx(sklearn_metrics.log_loss(up, p))


def test_undefined_is_nan():
    one = np.array([0.1, 0.2])
    assert np.isnan(auc(one, np.array([True, True]))[0])
    assert np.isnan(correlation(one, np.array([1.0, 1.0]))[0])
    assert np.isnan(hit_rate(one, np.zeros(2))[0])
    assert np.isnan(log_loss(np.zeros(0), np.zeros(0, bool)))
