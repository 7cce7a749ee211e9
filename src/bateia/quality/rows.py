"""Rows that cannot be: prices, broken candles, sums that do not fit, rows that come twice."""

from __future__ import annotations

import numpy as np

from bateia.core import Bars, Trades
from bateia.core.events import Bools, Floats, Ints
from bateia.quality.measures import runs_of
from bateia.quality.report import Check, about

MOST = 1e15
TWICE = 20
"""Moments in a row of which every trade comes twice: chance does not do that."""
COPIED = 5
"""Candles in a row that were there before, to the last digit and as far apart."""


def bar_rows(bars: Bars) -> list[Check]:
    """Checks `prices`, `ohlc`, `sums`, `repeats` of candles."""
    prices = [bars.open, bars.high, bars.low, bars.close]
    bad = np.logical_or.reduce([~possible(price) for price in prices])
    with np.errstate(invalid="ignore"):
        top = np.maximum(bars.open, bars.close)
        low = np.minimum(bars.open, bars.close)
        broken = ~bad & ((bars.high < top) | (bars.low > low) | (bars.high < bars.low))
    return [
        about("prices", "blocked", _prices(bad), bad),
        about("ohlc", "blocked", _broken(bars, broken), broken),
        _sums(bars, ~bad & ~broken),
        _copies(bars),
    ]


def trade_rows(trades: Trades) -> list[Check]:
    """Checks `prices`, `sizes`, `sides`, `repeats` of trades."""
    bad, size = ~possible(trades.price), ~possible(trades.size)
    side = np.abs(trades.side.astype(np.int64)) > 1
    return [
        about("prices", "blocked", _prices(bad), bad),
        about("sizes", "blocked", "sizes above 0" if not size.any() else "sizes that are none", size),
        about("sides", "blocked", "-1, 0 or 1" if not side.any() else "sides that are none", side),
        _doubled(trades),
    ]


def possible(price: Floats) -> Bools:
    """Which are numbers above 0, from 1e-15 to 1e15."""
    return (price >= 1 / MOST) & (price <= MOST)


def _prices(bad: Bools) -> str:
    return "prices that are not numbers above 0" if bad.any() else "numbers above 0"


def _broken(bars: Bars, broken: Bools) -> str:
    rows = np.flatnonzero(broken)
    if not len(rows):
        return "high and low hold open and close"
    row = rows[0]
    told = ", ".join(f"{name} {getattr(bars, name)[row]:g}" for name in ("open", "high", "low", "close"))
    return f"high or low do not hold the others ({told})"


def _sums(bars: Bars, whole: Bools) -> Check:
    """Traded value per unit lies between low and high, and no side trades more than there was."""
    volume = bars.volume
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = bars.value / volume
        # Contracts of a fixed value (inverse ones) count another way: then no bar's value fits.
        slack = 1e-6 * bars.high
        off = whole & (volume > 0) & ((ratio < bars.low - slack) | (ratio > bars.high + slack))
        more = np.abs(bars.signed_volume) > volume * (1 + 1e-9)
        moved = (volume == 0) & (bars.high > bars.low)
    if off.mean() > 0.5:
        off = np.zeros(len(bars), np.bool_)
    negative = ~(volume >= 0) & ~np.isnan(volume)
    bad = off | more | moved | negative
    words = [
        (negative, "volume below 0"),
        (off, "value / volume outside low and high"),
        (more, "one side traded more than the volume"),
        (moved, "prices moved without volume"),
    ]
    found = "; ".join(word for mask, word in words if mask.any()) or "volume, value and sides fit"
    return about("sums", "blocked" if negative.any() or bad.mean() > 0.01 else "suspect", found, bad)


def _copies(bars: Bars) -> Check:
    """Candles that traded and moved, and are equal to an earlier one to the last digit."""
    live = np.flatnonzero((bars.volume > 0) & (bars.high > bars.low))
    keys = np.column_stack([getattr(bars, name)[live] for name in ("volume", "close", "high", "low", "open")])
    order = np.lexsort(keys.T[::-1])
    ordered = keys[order]
    same = np.append(False, (ordered[1:] == ordered[:-1]).all(axis=1)) if len(live) else np.zeros(0, np.bool_)
    ago = np.zeros(len(live), np.int64)
    ago[order[same]] = (order - np.append(0, order[:-1]))[same]
    # Equal candles are chance where prices are few; a stretch of them as far from its twin is not.
    on = np.append(False, (ago[1:] == ago[:-1]) & (ago[1:] > 0)) if len(live) else same
    starts, lengths = runs_of(on)
    long = lengths >= COPIED - 1
    rows = np.union1d(live[_expand(starts[long] - 1, lengths[long] + 1)], _again(bars))
    found = "no stretch comes twice" if not len(rows) else "candles that came before, to the last digit"
    return about("repeats", "blocked" if len(rows) > 0.01 * len(bars) else "suspect", found, rows)


def _again(bars: Bars) -> Ints:
    """Candles that moved and are the one before to the last digit: of 470,000 real ones not one is."""
    names = ("open", "high", "low", "close", "volume", "value", "signed_volume", "trades")
    same = np.append(False, (bars.volume[1:] > 0) & (bars.high[1:] > bars.low[1:]))[: len(bars)]
    for column in (getattr(bars, name) for name in names):
        same[1:] &= (column[1:] == column[:-1]) | np.isnan(column[1:])
    return np.flatnonzero(same)


def _doubled(trades: Trades) -> Check:
    """A file joined to itself and sorted holds every trade an even number of times; real ones do not."""
    fine = "no stretch of trades comes twice"
    if len(trades) < 2:
        return about("repeats", "ok", fine, np.empty(0, np.int64))
    order = np.lexsort((trades.side, trades.size, trades.price, trades.time))
    columns = [column[order] for column in (trades.time, trades.price, trades.size, trades.side)]
    new = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    starts = np.append(0, np.flatnonzero(new) + 1)
    even = np.diff(np.append(starts, len(trades))) % 2 == 0
    moments = np.append(0, np.flatnonzero(np.diff(columns[0][starts])) + 1)
    all_even = np.logical_and.reduceat(even, moments)
    at, length = runs_of(all_even)
    # A short file counts as doubled when all of it is.
    long = (length >= TWICE) | ((length == len(all_even)) & (len(trades) >= 8))
    if not long.any():
        return about("repeats", "ok", fine, np.empty(0, np.int64))
    ends = np.append(starts[moments], len(trades))
    rows = np.sort(order[_expand(ends[at[long]], (ends[at + length] - ends[at])[long])])
    return about("repeats", "blocked", "every trade of a stretch comes twice: joined to itself?", rows)


def _expand(starts: Ints, lengths: Ints) -> Ints:
    parts = [np.arange(a, a + k) for a, k in zip(starts, lengths, strict=True)]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)
