"""The regimes in plain Python."""

import math
from itertools import pairwise

from references.base import NAN, known, reference
from references.core import adx, deviation, ema


def all_of(rows):
    """1 where every number of a row is positive, NaN where one is unknown."""
    return [float(all(value > 0 for value in row)) if known(*row) else NAN for row in rows]


def trend(m, up):
    parts = zip(ema(m, 9), ema(m, 20), ema(m, 50), m["close"], adx(m, 14), strict=True)
    return all_of([(up * (a - b), up * (b - c), up * (price - a), x - 25) for a, b, c, price, x in parts])


@reference("trend_up()")
def trend_up(m, n):
    return trend(m, 1)


@reference("trend_down()")
def trend_down(m, n):
    return trend(m, -1)


@reference("ranging()")
def ranging(m, n):
    return all_of([(25 - value,) for value in adx(m, 14)])


@reference("high_volatility({n}, 90)", timed=False)
def high_volatility(m, n):
    close = m["close"]
    moves = [NAN, *(math.log(b / a) for a, b in pairwise(close))]

    def spread(i, n):
        held = moves[max(i - n + 1, 0) : i + 1]
        return deviation(held) if len(held) == n and known(*held) else NAN

    return all_of([(spread(i, n) - 1.5 * spread(i, 90),) for i in range(len(close))])
