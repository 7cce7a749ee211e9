"""What no model can learn from is refused, by name."""

from __future__ import annotations

import numpy as np
import pytest

from bateia.core import DataError
from bateia.models import Dataset
from bateia.models.base import check_width, class_chances, class_scores, classes_of, up_rather_than_down

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
    chances = np.array([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0]])
    np.testing.assert_allclose(class_scores(chances), [0.1, -1.0])


@pytest.mark.parametrize("classes", [(-1.0, 1.0), (0.0, 1.0), (-1.0, 0.0), (-1.0, 0.0, 1.0)])
def test_chances_are_the_classes_own_and_a_class_not_learnt_has_none(classes):
    learnt = np.random.default_rng(0).dirichlet(np.ones(len(classes)), 50)
    chances = class_chances(learnt, np.array(classes))
    for k, label in enumerate((-1.0, 0.0, 1.0)):
        own = learnt[:, classes.index(label)] if label in classes else 0.0
        np.testing.assert_array_equal(chances[:, k], own)
    np.testing.assert_allclose(class_scores(chances), learnt @ np.array(classes), atol=1e-15)


def test_of_two_classes_the_chance_of_up_is_in_the_score_and_of_three_it_is_given_an_answer():
    two = class_chances(np.array([[0.2, 0.8], [1.0, 0.0]]), np.array([-1.0, 1.0]))
    np.testing.assert_allclose(up_rather_than_down(two), (1 + class_scores(two)) / 2)
    three = np.array([[0.1, 0.7, 0.2], [0.0, 1.0, 0.0], [1e-300, 1.0, 1e-300]])
    np.testing.assert_allclose(up_rather_than_down(three), [2 / 3, 0.5, 0.5])


def test_width_is_told():
    with pytest.raises(DataError, match=r"features of shape \(3, 2\); allowed: \(rows, 1\): a"):
        check_width(X, ("a",))


def test_classes_are_those_of_training_and_none_for_returns():
    assert classes_of(Dataset(X, Y, W, NAMES)).tolist() == [-1.0, 0.0, 1.0]
    assert classes_of(Dataset(X, Y / 10, W, NAMES, "return")).tolist() == []
    with pytest.raises(DataError, match="every training row has class 1; allowed: at least two"):
        classes_of(Dataset(X, np.ones(3), W, NAMES))
