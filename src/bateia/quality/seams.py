"""Places where prices do not go on from where they were: rows of different times put side by side."""

from __future__ import annotations

import numpy as np
from scipy.special import pdtrc

from bateia.core import Bars, Trades
from bateia.core.clock import MINUTE
from bateia.core.events import Bools, Floats
from bateia.quality.clocks import rhythm
from bateia.quality.measures import local_level
from bateia.quality.report import Check, Grade, about
from bateia.quality.signs import SURE

FAR = 4.0
"""Usual ranges around that an open must be from the close before: 2.0 is the most of 470,000 real candles."""
BODY = 0.1
"""Usual ranges that a bar must have gone to be seen turned round: none of the real ones looks so."""
NEAR, APART = 5, 0.001
"""Trades on each side of a seam, and the part of the price by which all of them must lie apart: 0.00097 is
the most of 620,000 real ones."""
TIMES = 6.0
"""Usual ranges of as many trades that they must also lie apart."""
RARE = 1e-5
"""Share of rows with a seam in sound data, at most: of 470,000 real candles and 620,000 real trades none has
one, which bounds the share by 3 in as many (95%)."""


def steps_between(bars: Bars) -> Floats:
    """How far each bar opens from the close before, 0 where time lies between them."""
    step = rhythm(bars.time)
    joined = np.append(False, np.diff(bars.time) <= step) if step else np.ones(len(bars), np.bool_)
    return np.asarray(np.append(0.0, bars.open[1:] - bars.close[:-1]) * joined)


def bar_seams(bars: Bars, into: Floats, level: Floats, often: float) -> Check:
    """Opens far from the close before, where no time lies between, neither bar is as wide, and both traded.

    `level` is the range that is usual around, `often` ten times what nine steps in ten stay below.
    """
    spread = bars.high - bars.low
    wide = np.maximum(spread, np.append(0.0, spread[:-1]))
    # A halt is bars without volume, and prices come back elsewhere.
    halted = np.append(False, bars.volume[:-1] == 0) & bool(bars.volume.any())
    # Bars by trades, volume or value may end anywhere.
    bad = (np.abs(into) > np.maximum(FAR * level, often)) & (np.abs(into) > 2 * wide) & ~halted
    bad &= rhythm(bars.time) > 0
    turned = _turned(bars, level, often)
    words = [
        (bad, "bars that do not begin where the one before ended"),
        (turned, "bars that would, were open and close swapped"),
    ]
    found = "; ".join(word for mask, word in words if mask.any()) or "bars join on"
    return _seams(bad | turned, found)


def _turned(bars: Bars, level: Floats, often: float) -> Bools:
    """Bars whose close joins the close before, and whose open the open after, far better than they stand."""
    if len(bars) < 3 or not rhythm(bars.time):
        return np.zeros(len(bars), np.bool_)
    before, after = np.append(bars.open[0], bars.close[:-1]), np.append(bars.open[1:], bars.close[-1])
    stands = np.abs(bars.open - before) + np.abs(bars.close - after)
    swapped = np.abs(bars.close - before) + np.abs(bars.open - after)
    # Where time lies between, nothing joins.
    joined = np.append(False, np.diff(bars.time) <= rhythm(bars.time))
    joined &= np.append(joined[1:], False)
    body = np.abs(bars.close - bars.open) > np.maximum(BODY * level, often)
    return np.asarray(joined & body & (swapped < stands / 4))


def trade_seams(trades: Trades) -> Check:
    """Trades that lie apart from all of the five before, and the next four with them, no pause between."""
    bad = np.zeros(len(trades), np.bool_)
    if len(trades) < 10 * NEAR:
        return _seams(bad, "too short to tell")
    near = np.lib.stride_tricks.sliding_window_view(trades.price, NEAR)
    high, low = near.max(axis=1), near.min(axis=1)
    gap = np.maximum(low[NEAR:] - high[:-NEAR], low[:-NEAR] - high[NEAR:])
    usual = np.maximum(local_level(high - low), 1e-9 * trades.price[0])
    level = np.maximum(usual[NEAR:], usual[:-NEAR])
    at = slice(NEAR, len(trades) - NEAR + 1)
    pause = np.diff(trades.time, prepend=trades.time[0])[at] > MINUTE
    bad[at] = (gap > np.maximum(TIMES * level, APART * trades.price[at])) & ~pause
    return _seams(bad, "prices go on where others ended" if bad.any() else "prices go on where they were")


def _seams(bad: Bools, found: str) -> Check:
    """p-value of as many by chance (Poisson)."""
    count = int(bad.sum())
    p = float(pdtrc(count - 1, RARE * len(bad))) if count else 1.0
    grade: Grade = "blocked" if p < SURE else "suspect"
    check = about("seams", grade, found, bad)
    return check.model_copy(update={"p_value": p})
