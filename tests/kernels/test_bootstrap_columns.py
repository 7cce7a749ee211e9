"""Every bootstrap kernel reads one stream: plain Python draws the same resamples, slowly."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.kernels.bootstrap import bootstrap_account, bootstrap_columns, stationary_bootstrap

MASK = (1 << 64) - 1


def mixed(word):
    z = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def slow_rows(n, block, seed, draw):
    """Rows of one resample: Python's own integers and logarithm."""
    word = mixed((seed * 0x9E3779B97F4A7C15 + (draw + 1) * 0x94D049BB133111EB) & MASK)
    rows = []
    while len(rows) < n:
        word = (word + 0x9E3779B97F4A7C15) & MASK
        at = min(int((mixed(word) >> 11) * 2.0**-53 * n), n - 1)
        length = 1
        if block > 1:
            word = (word + 0x9E3779B97F4A7C15) & MASK
            length = 1 + int(math.log(((mixed(word) >> 11) + 1) * 2.0**-53) / math.log1p(-1 / block))
        rows += [(at + k) % n for k in range(min(length, n - len(rows)))]
    return rows


def account(x, low, high, block, seed, draws):
    floats, longest = [np.empty(draws) for _ in range(7)], np.empty(draws, np.int64)
    bootstrap_account(x, low, high, block, seed, *floats, longest)
    names = ("mean", "std", "downside", "below", "within", "shortfall", "fall")
    return {**dict(zip(names, floats, strict=True)), "longest": longest}


def slow_account(x, low, high):
    path = np.cumsum(x)
    peak = np.maximum.accumulate(np.maximum(path, 0.0))
    longest = run = 0
    for under in path < peak:
        run = run + 1 if under else 0
        longest = max(longest, run)
    return {
        "mean": x.mean(),
        "std": x.std(ddof=1) if len(x) > 1 else 0.0,
        "downside": math.sqrt(np.mean(np.minimum(x, 0.0) ** 2)),
        "below": np.mean(x <= low),
        "within": np.mean(x <= high),
        "shortfall": np.mean(np.minimum(x - low, 0.0)),
        "fall": np.max(peak - path),
        "longest": longest,
    }


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 60),
    st.sampled_from([1.0, 1.01, 1.5, 2.0, 5.0, 33.3, 1e6]),
    st.integers(0, 2**31),
    st.data(),
)
def test_kernels_draw_what_plain_python_draws(n, block, seed, data):
    # Whole numbers: running sums are exact, so that ties with the peak are ties everywhere.
    x = np.array(data.draw(st.lists(st.integers(-4, 4), min_size=n, max_size=n)), float)
    columns = np.stack([x, x * x, np.arange(n) * 0.5], axis=1)
    means, drawn = np.empty((3, 3)), account(x, -2.0, 2.0, block, seed, 3)
    bootstrap_columns(columns, block, seed, means)
    for d in range(3):
        rows = slow_rows(n, block, seed, d)
        assert means[d] == pytest.approx(columns[rows].mean(0), abs=1e-9)
        for name, value in slow_account(x[rows], -2.0, 2.0).items():
            assert drawn[name][d] == pytest.approx(value, abs=1e-9), name


@pytest.mark.parametrize("block", [1.0, 3.0, 250.0])
def test_account_and_plain_bootstrap_agree_to_the_bit(block):
    x = np.random.default_rng(0).normal(size=777)
    mean, std = np.empty(50), np.empty(50)
    stationary_bootstrap(x, block, 9, mean, std)
    drawn = account(x, -1.0, 1.0, block, 9, 50)
    assert drawn["mean"].tobytes() == mean.tobytes()
    assert drawn["std"].tobytes() == std.tobytes()
