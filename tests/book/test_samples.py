"""What sampled books say, against the same in NumPy."""

import numpy as np
import pytest

from bateia.book.samples import Samples
from bateia.core import DataError

N, DEPTH = 50, 12


def generated_samples(seed=0):
    rng = np.random.default_rng(seed)
    middle = 100 + np.cumsum(rng.normal(0, 0.1, N))[:, None]
    steps = rng.uniform(0.01, 0.1, (2, N, DEPTH)).cumsum(axis=2)
    sizes = rng.uniform(0.1, 9, (2, N, DEPTH))
    samples = Samples(
        np.arange(N), np.ones(N, np.int64), middle - steps[0], sizes[0], middle + steps[1], sizes[1]
    )
    # Some books are less deep than others.
    for row, levels in ((3, 5), (4, 1)):
        samples.bid_price[row, levels:] = samples.bid_size[row, levels:] = np.nan
    return samples


def test_best_levels():
    s = generated_samples()
    b, a = s.bid_size[:, 0], s.ask_size[:, 0]
    micro = (s.bid_price[:, 0] * a + s.ask_price[:, 0] * b) / (a + b)
    np.testing.assert_array_equal(s.microprice(), micro)
    np.testing.assert_array_equal(s.spread(), s.ask_price[:, 0] - s.bid_price[:, 0])
    assert np.all((s.microprice() > s.bid_price[:, 0]) & (s.microprice() < s.ask_price[:, 0]))


@pytest.mark.parametrize("levels", [1, 5, DEPTH])
def test_imbalance_at_any_depth(levels):
    s = generated_samples()
    bids, asks = (np.nansum(side[:, :levels], axis=1) for side in (s.bid_size, s.ask_size))
    np.testing.assert_allclose(s.imbalance(levels), (bids - asks) / (bids + asks), rtol=1e-12)


def test_cumulative_depth():
    s = generated_samples()
    np.testing.assert_allclose(s.bid_depth(), np.cumsum(s.bid_size, axis=1), rtol=1e-12)
    np.testing.assert_allclose(s.ask_depth(), np.cumsum(s.ask_size, axis=1), rtol=1e-12)


@pytest.mark.parametrize("levels", [1, 10])
def test_slope_is_least_squares_through_zero(levels):
    s = generated_samples()
    mid = (s.bid_price[:, 0] + s.ask_price[:, 0]) / 2
    expected = np.empty(N)
    for i in range(N):
        both = []
        for price, size in ((s.bid_price, s.bid_size), (s.ask_price, s.ask_size)):
            there = np.isfinite(size[i, :levels])
            away = np.abs(price[i, :levels][there] - mid[i])[:, None]
            both.append(np.linalg.lstsq(away, np.cumsum(size[i, :levels][there]), rcond=None)[0][0])
        expected[i] = np.mean(both)
    np.testing.assert_allclose(s.slope(levels), expected, rtol=1e-10)


def test_more_levels_than_there_are_is_refused():
    s = generated_samples()
    for levels in (0, DEPTH + 1):
        with pytest.raises(DataError, match="1 to 12"):
            s.imbalance(levels)
