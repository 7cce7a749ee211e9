"""Calls of up and down against scikit-learn, and their influences against the jackknife."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from bateia.backtest.classes import by_class, ratio
from bateia.backtest.scores import average_precision

rows = st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=1, max_size=60)


def arrays(data):
    return np.array([s / 5 for s, _ in data]), np.array([up for _, up in data])


@given(rows)
def test_calls_are_scikit_learns(data):
    score, up = arrays(data)
    answer, call = np.where(up, 1, -1), np.sign(score).astype(int)
    found = {name: value for name, (value, _) in by_class(score, up).items()}
    for side, name in ((1, "up"), (-1, "down")):
        options = {"labels": [side], "average": "macro", "zero_division": np.nan}
        precision = sklearn_metrics.precision_score(answer, call, **options)
        recall = sklearn_metrics.recall_score(answer, call, **options)
        assert found[f"precision_{name}"] == pytest.approx(precision, nan_ok=True)
        assert found[f"recall_{name}"] == pytest.approx(recall, nan_ok=True)
    if not np.isnan(found["f1_macro"]):
        f1 = sklearn_metrics.f1_score(answer, call, labels=[-1, 1], average="macro", zero_division=0)
        assert found["f1_macro"] == pytest.approx(f1)
    both = found["precision_up"] * found["precision_down"]
    assert found["correct_round_trip"] == pytest.approx(both, nan_ok=True)


@given(rows)
def test_average_precision_with_ties_is_scikit_learns(data):
    score, up = arrays(data)
    assume(up.any())
    value, influence = average_precision(score, up)
    assert value == pytest.approx(sklearn_metrics.average_precision_score(up, score))
    assert influence.mean() == pytest.approx(0, abs=1e-12)


@given(rows)
def test_turning_the_market_around_swaps_up_and_down(data):
    score, up = arrays(data)
    one, other = by_class(score, up), by_class(-score, ~up)
    for name in ("precision", "recall"):
        assert one[f"{name}_up"][0] == pytest.approx(other[f"{name}_down"][0], nan_ok=True)
    for name in ("f1_macro", "correct_round_trip"):
        assert one[name][0] == pytest.approx(other[name][0], nan_ok=True)


@given(rows, st.floats(0.1, 10))
def test_calls_do_not_depend_on_the_scores_scale(data, scale):
    score, up = arrays(data)
    one, other = by_class(score, up), by_class(scale * score, up)
    assert all(np.array_equal(one[name][0], other[name][0], equal_nan=True) for name in one)
    assume(up.any())
    assert average_precision(score, up)[0] == average_precision(scale * score + 1.0, up)[0]


def test_influence_is_what_leaving_a_row_out_does():
    rng = np.random.default_rng(0)
    score = np.round(rng.normal(size=400), 1)
    up = score + rng.normal(size=400) > 0
    cases = {"average_precision": lambda keep: average_precision(score[keep], up[keep])}
    for name in by_class(score, up):
        cases[name] = lambda keep, name=name: by_class(score[keep], up[keep])[name]
    every = np.ones(400, bool)
    for name, measured in cases.items():
        value, influence = measured(every)
        for row in range(0, 400, 40):
            keep = every.copy()
            keep[row] = False
            assert (value - measured(keep)[0]) * 399 == pytest.approx(influence[row], abs=0.03), name


def test_nothing_called_is_nan():
    found = by_class(np.zeros(3), np.array([True, False, True]))
    assert np.isnan(found["precision_up"][0]) and found["recall_up"][0] == 0
    assert np.isnan(ratio([], [])[0])
    assert np.isnan(average_precision(np.array([0.1]), np.array([False]))[0])
