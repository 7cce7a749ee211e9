"""Real data in another order, one kind a function; each takes real candles or trades and a generator."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from bateia.core import Bars, Trades

CLOCKS = ("time", "open_time", "known_at")
DAY = 86_400_000_000


def moved(bars: Bars, order) -> Bars:
    """The rows in another order, under the old times."""
    return replace(bars[order], **{name: getattr(bars, name) for name in CLOCKS})


def built(bars: Bars, before, prices, rest=None) -> Bars:
    """Every bar's shape (log of its prices by the close before), one after the other, on the grid again."""
    base = bars.close[0] * np.exp(np.append(0.0, np.cumsum(prices["close"])[:-1]))
    places = next(k for k in range(12) if np.allclose(bars.close * 10**k, np.round(bars.close * 10**k)))
    made = {name: np.round(base * np.exp(shape), places) for name, shape in prices.items()}
    made["high"] = np.max(list(made.values()), axis=0)
    made["low"] = np.min(list(made.values()), axis=0)
    bars = bars if rest is None else moved(bars, rest)
    vwap = np.clip(base * bars.vwap / before, made["low"], made["high"])
    return replace(bars, **made, vwap=vwap, value=bars.volume * vwap)


def shapes(bars: Bars):
    """The close before each bar, and the log of each of its prices by it."""
    before = np.append(bars.open[0], bars.close[:-1])
    return before, {name: np.log(getattr(bars, name) / before) for name in ("open", "high", "low", "close")}


def rebuilt(bars: Bars, order) -> Bars:
    """Returns and shapes in another order, accumulated again, volumes moved along."""
    before, shape = shapes(bars)
    return built(bars, before[order], {name: part[order] for name, part in shape.items()}, order)


def step(bars: Bars) -> int:
    return int(np.median(np.diff(bars.time)))


def pieces(rows, length, rng):
    """The rows in blocks of a length, the blocks in another order; what is left over stays at the end."""
    count = rows // length
    parts = np.arange(count * length).reshape(count, length)[rng.permutation(count)]
    return np.append(parts.ravel(), np.arange(count * length, rows))


def within(bars: Bars, length, rng):
    """The rows of each stretch of a length in another order."""
    order = np.arange(len(bars))
    for start in range(0, len(order), length):
        order[start : start + length] = rng.permutation(order[start : start + length])
    return order


def length_of(bars: Bars, length) -> int:
    return length if isinstance(length, int) else DAY // step(bars) * (7 if length == "week" else 1)


def blocks(length, bars, rng):
    return moved(bars, pieces(len(bars), length_of(bars, length), rng))


def rebuilt_blocks(length, bars, rng):
    return rebuilt(bars, pieces(len(bars), length_of(bars, length), rng))


def shuffled_days(bars, rng):
    """Each day's bars in another order."""
    return moved(bars, within(bars, DAY // step(bars), rng))


def rebuilt_days(bars, rng):
    return rebuilt(bars, within(bars, DAY // step(bars), rng))


def reversed_rows(bars, rng):
    return moved(bars, np.arange(len(bars))[::-1])


def reversed_time(bars, rng):
    """Back in time: what closed a bar opens it."""
    back = moved(bars, np.arange(len(bars))[::-1])
    return replace(back, open=back.close, close=back.open, signed_volume=-back.signed_volume)


def rebuilt_rows(bars, rng):
    return rebuilt(bars, rng.permutation(len(bars)))


def shuffled_rows(bars, rng):
    return moved(bars, rng.permutation(len(bars)))


def shuffled_returns_only(bars, rng):
    """Closes of shuffled returns; wicks and volumes stay."""
    return _with_returns(bars, rng.permutation(shapes(bars)[1]["close"]))


def random_phases(bars, rng):
    """Returns with the same spectrum and random phases (Theiler et al. 1992); wicks and volumes stay."""
    return _with_returns(bars, _phases(shapes(bars)[1]["close"], rng))


def random_phases_of_real_size(bars, rng):
    """The same, with the real returns in the order of those ranks."""
    change = shapes(bars)[1]["close"]
    surrogate = np.empty(len(change))
    surrogate[np.argsort(_phases(change, rng))] = np.sort(change)
    return _with_returns(bars, surrogate)


def _phases(change, rng):
    waves = np.fft.rfft(change)
    turned = np.abs(waves) * np.exp(2j * np.pi * rng.random(len(waves)))
    turned[0] = waves[0]
    return np.fft.irfft(turned, len(change))


def _with_returns(bars: Bars, change) -> Bars:
    before, shape = shapes(bars)
    top = shape["high"] - np.maximum(shape["open"], shape["close"])
    bottom = shape["low"] - np.minimum(shape["open"], shape["close"])
    shape = {"open": np.zeros(len(bars)), "close": change}
    shape["high"] = np.maximum(change, 0) + top
    shape["low"] = np.minimum(change, 0) + bottom
    return built(bars, before, shape)


def signs_at_random(bars, rng):
    """Every bar turned over or not: |returns| and volumes stay as they are."""
    before, shape = shapes(bars)
    turn = rng.random(len(bars)) < 0.5
    low, high = shape["low"].copy(), shape["high"].copy()
    shape = {name: np.where(turn, -part, part) for name, part in shape.items()}
    shape["high"], shape["low"] = np.where(turn, -low, high), np.where(turn, -high, low)
    return built(bars, before, shape)


def _named(name, function, *given):
    made = partial(function, *given)
    made.__name__ = name
    return made


LENGTHS = (50, 100, 400, "day", "week")
MOVED = [
    shuffled_rows,
    shuffled_days,
    reversed_rows,
    *(_named(f"blocks_of_{length}", blocks, length) for length in LENGTHS),
]
"""Rows that no longer begin where the one before ended."""
REBUILT = [
    rebuilt_rows,
    rebuilt_days,
    reversed_time,
    shuffled_returns_only,
    random_phases,
    random_phases_of_real_size,
    signs_at_random,
    *(_named(f"rebuilt_blocks_of_{length}", rebuilt_blocks, length) for length in LENGTHS),
]
"""The same with prices that join on."""


def trade_blocks(length, trades: Trades, rng):
    """Prices, sizes and sides in blocks, under the old times."""
    order = pieces(len(trades), length, rng)
    return replace(trades, price=trades.price[order], size=trades.size[order], side=trades.side[order])


def rebuilt_trade_blocks(length, trades: Trades, rng):
    """Price changes, sizes and sides in blocks, added up again."""
    order = pieces(len(trades), length, rng)
    change = np.diff(trades.price, prepend=trades.price[0])[order]
    price = trades.price[0] + np.cumsum(change)
    return replace(trades, price=price, size=trades.size[order], side=trades.side[order])


def reversed_trades(trades: Trades, rng):
    """Prices, sizes and sides back in time."""
    return replace(trades, price=trades.price[::-1], size=trades.size[::-1], side=trades.side[::-1])


TRADES_MOVED = [
    *(_named(f"trade_blocks_of_{length}", trade_blocks, length) for length in (50, 500, 5_000)),
]
TRADES_REBUILT = [
    reversed_trades,
    *(_named(f"rebuilt_trade_blocks_of_{n}", rebuilt_trade_blocks, n) for n in (50, 500, 5_000)),
]
