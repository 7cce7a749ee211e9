"""Barrier kernels against plain scans: the same bits where they promise it, the formula elsewhere."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.kernels.barriers import (
    LARGE,
    average_uniqueness,
    ew_volatility,
    fixed_horizon,
    horizon_ends,
    triple_barrier,
)

NAN = float("nan")


def generated_path(n, seed, step=0.25):
    """First, high, low, close of a random walk on a tick grid, with gaps, still bars and equal times."""
    rng = np.random.default_rng(seed)
    close = 100 + step * np.cumsum(rng.integers(-2, 3, n))
    first = close + step * rng.integers(-2, 3, n)
    high = np.maximum(first, close) + step * rng.integers(0, 3, n)
    low = np.minimum(first, close) - step * rng.integers(0, 3, n)
    time = np.cumsum(rng.integers(0, 4, n) * rng.integers(0, 30, n)).astype(np.int64)
    return first, high, low, close.astype(np.float64), time


def ends(time, bars, micros):
    n = len(time)
    end, due, closed = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.bool_)
    horizon_ends(time, bars, micros, end, due, closed)
    return end, due, closed


def plain_ends(time, bars, micros):
    rows, n = [], len(time)
    for i in range(n):
        if bars:
            closed = i + bars <= n - 1
            last = i + bars if closed else n - 1
            moment = time[last]
        else:
            last = max(j for j in range(i, n) if time[j] <= time[i] + micros)
            closed = any(t >= time[i] + micros for t in time)
            moment = time[i] + micros if closed else time[-1]
        rows.append((last, moment, closed))
    return rows


def plain_barrier(first, high, low, close, volatility, up, down, time, closed, end):
    """Row by row, bar by bar: (end, due, touch, ret)."""
    rows = []
    for i in range(len(close)):
        upper = close[i] * math.exp(up * volatility[i])
        lower = close[i] * math.exp(-down * volatility[i])
        row = (end[i], None, NAN, NAN)
        if not (upper > close[i] > lower):
            rows.append((-1, time[-1], NAN, NAN))
            continue
        for j in range(i + 1, end[i] + 1):
            if high[j] < upper and low[j] > lower:
                continue
            if first[j] >= upper:
                side, price = 1, first[j]
            elif first[j] <= lower:
                side, price = -1, first[j]
            elif low[j] <= lower:
                side, price = -1, lower
            else:
                side, price = 1, upper
            row = (j, time[j], side, math.log(price / close[i]))
            break
        else:
            if closed[i]:
                row = (end[i], None, 0, math.log(close[end[i]] / close[i]))
        rows.append(row)
    return rows


def both(path, volatility, up, down, bars, micros):
    """The kernel's columns and the plain ones; `due` of the vertical barrier is filled in for the latter."""
    *prices, time = path
    n = len(time)
    end, due, closed = ends(time, bars, micros)
    plain = plain_barrier(*prices, volatility, up, down, time, closed, end)
    moments = due.copy()
    touch, ret = np.empty(n), np.empty(n)
    triple_barrier(*prices, volatility, up, down, time, closed, end, due, touch, ret)
    wanted = [np.array(column) for column in zip(*plain, strict=True)]
    wanted[1] = np.array([moments[i] if row[1] is None else row[1] for i, row in enumerate(plain)])
    return (end, due, touch, ret), wanted


def assert_same_bits(got, wanted):
    for one, two in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(one, two.astype(one.dtype))


@given(
    n=st.integers(1, 500),
    seed=st.integers(0, 999),
    bars=st.integers(0, 600),
    micros=st.integers(1, 9000),
    up=st.floats(0.2, 60),
    down=st.floats(0.2, 60),
    closes=st.booleans(),
)
@settings(max_examples=60)
def test_skipping_blocks_finds_what_a_plain_scan_finds(n, seed, bars, micros, up, down, closes):
    first, high, low, close, time = generated_path(n, seed)
    path = (close, close, close, close, time) if closes else (first, high, low, close, time)
    volatility = np.random.default_rng(seed).choice([0.0, NAN, 0.001, 0.002, 0.004], n)
    got, wanted = both(path, volatility, up, down, bars, 0 if bars else micros)
    assert_same_bits(got, wanted)


@pytest.mark.parametrize("where", [0, 1, 7, 8, 9, 127, 128, 129, 255, 256, 511])
@pytest.mark.parametrize("side", [-1, 1])
def test_a_single_touch_is_found_wherever_it_lies_in_its_blocks(where, side):
    n, start = (4 << LARGE) + 5, 3
    at = start + 1 + where
    close = np.full(n, 100.0)
    close[at] += side * 5
    path = (close, close, close, close, np.arange(n))
    for bars, found in ((where + 1, True), (n, True), (where, False)):
        got, wanted = both(path, np.full(n, 0.04), 1.0, 1.0, max(bars, 1), 0)
        assert_same_bits(got, wanted)
        assert got[2][start] == (side if found or where == 0 else 0)


