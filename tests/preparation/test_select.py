"""Selection keeps what matters, in its order, and the same every time."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.feature_selection import mutual_info_classif

from bateia.core import ConfigError, SplitError
from bateia.models import Dataset, LightGBM, Logistic, Majority
from bateia.preparation import Select
from bateia.preparation.importance import clusters, goodness, mean_decrease, mutual_information
from bateia.testing.preparation import generated_columns, generated_spans

SMALL = LightGBM(rounds=30, min_data_in_leaf=10, threads=1)


def data(rows=600, task="class", seed=0):
    """Noise, a driver, noise, its echo, a weak driver, a constant and a mask of missing values."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 7))
    X[:, 3] = X[:, 1] ** 3 + 0.01 * X[:, 3]
    X[:, 5], X[rng.random(rows) < 0.3, 6] = 1.0, np.nan
    drive = X[:, 1] + 0.5 * X[:, 4] + 0.4 * rng.normal(size=rows)
    y = np.sign(np.where(np.abs(drive) < 0.3, 0.0, drive)) if task == "class" else 1e-3 * drive
    names = ("noise", "driver", "noise_too", "echo", "weak", "constant", "gaps")
    return Dataset(X, y, rng.uniform(0.5, 1.0, rows), names, task)


def keep(step, rows=600, task="class", model=None):
    return step.fit(data(rows, task), generated_spans(rows), model).names_out


@pytest.mark.parametrize("task", ["class", "return"])
@pytest.mark.parametrize("model", [SMALL, Logistic()], ids=lambda m: m.kind)
@pytest.mark.parametrize("measure", ["likelihood", "accuracy"])
def test_mda_keeps_what_the_model_uses(task, model, measure):
    kept = keep(Select(k=3, measure=measure), task=task, model=model)
    assert {"driver", "weak"} < set(kept)


def test_information_keeps_both_echoes_and_redundancy_one():
    assert keep(Select(by="mutual_information", k=3)) == ("driver", "echo", "weak")
    assert keep(Select(by="redundancy", k=6)) == ("noise", "driver", "noise_too", "weak", "constant", "gaps")
    assert keep(Select(by="redundancy", k=6), task="return")[1] in ("driver", "echo")


def test_more_than_there_are_keeps_all():
    for by in ("mutual_information", "redundancy"):
        assert keep(Select(by=by, k=99)) == tuple(data().names)


def test_of_equal_ones_the_first_is_kept():
    same = Dataset(np.ones((60, 4)), data(60).y, np.ones(60), list("abcd"))
    for step in (Select(k=2), Select(by="mutual_information", k=2)):
        assert step.fit(same, generated_spans(60), Majority()).names_out == ("a", "b")


def test_mda_is_about_0_for_noise_and_falls_on_no_other_feature():
    some, span = data(), generated_spans(600)
    worth = mean_decrease(some, span, Logistic())
    assert worth[1] > 0.1
    np.testing.assert_allclose(worth[[0, 2, 5, 6]], 0, atol=0.02)
    assert worth[5] == 0.0
    np.testing.assert_array_equal(worth, mean_decrease(some, span, Logistic()))
    assert not np.array_equal(worth, mean_decrease(some, span, Logistic(), seed=1))
    # Majority uses nothing.
    assert not mean_decrease(some, span, Majority()).any()


class Watching:
    """A model that keeps the rows it was given, by their first feature."""

    def __init__(self):
        self.seen, self.asked = [], []

    def fit(self, train, valid):
        self.seen.append((train.X[:, 0], valid.X[:, 0]))
        return self

    def importance(self):
        return {}

    def predict(self, X):
        self.asked.append(X[:, 0].copy())
        return np.zeros(len(X))


def test_inner_folds_are_purged():
    rows, model = 300, Watching()
    numbered = Dataset(np.arange(rows, dtype=float)[:, None], data(rows).y, np.ones(rows), ["row"])
    mean_decrease(numbered, generated_spans(rows), model, folds=3)
    tested = np.concatenate(model.asked[::2])
    assert sorted(tested) == list(range(rows))
    for (train, valid), test in zip(model.seen, model.asked[::2], strict=True):
        for near in (train, valid):
            # Answers come 5 rows later, and the embargo is as long again.
            assert np.abs(near[:, None] - test[None]).min() > 10
        assert np.abs(train[:, None] - valid[None]).min() > 10


