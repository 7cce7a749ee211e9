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


def test_returns_are_averaged_by_weight():
    assert fitted([0.01, 0.04], [1, 3], "return") == pytest.approx([0.0325, 0.0325])