def exits(first, high, low, volatility=0.1):
    """The label of a bar closing at 100, barriers near 110.5 and 90.5, from the one bar after it."""
    path = tuple(np.array([100.0, x]) for x in (first, high, low, 100.0))
    (_, _, touch, ret), _ = both((*path, np.array([0, 1])), np.full(2, volatility), 1.0, 1.0, 1, 0)
    return float(touch[0]), float(ret[0])


def test_rules_within_one_bar():
    assert exits(101, 109, 95) == (0, 0.0)
    assert exits(101, 111, 95) == (1, pytest.approx(0.1))
    assert exits(101, 109, 90) == (-1, pytest.approx(-0.1))
    assert exits(101, 111, 90) == (-1, pytest.approx(-0.1)), "both: the worse"
    assert exits(112, 113, 111) == (1, pytest.approx(math.log(1.12))), "a gap exits at the first price"
    assert exits(88, 113, 87) == (-1, pytest.approx(math.log(0.88)))
    assert exits(112, 113, 87) == (1, pytest.approx(math.log(1.12))), "the first price was first"
    touch, ret = exits(100, 200, 50, volatility=0.0)
    assert math.isnan(touch) and math.isnan(ret), "no volatility, no barriers, no answer"


def test_a_price_at_the_barrier_touches_it():
    width = math.log(1.25)
    for price, side in ((100 * math.exp(width), 1), (100 * math.exp(-width), -1)):
        assert exits(price, price, price, width)[0] == side
        inside = np.nextafter(price, 100)
        assert exits(inside, inside, inside, width)[0] == 0


@given(
    time=st.lists(st.integers(0, 40), min_size=1, max_size=40).map(sorted),
    bars=st.integers(0, 45),
    micros=st.integers(1, 50),
)
def test_horizons_end_where_a_plain_search_says(time, bars, micros):
    clock = np.array(time, np.int64)
    end, due, closed = ends(clock, bars, micros)
    wanted = plain_ends(time, bars, micros)
    assert list(zip(end.tolist(), due.tolist(), closed.tolist(), strict=True)) == wanted


def test_fixed_horizon_is_the_log_return_to_the_end():
    ret = np.empty(3)
    fixed_horizon(np.array([1.0, 2.0, 8.0]), np.array([2, 2, 2]), np.array([True, True, False]), ret)
    np.testing.assert_array_equal(ret, [math.log(8), math.log(4), NAN])


def plain_volatility(close, span):
    """The definition: weights that fall with age, biased variance, bias correction."""
    r, keep = np.diff(np.log(close)), 1 - 2 / (span + 1)
    out = [NAN] * min(span, len(close))
    for i in range(span, len(close)):
        w = keep ** np.arange(i)[::-1]
        mean = np.sum(w * r[:i]) / np.sum(w)
        biased = np.sum(w * (r[:i] - mean) ** 2) / np.sum(w)
        out.append(math.sqrt(biased * np.sum(w) ** 2 / (np.sum(w) ** 2 - np.sum(w**2))))
    return np.array(out)


@given(n=st.integers(1, 120), span=st.integers(2, 40), seed=st.integers(0, 99))
def test_volatility_is_the_weighted_deviation_known_at_the_bar(n, span, seed):
    close = generated_path(n, seed)[3]
    out = np.empty(n)
    ew_volatility(close, span, out)
    np.testing.assert_allclose(out, plain_volatility(close, span), rtol=1e-9, atol=1e-12)
    cut = n // 2
    head = np.empty(cut)
    ew_volatility(close[:cut], span, head)
    np.testing.assert_array_equal(head, out[:cut])


def test_volatility_of_a_still_price_is_nothing():
    out = np.empty(9)
    ew_volatility(np.full(9, 7.0), 3, out)
    np.testing.assert_array_equal(out, [NAN] * 3 + [0.0] * 6)


@given(st.lists(st.tuples(st.integers(-1, 30), st.booleans()), max_size=40))
def test_uniqueness_is_the_mean_of_one_over_the_labels_that_share_a_return(rows):
    n = len(rows)
    end = np.array(
        [-1 if ahead < 0 else min(i + ahead, n - 1) for i, (ahead, _) in enumerate(rows)], np.int64
    )
    ret = np.array([0.0 if answered and ahead >= 0 else NAN for ahead, answered in rows])
    uses = [set(range(i + 1, end[i] + 1)) for i in range(n)]
    count = [sum(t in used for used in uses) for t in range(n)]
    wanted = [np.mean([1 / count[t] for t in used]) if used else 1.0 for used in uses]
    weight = np.empty(n)
    average_uniqueness(end, ret, weight)
    np.testing.assert_allclose(weight, np.where(np.isnan(ret), 0.0, wanted), rtol=1e-12)


def test_labels_that_follow_each_other_are_unique():
    weight = np.empty(4)
    average_uniqueness(np.array([1, 2, 3, 3]), np.array([0.0, 0.0, 0.0, NAN]), weight)
    assert weight.tolist() == [1.0, 1.0, 1.0, 0.0]