def test_measures_by_hand():
    score = np.array([0.5, -0.5, 0.2, 0.0])
    classes = Dataset(
        np.zeros((4, 1)), np.array([1.0, 1.0, 0.0, -1.0]), np.array([1.0, 2.0, 3.0, 1.0]), ["x"]
    )
    assert goodness(score, classes, "accuracy") == 0.25
    expected = (np.log(0.75) + 2 * np.log(0.25) + np.log(0.5)) / 4
    assert goodness(score, classes, "likelihood") == pytest.approx(expected)
    returns = Dataset(classes.X, np.array([0.5, -0.5, 0.1, 0.1]), classes.weight, ["x"], "return")
    assert goodness(score, returns, "likelihood") == pytest.approx(-(0.03 + 0.01) / 7)
    assert goodness(score, returns, "accuracy") == pytest.approx(6 / 7)
    flat = Dataset(classes.X, np.zeros(4), np.ones(4), ["x"])
    assert goodness(score, flat, "likelihood") == 0.0
    sure = Dataset(classes.X[:1], np.array([-1.0]), np.ones(1), ["x"])
    assert np.isfinite(goodness(np.array([1.0]), sure, "likelihood"))


def test_information_is_known_for_what_can_be_known():
    rng = np.random.default_rng(0)
    coin = rng.integers(0, 2, 4000) * 2.0 - 1
    X = np.column_stack([coin, -coin, rng.normal(size=4000), np.where(coin > 0, np.nan, 1.0)])
    worth = mutual_information(Dataset(X, coin, np.ones(4000), list("abcd")))
    np.testing.assert_allclose(worth, [np.log(2), np.log(2), 0, np.log(2)], atol=2e-3)
    # The normal channel: -log(1 - rho^2) / 2.
    x = rng.normal(size=20_000)
    y = 0.6 * x + 0.8 * rng.normal(size=20_000)
    known = mutual_information(Dataset(x[:, None], y, np.ones(20_000), ["x"], "return"))[0]
    assert known == pytest.approx(-np.log(1 - 0.36) / 2, rel=0.06)


def test_information_ranks_like_the_nearest_neighbours_of_scikit_learn():
    some = data(3000)
    X = np.nan_to_num(some.X)
    theirs = mutual_info_classif(X[:, :5], some.y, random_state=0)
    ours = mutual_information(Dataset(X[:, :5], some.y, np.ones(3000), some.names[:5]))
    np.testing.assert_allclose(ours, theirs, atol=0.08)


def test_clusters_part_by_rank_order():
    some = data()
    found = clusters(some.X, 6)
    assert found[1] == found[3]
    assert len(set(found)) == 6
    assert abs(spearmanr(some.X[:, 1], some.X[:, 3])[0]) > 0.95
    # Its sign does not matter.
    assert len({*clusters(np.column_stack([some.X[:, 0], -some.X[:, 0], some.X[:, 1]]), 2)[:2]}) == 1
    # Nothing but ties: as many clusters all the same.
    assert len(set(clusters(np.ones((20, 5)), 3))) == 3


def test_mda_needs_a_model_and_rows():
    with pytest.raises(ConfigError, match=r"select by mda without a model.*try: by: mutual_information"):
        keep(Select())
    with pytest.raises(SplitError, match="2 training rows for 3 inner folds"):
        keep(Select(), rows=2, model=Majority())
    with pytest.raises(SplitError, match="validation fraction"):
        keep(Select(), rows=9, model=Majority())


def test_selection_of_columns_of_every_sort_keeps_the_first():
    some = generated_columns(["normal", "zero", "constant", "unknown"], rows=500)
    for step in (Select(k=1), Select(by="mutual_information", k=1)):
        assert step.fit(some, generated_spans(500), Logistic()).names_out == ("normal_0",)
