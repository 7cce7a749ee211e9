"""What is of one order on a tape: the trades of a moment, and the price that they push."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr

from bateia.core import Trades
from bateia.core.clock import MILLISECOND
from bateia.core.events import Bools, Floats
from bateia.quality.report import Check
from bateia.quality.signs import FEWEST, SURE, told

FEW, MANY = 100, 2_000
"""Pairs of trades of each kind that it takes to tell by sides, and by prices alone."""
TOGETHER = 0.7
"""Part of the way to "always one side" that trades of a moment go at least: 0.97 on the real tapes."""


def moments(trades: Trades) -> Check:
    """p-value of "trades of one moment are as any two neighbours"; the measure is how alike they are.

    An order that meets several others trades at one moment on one side: on tapes with clocks of a millisecond
    or finer. Without sides, prices move within a moment otherwise than from one to the next.
    """
    unknown = told("moments", math.nan, math.nan, 0.0, "", "too few trades of one moment to tell")
    together = np.diff(trades.time) == 0
    coarse = trades.time % (1000 * MILLISECOND) == 0
    few = min(int(together.sum()), int((~together).sum()))
    if few < FEW or coarse.all():
        return unknown
    sided = np.count_nonzero(trades.side) == len(trades) and (trades.side != trades.side[0]).any()
    alike = trades.side[1:] == trades.side[:-1] if sided else trades.price[1:] == trades.price[:-1]
    p, inside, outside = _shares(alike, together)
    p = p if sided else 2 * min(p, 1 - p)
    measure = (inside - outside) / (1 - outside) if sided and outside < 1 else inside - outside
    odd = "trades of one moment have nothing in common: times of other trades?"
    if p > SURE:
        return told("moments", p, measure, 4.0 if sided or few >= MANY else 2.5, odd, "")
    if sided and measure < TOGETHER:
        return told("moments", p, measure, 2.5, "trades of one moment are of both sides, some of them", "")
    return told("moments", p, measure, 0.0, "", "trades of one moment belong together")


def _shares(alike: Bools, together: Bools) -> tuple[float, float, float]:
    """p-value of "no more often within", and both shares."""
    n, m = int(together.sum()), int((~together).sum())
    inside, outside, both = float(alike[together].mean()), float(alike[~together].mean()), float(alike.mean())
    error = math.sqrt(both * (1 - both) * (1 / n + 1 / m))
    return float(ndtr((outside - inside) / error)) if error > 0 else 1.0, inside, outside


def pushes(trades: Trades) -> Check:
    """p-value of "prices do not follow who trades"; the measure is the mean of change times sides.

    Buyers take offers above, sellers bids below (Hasbrouck 1991): a change has the sign of the trade that
    made it and, less, of the one before. Turned round in time, or with makers for takers, it is against both.
    """
    change = np.sign(np.diff(trades.price))
    side = trades.side.astype(np.float64)
    known = (change != 0) & (side[1:] != 0) & (side[:-1] != 0)
    if known.sum() < FEWEST / 4 or not (side != side[0]).any():
        return told("pushes", math.nan, math.nan, 0.0, "", "too few sides to tell")
    push: Floats = (change * (side[1:] + side[:-1]) / 2)[known]
    mean, error = float(push.mean()), float(push.std()) / math.sqrt(len(push))
    z = mean / error if error > 0 else math.copysign(math.inf, mean)
    p = float(ndtr(-z))
    odd = "prices move against who trades: sides swapped, or turned round in time?"
    odd = odd if p > 1 - SURE else "prices do not follow who trades"
    return told(
        "pushes", p, mean, 4.0 if p > 1 - SURE else 2.0 if p > SURE else 0.0, odd, "prices follow who trades"
    )
