"""What no model can learn from is refused, by name."""

from __future__ import annotations

import numpy as np
import pytest

from bateia.core import DataError
from bateia.models import Dataset
from bateia.models.base import check_width, class_scores, classes_of

X, Y, W = np.zeros((3, 2)), np.array([1.0, -1.0, 0.0]), np.ones(3)
NAMES = ("a", "b")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((X, Y[:2], W, NAMES), "unequal parts"),
        ((X, Y, W, ("a",)), "unequal parts"),
        ((X[:0], Y[:0], W[:0], NAMES), "without rows"),
        ((np.array([[0, 0], [0, np.inf], [0, 0]]), Y, W, NAMES), "feature 'b' of row 1 is inf; allowed"),
        ((np.array([[0, 0], [0, 0], [-1e300, 0]]), Y, W, NAMES), r"feature 'a' of row 2 is -1e\+300"),
        ((X, np.array([1.0, np.nan, 0.0]), W, NAMES), "answer of row 1 is nan"),
        ((X, np.array([1.0, 2.0, 0.0]), W, NAMES), "class of row 1 is 2"),
        ((X, Y, np.array([1.0, -1.0, 1.0]), NAMES), "weights that are negative"),
        ((X, Y, np.zeros(3), NAMES), "all 0"),
    ],
)
def test_refusals(parts, message):
    with pytest.raises(DataError, match=message):
        Dataset(*parts)


def test_returns_need_not_be_classes():
    assert len(Dataset(X, np.array([0.1, -3.0, 0.0]), W, NAMES, "return")) == 3


def test_scores_weigh_the_classes():
    probability = np.array([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0]])
    np.testing.assert_allclose(class_scores(probability, np.array([-1.0, 0.0, 1.0])), [0.1, -1.0])


def test_width_is_told():
    with pytest.raises(DataError, match=r"features of shape \(3, 2\); allowed: \(rows, 1\): a"):
        check_width(X, ("a",))


def test_classes_are_those_of_training_and_none_for_returns():
    assert classes_of(Dataset(X, Y, W, NAMES)).tolist() == [-1.0, 0.0, 1.0]
    assert classes_of(Dataset(X, Y / 10, W, NAMES, "return")).tolist() == []
    with pytest.raises(DataError, match="every training row has class 1; allowed: at least two"):
        classes_of(Dataset(X, np.ones(3), W, NAMES))
