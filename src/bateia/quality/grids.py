"""The grid of prices and of lots, and rows that lie off it."""

from __future__ import annotations

import numpy as np
from scipy.special import pdtrc

from bateia.core import Bars, Trades
from bateia.core.events import Bools, Floats, Ints
from bateia.quality.measures import grid_of
from bateia.quality.report import Check, about

MOST_OF_SUMS = 0.95
"""Share of volumes that tells a lot: nobody's liking of round sizes makes so many sums round."""
COARSER = (10, 100, 1_000)
"""Ticks that prices are rounded to, by people and by programs."""
MANY, ROUNDED = 1_000, 1e-6
"""Bars that tell, and the p-value of three grids of which none was seen in real bars."""
FINEST = 1e8
"""Steps to a price: a finer grid is none, but numbers that somebody rounded."""


def grid_checks(events: Bars | Trades, tick: float | None = None, lot: float | None = None) -> list[Check]:
    """Checks `ticks` and `lots`; that there is no grid at all is a sign of generated data.

    What lies off a grid that is given is blocked, off one that was found only suspect.
    """
    if isinstance(events, Bars):
        prices = [events.open, events.high, events.low, events.close]
        volume = events.volume[events.volume > 0]
        rows = np.flatnonzero(events.volume > 0)
        return [_ticks(prices, tick), _rounded(prices, tick), _lots(volume, rows, lot, MOST_OF_SUMS)]
    prices, volume, rows = [events.price], events.size, np.arange(len(events))
    return [_ticks(prices, tick), _lots(volume, rows, lot)]


def tick_of(price: Floats) -> float:
    """The step of a price grid, 0 where there is none.

    >>> tick_of(np.array([1640.25, 1640.5, 1641.0] * 30))
    0.25
    """
    step, _ = grid_of(price)
    return step if step > 0 and float(np.median(price)) / step < FINEST else 0.0


def _given(name: str, columns: list[Floats], rows: Ints, step: float) -> Check:
    off = np.logical_or.reduce([grid_of_rows(column, step) for column in columns])
    found = f"multiples of {step:g}, as they must be" if not off.any() else f"no multiples of {step:g}"
    return about(name, "blocked", found, rows[off], step)


def _ticks(prices: list[Floats], given: float | None) -> Check:
    if given:
        return _given("ticks", prices, np.arange(len(prices[0])), given)
    if len(prices[0]) < 50:
        return about("ticks", "ok", "too short to tell", np.empty(0, np.int64))
    tick = tick_of(np.concatenate(prices))
    if not tick:
        found = "prices keep no grid"
        return Check(name="ticks", grade="ok", found=found, sign=1.0)
    off = np.logical_or.reduce([grid_of_rows(price, tick) for price in prices])
    found = f"prices are multiples of {tick:g}" if not off.any() else f"prices off the grid of {tick:g}"
    return about("ticks", "suspect", found, off, tick)


def _rounded(prices: list[Floats], given: float | None) -> Check:
    """p-value of as many bars by chance whose four prices all are round, by those with two and with three.

    With four prices round each by itself, `3 / 8 * three ** 2 / two` bars have four; real ones have up to
    1.3 times as many, since a bar opens at its high now and then. Twice as many are allowed.
    """
    fine, rows = "bars are rounded no more than single prices", np.zeros(len(prices[0]), np.bool_)
    tick = given or (tick_of(np.concatenate(prices)) if len(prices[0]) >= MANY else 0.0)
    least = 1.0
    for coarse in COARSER if tick else ():
        wide = prices[1] - prices[2] >= 4 * coarse * tick
        round_ = np.sum([~grid_of_rows(price, coarse * tick) for price in prices], axis=0)
        two, three, four = (int((wide & (round_ == k)).sum()) for k in (2, 3, 4))
        p = float(pdtrc(four - 1, 2 * 0.375 * three**2 / max(two, 1) + 1)) if four else 1.0
        if p < ROUNDED:
            rows |= wide & (round_ == 4)
            fine = f"bars whose prices are all rounded to {coarse * tick:g}"
        least = min(least, p)
    return about("rounding", "suspect", fine, rows).model_copy(update={"p_value": least})


def grid_of_rows(x: Floats, step: float) -> Bools:
    """Which numbers are no multiples of the step, within what sums of float64 are off."""
    steps = x / step
    return np.asarray(np.abs(steps - np.round(steps)) > 1e-4 + 1e-12 * np.abs(steps))


def _lots(volume: Floats, rows: Ints, given: float | None, share: float = 0.995) -> Check:
    if given:
        return _given("lots", [volume], rows, given)
    if len(volume) < 50:
        return about("lots", "ok", "too short to tell", np.empty(0, np.int64))
    lot, off = grid_of(volume, share)
    if not lot or float(np.median(volume)) / lot > 1e9:
        return Check(name="lots", grade="ok", found="volumes keep no grid", sign=0.5)
    found = f"volumes are multiples of {lot:g}" if not off.any() else f"volumes off the grid of {lot:g}"
    return about("lots", "suspect", found, rows[off], lot)
