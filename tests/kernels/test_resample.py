"""Kernels of the best-of-many tests beside their slow, obvious references."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bateia.kernels.bootstrap import stationary_bootstrap
from bateia.kernels.resample import (
    best_scores,
    counts,
    elimination,
    exceedances,
    pair_scales,
    stationary_indices,
    weighted_sums,
)


def drawn(block, seed, draws, n, first=0):
    out = np.empty((draws, n), np.int64)
    stationary_indices(block, seed, first, out)
    return out


@pytest.mark.parametrize("block", [1.0, 4.5, 1e9])
def test_rows_are_those_of_the_one_column_bootstrap(block):
    x = np.random.default_rng(1).normal(size=97)
    mean, std = np.empty(50), np.empty(50)
    stationary_bootstrap(x, block, 3, mean, std)
    rows = drawn(block, 3, 50, 97)
    np.testing.assert_allclose(x[rows].mean(axis=1), mean, atol=1e-13)
    np.testing.assert_allclose(x[rows].std(axis=1, ddof=1), std, atol=1e-13)
    assert drawn(block, 3, 20, 97, first=30).tobytes() == rows[30:].tobytes()


@given(st.integers(1, 300), st.integers(1, 9), st.integers(1, 40), st.integers(0, 99))
def test_weighted_sums_are_a_matrix_product_in_row_order(columns, draws, rows, seed):
    rng = np.random.default_rng(seed)
    x, indices = rng.normal(size=(rows, columns)), rng.integers(0, rows, (draws, rows))
    weights = np.empty((rows, draws))
    counts(indices, weights)
    assert (weights.sum(axis=0) == rows).all()
    out = np.empty((draws, columns))
    weighted_sums(weights, x, out)
    np.testing.assert_allclose(out, np.stack([x[i].sum(axis=0) for i in indices]), atol=1e-12)


def slow_elimination(mean, scale):
    alive, steps = list(range(len(mean))), []
    while alive:
        t = {i: max(((mean[j] - mean[i]) * scale[i, j] for j in alive if j != i), default=0.0) for i in alive}
        drop = max(alive, key=lambda i: (t[i], -i))
        pairs = [((mean[j] - mean[i]) * scale[i, j]) ** 2 for i in alive for j in alive if i < j]
        steps.append((drop, t[drop], sum(pairs), tuple(alive)))
        alive.remove(drop)
    return steps


@given(st.integers(2, 9), st.integers(0, 999))
def test_elimination_and_its_exceedances(n, seed):
    rng = np.random.default_rng(seed)
    centred, mean = rng.normal(size=(n, 30)), rng.normal(size=n)
    scale = np.empty((n, n))
    pair_scales(centred, scale)
    gap = np.sqrt(np.mean((centred[:, None] - centred[None]) ** 2, axis=2))
    np.testing.assert_allclose(scale, np.divide(1, gap, out=np.zeros((n, n)), where=gap > 0))
    order, largest, squares = np.empty(n, np.int64), np.empty(n), np.empty(n)
    elimination(mean, scale, order, largest, squares)
    beyond = np.empty((n, 2), np.int64)
    exceedances(centred, scale, order, largest, squares, beyond)
    for m, (drop, top, total, alive) in enumerate(slow_elimination(mean, scale)):
        assert order[m] == drop
        assert (largest[m], squares[m]) == (pytest.approx(top), pytest.approx(total))
        if len(alive) == 1:
            break
        t = [(centred[i] - centred[j]) * scale[i, j] for i in alive for j in alive if i < j]
        assert beyond[m, 0] == np.sum(np.max(np.abs(t), axis=0) >= top)
        assert beyond[m, 1] == np.sum(np.sum(np.square(t), axis=0) >= total)


def test_copies_tie_and_a_constant_lead_is_no_chance():
    centred = np.random.default_rng(0).normal(size=(1, 50)).repeat(3, axis=0)
    scale = np.empty((3, 3))
    pair_scales(centred, scale)
    order, largest, squares = np.empty(3, np.int64), np.empty(3), np.empty(3)
    beyond = np.empty((3, 2), np.int64)
    for mean, expected in (([1.0, 1.0, 1.0], [50, 50]), ([1.0, 0.0, 1.0], [0, 0])):
        elimination(np.array(mean), scale, order, largest, squares)
        exceedances(centred, scale, order, largest, squares, beyond)
        assert beyond[0].tolist() == expected
    assert order[0] == 1


def test_best_scores_pass_over_unused_columns():
    rng = np.random.default_rng(2)
    means, centre, scale = rng.normal(size=(20, 6)), rng.normal(size=6), rng.uniform(1, 2, 6)
    use = np.array([True, False, True, True, False, True])
    out = np.empty(20)
    best_scores(means, centre, scale, use, 0.0, out)
    slow = ((means - centre) * scale)[:, use].max(axis=1)
    assert out.tolist() == np.maximum(slow, 0.0).tolist()
