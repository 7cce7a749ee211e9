"""Trees: the same with any threads, stopped early, saved natively."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from bateia.core import DataError
from bateia.models import Dataset, LightGBM
from bateia.testing.models import generated_dataset

TRAIN, VALID = generated_dataset(2000, seed=1), generated_dataset(800, seed=2)
MODEL = LightGBM(rounds=60, early_stopping_rounds=5, min_data_in_leaf=20, threads=1)


def test_one_or_two_threads_give_the_same_model():
    one, two = (MODEL.model_copy(update={"threads": n}).fit(TRAIN, VALID) for n in (1, 2))
    assert one.text == two.text
    assert np.array_equal(one.predict(VALID.X), two.predict(VALID.X))
    assert MODEL.model_copy(update={"seed": 5}).fit(TRAIN, VALID).text != one.text


def test_it_stops_when_the_validation_rows_gain_nothing():
    told: list[int] = []
    noise = Dataset(VALID.X, np.random.default_rng(0).permutation(VALID.y), VALID.weight, VALID.names)
    fitted = MODEL.fit(TRAIN, noise, on_round=lambda k, loss: told.append(k))
    assert len(told) < 60
    assert fitted.booster.num_trees() < 60 * 3
    assert told == list(range(len(told)))


def test_scores_are_the_boosters_own_probabilities():
    fitted = MODEL.fit(TRAIN, VALID)
    p = lgb.Booster(model_str=fitted.text).predict(VALID.X.astype(np.float32))
    np.testing.assert_array_equal(fitted.predict(VALID.X), p[:, 2] - p[:, 0])
    np.testing.assert_array_equal(fitted.chances(VALID.X), p)


def test_two_classes_and_returns():
    pair = [Dataset(d.X, np.where(d.y >= 0, 1.0, -1.0), d.weight, d.names) for d in (TRAIN, VALID)]
    fitted = MODEL.fit(*pair)
    assert fitted.classes == (-1.0, 1.0)
    assert np.corrcoef(fitted.predict(VALID.X), pair[1].y)[0, 1] > 0.4
    returns = [generated_dataset(1500, seed, "return") for seed in (1, 2)]
    score = MODEL.fit(*returns).predict(returns[1].X)
    assert np.corrcoef(score, returns[1].y)[0, 1] > 0.5
    assert np.abs(score).max() < 0.01


def test_a_class_that_only_validation_has_is_left_out_there():
    two = TRAIN.y != 0
    train = Dataset(TRAIN.X[two], TRAIN.y[two], TRAIN.weight[two], TRAIN.names)
    assert MODEL.fit(train, VALID).classes == (-1.0, 1.0)
    zeros = Dataset(VALID.X, np.zeros(len(VALID)), VALID.weight, VALID.names)
    assert MODEL.fit(train, zeros).booster.num_trees() == 60


def test_one_class_is_refused():
    with pytest.raises(DataError, match="every training row has class 1"):
        MODEL.fit(Dataset(TRAIN.X, np.ones(len(TRAIN)), TRAIN.weight, TRAIN.names), VALID)


def test_the_binned_dataset_trains_again(tmp_path):
    path = tmp_path / "deep" / "fold.bin"
    MODEL.save_dataset(TRAIN, path)
    data = lgb.Dataset(str(path), params={"verbosity": -1})
    booster = lgb.train(
        {"objective": "multiclass", "num_class": 3, "verbosity": -1, "num_threads": 1}, data, 3
    )
    assert booster.feature_name() == list(TRAIN.names)
    assert data.num_data() == len(TRAIN)
