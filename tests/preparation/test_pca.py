"""Principal components against scikit-learn; signs that do not depend on chance."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA as Theirs  # noqa: N811

from bateia.core import DataError
from bateia.models import Dataset
from bateia.preparation import PCA
from bateia.testing.preparation import generated_columns, generated_spans


def fit(step, X):
    y = np.where(np.arange(len(X)) % 2, 1.0, -1.0)
    data = Dataset(X, y, np.ones(len(X)), [f"x{i}" for i in range(X.shape[1])])
    return step.fit(data, generated_spans(len(X)))


def mixed(seed=0, rows=200):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, 5)) @ rng.normal(size=(5, 5)) + 3.0


@pytest.mark.parametrize("count", [1, 3, 5])
def test_components_are_those_of_scikit_learn(count):
    train, other = mixed(0), mixed(0, 250)[200:]
    theirs = Theirs(count).fit(train)
    fitted = fit(PCA(components=count), train)
    side = np.sign((theirs.components_ * fitted.loadings).sum(axis=1))
    np.testing.assert_allclose(fitted.loadings, theirs.components_ * side[:, None], atol=1e-9)
    np.testing.assert_allclose(fitted.transform(other), theirs.transform(other) * side, atol=1e-9)
    np.testing.assert_allclose(fitted.explained, theirs.explained_variance_ratio_, atol=1e-9)
    assert fitted.names_out == tuple(f"pca_{k + 1}" for k in range(count))


@pytest.mark.parametrize("share", [0.3, 0.8, 0.99, 1.0])
def test_as_few_as_explain_the_share(share):
    explained = fit(PCA(share=share), mixed()).explained
    assert explained.sum() >= share - 1e-9
    assert explained[:-1].sum() < share
    assert fit(PCA(), mixed()).names_out == fit(PCA(share=0.95), mixed()).names_out


def test_the_largest_loading_is_positive_and_the_first_of_equal_ones():
    X = mixed()
    loadings = fit(PCA(share=1.0), X).loadings
    assert (loadings[np.arange(5), np.abs(loadings).argmax(axis=1)] > 0).all()
    # The negative of the data has the same components.
    np.testing.assert_allclose(fit(PCA(share=1.0), -X).loadings, loadings, atol=1e-12)
    x = np.random.default_rng(1).normal(size=100)
    assert fit(PCA(components=1), np.column_stack([-x, x])).loadings[0, 0] > 0


def test_columns_that_say_nothing_or_the_same():
    x = np.random.default_rng(1).normal(size=100)
    fitted = fit(PCA(share=1.0), np.column_stack([x, np.ones(100), x]))
    assert fitted.names_out == ("pca_1",)
    assert fit(PCA(), np.ones((9, 3))).transform(np.ones((2, 3))).tolist() == [[0.0], [0.0]]


def test_a_row_with_a_missing_value_has_unknown_components():
    fitted, row = fit(PCA(components=2), mixed()), mixed()[:1]
    row[0, 3] = np.nan
    assert np.isnan(fitted.transform(row)).all()


def test_missing_values_in_training_are_refused():
    data = generated_columns(["normal", "gaps", "late"])
    with pytest.raises(
        DataError, match=r"'gaps_1' and 1 more features.*allowed: complete rows; try: impute before pca"
    ):
        PCA().fit(data, generated_spans(len(data)))


@pytest.mark.parametrize("shape", [(9, 3), (3, 9)])
def test_more_components_than_there_can_be(shape):
    with pytest.raises(DataError, match=r"pca of 4 components from \d features in \d rows; allowed: 1 to 3"):
        fit(PCA(components=4), np.random.default_rng(0).normal(size=shape))


def test_components_or_share():
    with pytest.raises(ValueError, match="components and share; allowed: one of them"):
        PCA(components=2, share=0.5)
