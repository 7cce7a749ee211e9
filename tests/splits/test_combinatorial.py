"""Combinatorial purged cross-validation: the book's figure, its paths, and scores put together."""

from collections import Counter
from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bateia.core import DataError, Spans
from bateia.splits import Combinatorial, Piece, assemble

# Lopez de Prado (2018), figures 12.1 and 12.2: the split (from 1) that tests each of 6 groups on 5 paths.
FIGURE = [
    [1, 1, 2, 3, 4, 5],
    [2, 6, 6, 7, 8, 9],
    [3, 7, 10, 10, 11, 12],
    [4, 8, 11, 13, 13, 14],
    [5, 9, 12, 14, 15, 15],
]

shapes = st.integers(2, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n - 1)))


def made(n, k, rows=0):
    """The splitter, and spans of rows that share nothing."""
    t0 = np.arange(rows or 3 * n + 1) * 10
    return Combinatorial(groups=n, test_groups=k, embargo="1us"), Spans(t0, t0 + 1)


def test_the_books_fifteen_splits_and_five_paths():
    splitter, spans = made(6, 2)
    assert len(splitter.split(spans)) == 15
    assert splitter.tested[:6] == [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (1, 2)]
    assert [[fold + 1 for fold, _ in path] for path in splitter.paths] == FIGURE


@given(shapes)
def test_each_fold_tests_its_groups_and_each_path_every_row_once(shape):
    n, k = shape
    splitter, spans = made(n, k)
    folds, paths = splitter.split(spans), splitter.paths
    groups = np.array_split(np.arange(len(spans)), n)
    assert len(folds) == comb(n, k)
    assert len(paths) * n == k * comb(n, k)
    for fold, test in zip(folds, combinations(range(n), k), strict=True):
        assert fold.test.tolist() == [i for g in test for i in groups[g]]
        assert fold.train.tolist() == [i for g in range(n) if g not in test for i in groups[g]]
    assert all([group for _, group in path] == list(range(n)) for path in paths)
    used = Counter(pair for path in paths for pair in path)
    assert used == Counter((f, g) for f, test in enumerate(splitter.tested) for g in test)


@given(shapes)
def test_assembled_paths_use_every_out_of_sample_score_once(shape):
    n, k = shape
    splitter, spans = made(n, k)
    folds = splitter.split(spans)
    scores = np.full((len(folds), len(spans)), np.nan)
    for number, fold in enumerate(folds):
        scores[number, fold.test] = number + fold.test / 1_000
    paths = assemble(scores, splitter.decided(spans))
    assert paths.shape == (comb(n - 1, k - 1), len(spans))
    assert not np.isnan(paths).any()
    assert sorted(paths.ravel()) == sorted(scores[~np.isnan(scores)])
    for path, line in zip(splitter.paths, paths, strict=True):
        of_group = np.concatenate(
            [np.full(len(rows), fold) for (fold, _), rows in zip(path, np.array_split(line, n), strict=True)]
        )
        assert np.allclose(line, of_group + np.arange(len(spans)) / 1_000)


@pytest.mark.parametrize("shape", [(3,), (1, 9), (2, 8)])
def test_scores_of_another_shape_are_refused(shape):
    paths = [[Piece(0, 0, 4), Piece(1, 4, 9)]]
    with pytest.raises(DataError, match=r"scores of shape .* for paths over 2 folds and 9 rows"):
        assemble(np.zeros(shape), paths)


def test_no_paths_give_no_scores():
    assert assemble(np.zeros((2, 3)), []).shape == (0, 3)


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        (
            {"groups": 3, "test_groups": 3},
            "test_groups 3 of 3 groups leave nothing to train on; allowed: 1",
        ),
        ({"groups": 20, "test_groups": 10}, "10 of 20 groups make 184,756 folds; allowed: at most 1,000"),
        ({"groups": 1}, "greater than or equal to 2"),
        ({"test_groups": 0}, "greater than or equal to 1"),
    ],
)
def test_parameters_that_make_no_sense_say_so(given_, words):
    with pytest.raises(ValidationError) as caught:
        Combinatorial(**given_)
    assert words in caught.value.errors()[0]["msg"]
