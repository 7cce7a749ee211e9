"""The baseline takes the heavier side."""

from __future__ import annotations

import numpy as np
import pytest

from bateia.models import Dataset, Majority

NAMES = ("a",)


def fitted(y, weight, task="class"):
    data = Dataset(np.zeros((len(y), 1)), np.array(y, float), np.array(weight, float), NAMES, task)
    return Majority().fit(data, data).predict(np.zeros((2, 1))).tolist()


@pytest.mark.parametrize(
    ("y", "weight", "score"),
    [
        ([1, 1, -1], [1, 1, 1], 1.0),
        ([1, 1, -1], [1, 1, 3], -1.0),
        ([1, -1], [1, 1], 1.0),
        ([0, 0, 0, -1], [9, 9, 9, 1], -1.0),
    ],
)
def test_the_heavier_direction_wins(y, weight, score):
    assert fitted(y, weight) == [score, score]


def test_its_chances_are_the_shares_of_the_training_rows_by_weight():
    y, weight = np.array([1.0, 1.0, -1.0, 0.0]), np.array([1.0, 1.0, 1.0, 5.0])
    model = Majority().fit(*[Dataset(np.zeros((4, 1)), y, weight, NAMES)] * 2)
    assert model.chances(np.zeros((2, 1))).tolist() == [[0.125, 0.625, 0.25]] * 2


def test_returns_are_averaged_by_weight():
    assert fitted([0.01, 0.04], [1, 3], "return") == pytest.approx([0.0325, 0.0325])
