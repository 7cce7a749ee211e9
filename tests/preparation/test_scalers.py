"""Scalers against scikit-learn, and where they part from it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import QuantileTransformer, RobustScaler, StandardScaler

from bateia.models import Dataset
from bateia.preparation import Quantile, Robust, Standard
from bateia.testing.preparation import generated_columns, generated_spans

TRAIN = generated_columns(["normal", "heavy", "gaps", "far", "counts", "tiny"], rows=300, seed=1)
OTHER = generated_columns(["normal", "heavy", "gaps", "far", "counts", "tiny"], rows=200, seed=2).X


def fit(step, data):
    return step.fit(data, generated_spans(len(data)))


def column(*values):
    x = np.array(values, np.float64)[:, None]
    return Dataset(x, np.where(np.arange(len(x)) % 2, 1.0, -1.0), np.ones(len(x)), ["x"])


@pytest.mark.parametrize(
    ("step", "theirs"), [(Standard(), StandardScaler()), (Robust(), RobustScaler())], ids=str
)
def test_scales_are_those_of_scikit_learn(step, theirs):
    # Values near 1e-20 are a constant to scikit-learn: its limit is absolute.
    few = [column for column, name in enumerate(TRAIN.names) if not name.startswith("tiny")]
    expected = theirs.fit(TRAIN.X[:, few]).transform(OTHER[:, few])
    np.testing.assert_allclose(fit(step, TRAIN).transform(OTHER)[:, few], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("to", ["uniform", "normal"])
@pytest.mark.parametrize("levels", [11, 300])
def test_ranks_are_those_of_scikit_learn(to, levels):
    few = [0, 1, 2, 3]  # the ties of counts and the size of tiny are treated otherwise there
    theirs = QuantileTransformer(n_quantiles=levels, output_distribution=to, subsample=None)
    expected = theirs.fit(TRAIN.X[:, few]).transform(OTHER[:, few])
    got = fit(Quantile(to=to, levels=levels), TRAIN).transform(OTHER)[:, few]
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_training_rows_come_out_standard():
    Z = fit(Standard(), TRAIN).transform(TRAIN.X)
    np.testing.assert_allclose(np.nanmean(Z, axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(np.nanstd(Z, axis=0), 1, atol=1e-6)
    np.testing.assert_allclose(np.nanmedian(fit(Robust(), TRAIN).transform(TRAIN.X), axis=0), 0, atol=1e-9)


@pytest.mark.parametrize("step", [Standard(), Robust(), Quantile(), Quantile(to="normal")], ids=str)
def test_a_constant_column_becomes_0_and_missing_stays_missing(step):
    # A tenth is no sum of powers of 2: its mean is not itself to the last bit.
    fitted = fit(step, column(*[0.1] * 7, np.nan))
    out = fitted.transform(np.array([[0.1], [5.0], [-5.0], [np.nan]]))[:, 0]
    assert out.view(np.int64)[:3].tolist() == [0, 0, 0]
    assert np.isnan(out[3])


def test_a_column_without_quartiles_is_scaled_by_its_deviation():
    fitted = fit(Robust(), column(*[0.0] * 9, 10.0))
    assert fitted.transform(np.array([[3.0]]))[0, 0] == 1.0


def test_a_rank_of_equal_values_is_the_middle_of_their_stretch():
    fitted = fit(Quantile(levels=11), column(0, 0, 0, 0, 0, 0, 7, 8, 9, 10, 11))
    out = fitted.transform(np.array([[-1.0], [0.0], [11.0], [99.0]]))[:, 0]
    np.testing.assert_allclose(out, [0.0, 0.25, 1.0, 1.0])


def test_normal_values_are_held_within_five_deviations():
    out = fit(Quantile(to="normal"), column(*range(20))).transform(np.array([[-1e9], [9.5], [1e9]]))[:, 0]
    np.testing.assert_allclose(out, [-5.19934, 0, 5.19934], atol=1e-5)


def test_the_grid_is_no_finer_than_the_rows():
    assert fit(Quantile(levels=1000), column(1, 2, 3)).level.tolist() == [0.0, 0.5, 1.0]
