"""The regime kernels against plain Python: every path of a chain, every run of a segment."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bateia.kernels.regimes import banded, expectations, first_true, markov_filter, run_lengths

NAN = float("nan")


@given(st.lists(st.lists(st.sampled_from([0.0, 1.0, -2.0, NAN]), min_size=3, max_size=3), max_size=20))
def test_the_first_rule_that_holds(rows):
    out = np.empty(len(rows), np.int64)
    first_true(np.array(rows).reshape(-1, 3).T.copy(), out)
    for row, got in zip(rows, out.tolist(), strict=True):
        holds = [k + 1 for k, value in enumerate(row) if value > 0]
        assert got == (0 if any(map(math.isnan, row)) or not holds else holds[0])


def test_bands_hold_until_their_exit():
    out = np.empty(9, np.int64)
    value = np.array([0.1, 0.5, 0.3, 0.1, -0.5, -0.3, 0.5, NAN, 0.3])
    banded(np.zeros(1), value, 0.4, 0.2, out)
    assert out.tolist() == [3, 1, 1, 3, 2, 2, 1, 0, 3]


def generated_chain(seed, states, columns, rows):
    rng = np.random.default_rng(seed)
    start, transition = rng.dirichlet(np.ones(states)), rng.dirichlet(np.ones(states), states)
    mean, variance = rng.normal(size=(states, columns)), rng.uniform(0.3, 2, (states, columns))
    return (start, transition, mean, variance), rng.normal(size=(columns, rows))


def path_chances(chain, x):
    """The joint density of every path of states with the rows; a NaN row shows nothing."""
    start, transition, mean, variance = chain
    states, rows = len(start), x.shape[1]
    for path in itertools.product(range(states), repeat=rows):
        chance = start[path[0]] * math.prod(transition[a, b] for a, b in itertools.pairwise(path))
        for i, s in enumerate(path):
            if not np.isnan(x[:, i]).any():
                chance *= np.prod(stats.norm.pdf(x[:, i], mean[s], np.sqrt(variance[s])))
        yield path, chance


@given(st.integers(0, 2**31), st.integers(2, 3), st.integers(1, 2), st.integers(1, 5), st.integers(0, 5))
@settings(max_examples=40)
def test_filtered_chances_are_those_of_all_paths(seed, states, columns, rows, hole):
    chain, x = generated_chain(seed, states, columns, rows)
    if 0 < hole < rows:
        x[0, hole] = NAN
    got = np.empty((rows, states))
    markov_filter(np.zeros(1 + states), x, *chain, got)
    for i in range(rows):
        expected = np.zeros(states)
        for path, chance in path_chances(chain, x[:, : i + 1]):
            expected[path[-1]] += chance
        assert np.allclose(got[i], expected / expected.sum(), atol=1e-12)


@given(st.integers(0, 2**31), st.integers(2, 3), st.integers(1, 2), st.integers(1, 5))
@settings(max_examples=40)
def test_expectations_are_those_of_all_paths(seed, states, columns, rows):
    chain, x = generated_chain(seed, states, columns, rows)
    gamma, moved = np.empty((rows, states)), np.empty((states, states))
    likelihood = expectations(x, *chain, gamma, moved)
    paths = list(path_chances(chain, x))
    total = sum(chance for _, chance in paths)
    assert likelihood == pytest.approx(math.log(total), rel=1e-10)
    expected, flows = np.zeros((rows, states)), np.zeros((states, states))
    for path, chance in paths:
        for i, s in enumerate(path):
            expected[i, s] += chance / total
        for a, b in itertools.pairwise(path):
            flows[a, b] += chance / total
    assert np.allclose(gamma, expected, atol=1e-12) and np.allclose(moved, flows, atol=1e-12)


def test_rows_before_the_first_known_one_are_unknown():
    chain, x = generated_chain(0, 2, 1, 4)
    x[0, :2] = NAN
    got = np.empty((4, 2))
    markov_filter(np.zeros(3), x, *chain, got)
    assert np.isnan(got[:2]).all() and np.allclose(got[2:].sum(axis=1), 1)


def test_a_row_that_no_state_explains_leaves_all_as_likely():
    start, mean = np.array([1.0, 0.0]), np.zeros((2, 1))
    got = np.empty((1, 2))
    markov_filter(np.zeros(3), np.array([[1e200]]), start, np.eye(2), mean, np.array([[1.0], [4.0]]), got)
    assert got[0].tolist() == [0.5, 0.5]


def reference_young(x, hazard, recent):
    """P(run length <= recent) from each segment's own rows, by the library's Student t."""
    chance, out = {0: 1.0}, []
    for i, value in enumerate(x):
        likely = {}
        for r, c in chance.items():
            part = np.array(x[i - r : i])
            centre = part.mean() if r else 0.0
            kappa, alpha = 1 + r, 1 + r / 2
            mean = part.sum() / kappa
            beta = 1 + 0.5 * np.sum((part - centre) ** 2) + r * centre**2 / (2 * kappa)
            scale = math.sqrt(beta * (kappa + 1) / (alpha * kappa))
            likely[r] = c * stats.t.pdf(value, 2 * alpha, mean, scale)
        total = sum(likely.values())
        chance = {0: hazard} | {r + 1: (1 - hazard) * c / total for r, c in likely.items()}
        out.append(sum(c for r, c in chance.items() if r <= recent) if i + 1 > recent else NAN)
    return out


@pytest.mark.parametrize("seed", range(3))
def test_run_lengths_are_those_of_each_segments_own_rows(seed):
    rng = np.random.default_rng(seed)
    x = np.concatenate([rng.normal(0, 1, 40), rng.normal(2, 1, 30), rng.normal(2, 4, 20)])
    room, out = 120, np.empty(len(x))
    state = np.concatenate([[0.0, 1.0], np.zeros(2 * room - 1), np.ones(room)])
    run_lengths(state, x, 1 / 50, 5, out)
    assert np.allclose(out, reference_young(x.tolist(), 1 / 50, 5), atol=1e-9, equal_nan=True)


def test_longer_runs_than_there_is_room_for_change_little():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 1, 600), rng.normal(0, 3, 100)])
    found = []
    for room in (100, 1000):
        state = np.concatenate([[0.0, 1.0], np.zeros(2 * room - 1), np.ones(room)])
        out = np.empty(len(x))
        run_lengths(state, x, 1 / 250, 10, out)
        assert state[1 : 1 + room].sum() == pytest.approx(1)
        found.append(out)
    assert np.nanmax(np.abs(found[0] - found[1])[10:600]) < 0.2
    assert (found[0][605:612] > 0.5).any()


def test_rows_that_are_unknown_change_nothing():
    rng = np.random.default_rng(0)
    x = rng.normal(size=60)
    out, holes = np.empty(60), np.empty(120)
    states = [np.concatenate([[0.0, 1.0], np.zeros(199), np.ones(100)]) for _ in range(2)]
    run_lengths(states[0], x, 0.01, 5, out)
    run_lengths(states[1], np.stack([x, np.full(60, NAN)], axis=1).ravel(), 0.01, 5, holes)
    assert np.array_equal(holes[::2], out, equal_nan=True) and np.array_equal(
        holes[1::2], out, equal_nan=True
    )
    assert np.array_equal(*states)
