"""Were these trades made, or generated? Tests of what every market's tape shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, ndtr
from scipy.stats import rankdata

from bateia.core import Trades
from bateia.core.clock import MINUTE
from bateia.core.events import Floats, Ints
from bateia.quality.generated import LAGS, digits, volume_shape
from bateia.quality.measures import autocorrelation, excess_kurtosis, ljung_box, normality, rank_correlation
from bateia.quality.report import Check
from bateia.quality.season import season
from bateia.quality.signs import FEWEST, SURE, generated, told, too_few
from bateia.quality.tape import moments, pushes

MANY = 5_000
"""Trades from which sizes and volatility are asked for their memory."""
CELLS, MOST_CELLS = 200, 2_000
PART = 20
"""Trades whose highest and lowest price stand for them where digits are counted."""


def trade_tests(trades: Trades, grids: Sequence[Check] = ()) -> list[Check]:
    """The tests on whole trades in order; the last, `generated`, grades their sum and that of `grids`."""
    if len(trades) < FEWEST or trades.time[0] == trades.time[-1]:
        return [too_few(len(trades), "trades")]
    cells = _Cells.of(trades)
    change = np.diff(trades.price)
    tests = [moves(change), _walk(trades.price), _arrivals(cells), _sides(trades, change)]
    tests += [volume_shape(trades.size), favourites(trades.size)]
    if len(trades) >= MANY:
        tests += [_sizes(trades.size), _clusters(cells), _bond(cells)]
    if len(trades) >= PART * FEWEST:
        tests.append(_digits(trades))
    tests += [_season(trades), moments(trades), pushes(trades)]
    return [*tests, generated([*grids, *tests])]


@dataclass(frozen=True)
class _Cells:
    """Equal stretches of time: their trades, their volume, the range of their prices."""

    count: Ints
    volume: Floats
    spread: Floats

    @classmethod
    def of(cls, trades: Trades) -> _Cells:
        cells = int(np.clip(len(trades) // 25, CELLS, MOST_CELLS))
        time = trades.time - trades.time[0]
        edges = np.linspace(0, int(time[-1]) + 1, cells + 1)
        starts = np.searchsorted(time, edges)
        count = np.diff(starts)
        volume, spread = np.zeros(cells), np.zeros(cells)
        full = count > 0
        first = starts[:-1][full]
        volume[full] = np.add.reduceat(trades.size, first)
        spread[full] = np.maximum.reduceat(trades.price, first) - np.minimum.reduceat(trades.price, first)
        return cls(count, volume, spread)


def moves(change: Floats) -> Check:
    """p-value of "price changes are normal"; the measure is the share of trades at the price before."""
    p, still = normality(change), float((change == 0).mean())
    thin = p > SURE or excess_kurtosis(change) < 0.5
    sign = 2.0 * thin + 1.0 * (still < 0.1)
    odd = "price changes without heavy tails" if thin else "hardly a trade at the price of the one before"
    return told("moves", p, still, sign, odd, "most prices stay, a few move far")


def _walk(price: Floats) -> Check:
    """p-value of "each price is drawn afresh": then means of neighbours would hardly move.

    The measure is how much the means of parts move, by the variance within parts: about 4 for a walk.
    """
    size = max(10, len(price) // CELLS)
    parts = len(price) // size
    cut = price[: parts * size].reshape(parts, size)
    within = float(cut.var(axis=1).mean())
    ratio = float(np.diff(cut.mean(axis=1)).var()) / within if within > 0 else 0.0
    p = float(ndtr(-(ratio * size / 2 - 1) * math.sqrt(parts / 3)))
    odd = "prices jump about a level instead of walking on" if within > 0 else "prices that never change"
    return told("walk", p, ratio, 3.0 if ratio < 0.3 else 0.0, odd, "prices walk")


def _arrivals(cells: _Cells) -> Check:
    """p-value of "trades come at random" (Fisher's dispersion test); the measure is variance by mean."""
    count = cells.count
    dispersion = float(count.var() / count.mean())
    p = float(chdtrc(len(count) - 1, dispersion * len(count)))
    odd = "trades come as evenly as by clockwork" if dispersion < 0.5 else "trades come without any rush"
    return told("arrivals", p, dispersion, 2.0 if p > SURE else 0.0, odd, "trades come in bursts")


def _sides(trades: Trades, change: Floats) -> Check:
    """p-value of "a side tells nothing of the next" (Lillo & Farmer 2004); of price changes if unknown."""
    side = trades.side.astype(np.float64)
    side = side if np.count_nonzero(side) > len(side) / 2 else np.sign(change[change != 0])
    if len(side) < FEWEST / 4:
        return told("sides_memory", math.nan, math.nan, 0.0, "", "too few sides to tell")
    correlations = autocorrelation(side, 5)
    p = ljung_box(correlations, len(side))
    first = float(correlations[0])
    sign = 2.0 if p > SURE else 0.0
    return told("sides_memory", p, first, sign, "sides have no memory", "sides have a memory")


def favourites(size: Floats) -> Check:
    """The share of the commonest size: people like round ones."""
    share = float(np.unique(size, return_counts=True)[1].max() / len(size))
    odd, usual = "no size is liked more than another", "some sizes are liked"
    return told("favourites", math.nan, share, 1.0 if share < 0.005 else 0.0, odd, usual)


def _sizes(size: Floats) -> Check:
    """p-value of "a trade's size tells nothing of the next"."""
    correlations = autocorrelation(rankdata(size), LAGS)
    p = ljung_box(correlations, len(size))
    sign = 2.0 if p > SURE or correlations[0] <= 0 else 0.0
    first = float(correlations[0])
    return told("sizes_memory", p, first, sign, "sizes have no memory", "sizes have a memory")


def _clusters(cells: _Cells) -> Check:
    """p-value of "a stretch of wide prices tells nothing of the next"."""
    correlations = autocorrelation(rankdata(cells.spread), 5)
    p = ljung_box(correlations, len(cells.spread))
    sign = 0.0 if p < SURE else 2.0 if len(cells.spread) == MOST_CELLS else 0.5
    odd, usual = "volatility does not come in clusters", "volatility comes in clusters"
    return told("clusters", p, float(correlations[0]), sign, odd, usual)


def _bond(cells: _Cells) -> Check:
    """p-value of "volume and range know nothing of each other" over equal times (Karpoff 1987)."""
    bond = rank_correlation(cells.volume, cells.spread)
    p = float(ndtr(-bond * math.sqrt(len(cells.volume))))
    odd, usual = "volume and range know nothing of each other", "busy times move prices"
    return told("volume_range", p, bond, 2.0 if p > SURE else 0.0, odd, usual)


def _season(trades: Trades) -> Check:
    step = 10 * MINUTE
    cell = trades.time // step
    at, count = np.unique(cell, return_counts=True)
    p, measure = season(at * step, count.astype(np.float64))
    if math.isnan(p):
        return told("season", p, measure, 0.0, "", "too short to tell a season of the day")
    odd, usual = "all hours of the day are alike", "some hours of the day are busier"
    return told("season", p, measure, 2.5 if p > 0.05 else 0.0, odd, usual)


def _digits(trades: Trades) -> Check:
    parts = len(trades) // PART
    price = trades.price[: parts * PART].reshape(parts, PART)
    return digits(price.max(axis=1), price.min(axis=1), parts)
