"""Volume profiles by hand: buckets and their edges, equals, nothing traded, and nothing left behind."""

import math

import numpy as np
import pytest

from bateia.features import Plan

PARTS = ("poc", "high", "low")


def profile(price, volume, n, bins):
    """The last row's point of control and value area."""
    data = {"price": np.array(price, np.float64), "volume": np.array(volume, np.float64)}
    features = {part: f"profile(price, volume, {n}, {bins}, {k})" for k, part in enumerate(PARTS)}
    found = Plan(features, tuple(data)).run(data)
    return [found[part][-1] for part in PARTS]


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ([1, 0, 0, 0, 0], [10.5, 11, 10]),
        ([0, 0, 0, 0, 2], [14.5, 15, 14]),
        ([1, 6, 1, 1, 1], [11.5, 13, 11]),  # equal neighbours: the upper
        ([1, 5, 1, 1, 2], [11.5, 14, 11]),  # twice the upper, then neither is larger: the upper
        ([2, 4, 1, 1, 2], [11.5, 13, 10]),
        ([1, 3, 1, 3, 1], [11.5, 14, 11]),  # two as full: the lowest
        ([0, 0, 0, 0, 0], [math.nan] * 3),
    ],
)
def test_by_hand(volume, expected):
    price = [10, 11.5, 12.5, 13.5, 15]
    assert profile(price, volume, 5, 5) == pytest.approx(expected, nan_ok=True)


def test_a_price_on_an_edge_counts_above_and_the_highest_in_the_last():
    assert profile([10, 11, 12, 13, 14], [1, 1, 9, 1, 1], 5, 4)[0] == 12.5
    assert profile([10, 11, 12, 13, 14], [1, 1, 1, 4, 4], 5, 4) == [13.5, 14, 13]


def test_one_price_is_its_own_profile():
    assert profile([7.3] * 9, [1] * 9, 4, 24) == [7.3, 7.3, 7.3]
    assert profile([5.1, 7.3], [1, 2], 1, 24) == [7.3, 7.3, 7.3]


def test_volume_that_leaves_leaves_nothing_behind():
    rng = np.random.default_rng(4)
    price = 100 + 10 * rng.random(3000)
    price[::7], price[1::7] = 99, 111  # the extremes stay, so that the buckets are never counted afresh
    volume = rng.exponential(0.3, 3000)
    volume[1000] = 1e17
    volume[1500] = 1e308
    volume[1501] = 1e308
    for stop in (1000 + 60, 1000 + 61, 1300, 1501 + 60, 1501 + 61, 3000):
        one, afresh = (profile(price[a:stop], volume[a:stop], 60, 24) for a in (0, stop - 60))
        assert one == pytest.approx(afresh, rel=1e-14, abs=0, nan_ok=True), stop
    assert not np.isnan(one).any()
