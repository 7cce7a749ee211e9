"""The market's gauges against pandas-like loops over whole intervals, and Roll's and the others' models."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.core import Trades
from bateia.trading import Market

MINUTE, DAY = 60_000_000, 86_400_000_000


def generated_trades(n, seed, gap=MINUTE // 2):
    rng = np.random.default_rng(seed)
    time = np.cumsum(rng.integers(0, gap, n)).astype(np.int64)
    price = 100 * np.exp(1e-4 * np.cumsum(rng.normal(size=n)))
    return Trades(time, time, price, rng.uniform(0.1, 3, n), np.zeros(n, np.int8))


def plain_gauges(trades, every, window, volume_window, roll):
    """Each interval's end from scratch: (row of the trade that ended it, four gauges)."""
    number = trades.time // every
    starts = [0, *(np.flatnonzero(np.diff(number)) + 1)]
    cells = [slice(a, b) for a, b in itertools.pairwise(starts)]
    moves = np.diff(trades.price, prepend=np.nan)
    out = []
    for k, cell in enumerate(cells):
        row = [math.nan] * 4
        ended = (int(number[cell.start]) + 1) * every
        if k >= window:
            part = cells[k - window : k + 1]
            close = [trades.price[c.stop - 1] for c in part]
            elapsed = ended - (int(number[part[0].start]) + 1) * every
            row[0] = math.sqrt(
                sum(math.log(b / a) ** 2 for a, b in itertools.pairwise(close)) / elapsed * DAY
            )
            high, low = ([f(trades.price[c]) for c in part] for f in (max, min))
            ranges = [
                max(up, c) - min(low_, c) for up, low_, c in zip(high[1:], low[1:], close, strict=False)
            ]
            row[3] = sum(ranges) / window
            if roll:
                pairs = [i for c in part[1:] for i in range(c.start, c.stop) if i >= 2]
                row[2] = math.sqrt(max(-np.mean([moves[i] * moves[i - 1] for i in pairs]), 0.0))
            else:
                row[2] = (
                    np.mean([spread(*hl) for hl in zip(high[1:], low[1:], high, low, strict=False)])
                    * close[-1]
                    / 2
                )
        if k >= volume_window - 1:
            part = cells[k - volume_window + 1 : k + 1]
            volume = sum(trades.size[c].sum() for c in part)
            row[1] = volume / (ended - int(number[part[0].start]) * every) * DAY
        out.append((cell.stop, row))
    return out


def spread(high, low, high0, low0):
    """Corwin and Schultz (2012), eq. 14 and 18."""
    beta = math.log(high / low) ** 2 + math.log(high0 / low0) ** 2
    gamma = math.log(max(high, high0) / min(low, low0)) ** 2
    alpha = (math.sqrt(2 * beta) - math.sqrt(beta)) / (3 - 2 * math.sqrt(2)) - math.sqrt(
        gamma / (3 - 2 * math.sqrt(2))
    )
    return max(2 * (math.exp(alpha) - 1) / (1 + math.exp(alpha)), 0.0)


@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([(3, 5), (6, 2)]))
@settings(max_examples=60)
def test_gauges_are_those_of_whole_intervals(seed, roll, windows):
    trades = generated_trades(400, seed)
    market = Market(every="1m", window=f"{windows[0]}m", volume_window=f"{windows[1]}m")
    at, values = market.start(roll).run(trades)
    expected = plain_gauges(trades, MINUTE, *windows, roll)
    assert at.tolist() == [row for row, _ in expected]
    assert np.allclose(values, [gauge for _, gauge in expected], rtol=1e-7, atol=1e-9, equal_nan=True)


@given(st.integers(0, 10**6), st.lists(st.integers(0, 300), max_size=5).map(sorted))
@settings(max_examples=60)
def test_any_cut_gives_the_same_bits_and_no_gauge_sees_ahead(seed, cuts):
    trades = generated_trades(300, seed)
    market = Market(every="1m", window="5m", volume_window="9m")
    at, values = market.start().run(trades)
    stream, rows, pieces, last = market.start(), [], [], 0
    for cut in [*cuts, 300]:
        places, found = stream.run(trades[last:cut])
        rows, pieces, last = [*rows, *(places + last)], [*pieces, found], cut
    assert rows == at.tolist()
    assert np.concatenate(pieces).tobytes() == values.tobytes()
    changed = Trades(*(c.copy() for c in trades.columns().values()))
    # Whatever comes from a trade on, gauges that hold from it on do not know it.
    changed.price[150:] *= 1.5
    changed.size[150:] *= 7
    before = at <= 150
    _, other = market.start().run(changed)
    assert other[before].tobytes() == values[before].tobytes()


def test_known_markets_are_measured_right():
    rng = np.random.default_rng(1)
    n, sigma = 400_000, 0.03
    time = np.sort(rng.integers(0, 4 * DAY, n)).astype(np.int64)
    steps = np.diff(time, prepend=0) / DAY
    middle = 100 * np.exp(np.cumsum(rng.normal(size=n) * sigma * np.sqrt(steps)))
    price = middle + 0.05 * rng.choice([-1, 1], n)
    trades = Trades(time, time, price, np.full(n, 0.5), np.zeros(n, np.int8))
    market = Market(every="5m", window="1d", volume_window="1d")
    _, by_trades = market.start(roll=True).run(trades)
    _, by_range = market.start().run(trades)
    assert np.nanmedian(by_trades[:, 0]) == pytest.approx(sigma, rel=0.15)
    assert np.nanmedian(by_trades[:, 1]) == pytest.approx(0.5 * n / 4, rel=0.01)
    assert np.nanmedian(by_trades[:, 2]) == pytest.approx(0.05, rel=0.05)
    # Biased upwards where negative pairs count as 0, as its authors say.
    assert 0.03 < np.nanmedian(by_range[:, 2]) < 0.12
