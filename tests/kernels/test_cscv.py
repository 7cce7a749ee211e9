"""Blocks and splits beside the rows they stand for; the whole method is in backtest/chance/test_pbo.py."""

from itertools import pairwise

import numpy as np
import pytest

from bateia.kernels.cscv import block_sums, symmetric_splits


def test_block_sums_of_uneven_blocks():
    x = np.random.default_rng(1).normal(size=(11, 3))
    bounds = np.array([0, 3, 3, 7, 11])
    sums, squares = np.empty((2, 4, 3))
    block_sums(x, bounds, sums, squares)
    parts = [x[low:high] for low, high in pairwise(bounds)]
    np.testing.assert_allclose(sums, [part.sum(axis=0) for part in parts], atol=1e-14)
    np.testing.assert_allclose(squares, [(part**2).sum(axis=0) for part in parts], atol=1e-14)


def splits(x, members, grid):
    bounds = np.arange(0, len(x) + 1, len(x) // 2)
    sums, squares = np.empty((2, 2, x.shape[1]))
    block_sums(x, bounds, sums, squares)
    members, n = np.array(members), len(members)
    chosen, tally = np.empty(n, np.int64), np.zeros(len(grid) + 1, np.int64)
    inside, outside, rank = np.empty((3, n))
    symmetric_splits(sums, squares, np.diff(bounds), members, grid, chosen, inside, outside, rank, tally)
    return chosen, inside, outside, rank, tally


def test_two_halves_by_hand():
    x = np.array([[1.0, 0.0], [3.0, 0.0], [-1.0, 2.0], [-1.0, 4.0]])
    chosen, inside, outside, rank, tally = splits(x, [[0], [1]], np.linspace(-4, 4, 9))
    root = np.sqrt(2)
    # The first column wins the first half, then never varies: no Sharpe ratio there, 0.
    assert (chosen[0], outside[0], rank[0]) == (0, 0.0, 1.0)
    assert (chosen[1], outside[1], rank[1]) == (1, 0.0, 1.0)
    assert inside.tolist() == pytest.approx([2 / root, 3 / root])
    # Out of sample: 0 and 2.1 in the second half, 1.4 and 0 in the first.
    assert tally.tolist() == [0, 0, 0, 0, 0, 2, 1, 1, 0, 0]


def test_ties_stand_in_the_middle_and_the_grid_has_open_ends():
    rng = np.random.default_rng(2)
    x = np.repeat(rng.normal(size=(20, 1)), 5, axis=1)
    chosen, _, _, rank, tally = splits(x, [[0], [1]], np.array([50.0, 51.0]))
    assert (chosen == 0).all()
    assert (rank == 3.0).all()
    assert tally.tolist() == [10, 0, 0]
    assert splits(x, [[0], [1]], np.array([-51.0, -50.0]))[-1].tolist() == [0, 0, 10]
