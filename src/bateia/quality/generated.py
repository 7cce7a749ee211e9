"""Were these candles traded, or made by a random number generator? Tests of what every market shows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr
from scipy.stats import rankdata

from bateia.core import Bars
from bateia.core.clock import HOUR
from bateia.core.events import Floats
from bateia.quality.bonds import bonds
from bateia.quality.breaks import bar_breaks
from bateia.quality.clocks import rhythm
from bateia.quality.direction import hours, joins, rise
from bateia.quality.grids import tick_of
from bateia.quality.measures import (
    autocorrelation,
    excess_kurtosis,
    ljung_box,
    normality,
    rank_correlation,
    skewness,
    uniformity,
)
from bateia.quality.report import Check
from bateia.quality.season import round_numbers, season
from bateia.quality.signs import FEWEST, SURE, generated, told, too_few

LAGS = 20


def bar_tests(bars: Bars, grids: Sequence[Check] = ()) -> list[Check]:
    """The tests on whole candles in order; the last, `generated`, grades their sum and that of `grids`."""
    if len(bars) < FEWEST:
        return [too_few(len(bars), "candles")]
    logs = np.log(bars.close)
    change, spread = np.diff(logs), bars.high - bars.low
    tests = [tails(change), clusters(spread / bars.close), walk(logs), _touch(bars)]
    if rhythm(bars.time) and (bars.volume > 0).mean() > 0.5:  # not of bars by volume
        tests += [*volume_tests(bars.volume, spread / bars.close), *bonds(bars), rise(bars), hours(bars)]
    tests += [*joins(bars), bar_breaks(bars)]
    tests += [_season(bars), digits(bars.high, bars.low, len(bars))]
    return [*tests, generated([*grids, *tests])]


def tails(change: Floats) -> Check:
    """p-value of "returns are normal"; the measure is their excess kurtosis (Cont 2001)."""
    p, kurtosis = normality(change), excess_kurtosis(change)
    sign = 2.0 if p > SURE or kurtosis < 0 else 0.0
    odd = "returns without heavy tails" if change.any() else "prices that never change"
    return told("tails", p, kurtosis, sign, odd, "returns have heavy tails")


def clusters(spread: Floats) -> Check:
    """p-value of "a wide bar tells nothing of the next" (Engle 1982); the measure is their correlation."""
    correlations = autocorrelation(rankdata(spread), LAGS)
    p = ljung_box(correlations, len(spread))
    sign = 2.0 if p > SURE or correlations[0] <= 0 else 0.0
    odd, usual = "volatility does not come in clusters", "volatility comes in clusters"
    return told("clusters", p, float(correlations[0]), sign, odd, usual)


def walk(logs: Floats) -> Check:
    """p-value of "each price is drawn afresh around a level"; the measure is the returns' autocorrelation.

    Prices drawn afresh take every change back: the ranks of their changes correlate by -0.48 or so. Nor
    does a market's change go on in the next one: beyond 0.4 a curve was drawn.
    """
    change = np.diff(logs)
    first = float(autocorrelation(rankdata(change), 1)[0])
    p = float(ndtr(-abs(first + 0.48) * math.sqrt(len(change))))
    drawn = first > 0.4
    odd = "prices follow a curve" if drawn else "prices jump about a level instead of walking on"
    return told("walk", p, first, 2.0 if drawn or first < -0.42 else 0.0, odd, "prices walk")


def _touch(bars: Bars) -> Check:
    """How many bars open or close at their extreme: on a grid some do, between random numbers none."""
    top, low = np.maximum(bars.open, bars.close), np.minimum(bars.open, bars.close)
    moved = bars.high > bars.low
    share = float(((bars.high == top) | (bars.low == low))[moved].mean()) if moved.any() else 0.0
    sign = 1.0 if share < 0.002 else 0.0
    odd, usual = "no bar opens or closes at its extreme", "some bars open or close at their extreme"
    return told("touch", math.nan, share, sign, odd, usual)


def volume_tests(volume: Floats, spread: Floats) -> list[Check]:
    """Memory of volume, its bond with the price's range (Karpoff 1987), and its distribution."""
    rows, ranks = len(volume), rankdata(volume)
    correlations = autocorrelation(ranks, LAGS)
    p = ljung_box(correlations, rows)
    odd, usual = "volume has no memory", "volume has a memory"
    sign = 2.0 if p > SURE or correlations[0] <= 0 else 0.0
    memory = told("volume_memory", p, float(correlations[0]), sign, odd, usual)
    bond = rank_correlation(volume, spread)
    p = float(ndtr(-bond * math.sqrt(rows)))
    odd, usual = "volume and range know nothing of each other", "wide bars trade more"
    sign = 2.0 if p > SURE else 1.0 if bond < 0.15 else 0.0
    return [
        memory,
        told("volume_range", p, bond, sign, odd, usual),
        volume_shape(volume),
        _fading(correlations, rows),
    ]


def volume_shape(volume: Floats) -> Check:
    """p-value of "volumes are uniform, or normal"; the measure is their skewness, large in markets."""
    skew = skewness(volume)
    p = max(uniformity(volume), normality(volume))
    sign = 2.0 if volume.min() == volume.max() else 1.5 if p > SURE or skew < 0.5 else 0.0
    odd, usual = "volumes are spread too evenly", "a few volumes are far above the others"
    return told("volume_shape", p, skew, sign, odd, usual)


def _fading(correlations: Floats, rows: int) -> Check:
    """p-value of "the next bar's volume is no nearer than the fifth's"."""
    drop = float(correlations[0] - correlations[4])
    p = float(ndtr(-drop * math.sqrt(rows)))
    sign = 1.5 if rows >= 4 * FEWEST and p > 1e-3 else 0.0
    odd, usual = "bars are no nearer to the next than to later ones", "likeness fades with distance"
    return told("fading", p, drop, sign, odd, usual)


def _season(bars: Bars) -> Check:
    step = rhythm(bars.time)
    p, measure = season(bars.open_time, bars.volume) if 0 < step <= HOUR else (math.nan, math.nan)
    if math.isnan(p):
        return told("season", p, measure, 0.0, "", "too short to tell a season of the day")
    odd, usual = "all hours of the day are alike", "some hours of the day are busier"
    return told("season", p, measure, 2.5 if p > 0.05 else 0.0, odd, usual)


def digits(high: Floats, low: Floats, rows: int) -> Check:
    """p-value of "no price is rounder than another"."""
    p = round_numbers(high, low, tick_of(np.concatenate([high, low])))
    if math.isnan(p):
        return told("digits", p, math.nan, 0.0, "", "too few prices on a grid to tell")
    many, some = rows >= 8 * FEWEST and p > 1e-3, rows >= 2 * FEWEST and p > 0.05
    sign = 2.5 if many or some else 1.0 if p > 0.2 else 0.0
    return told("digits", p, math.nan, sign, "round prices are no more frequent", "round prices are liked")
