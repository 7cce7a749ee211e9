"""Direction, strength and age of trends in plain Python."""

import math

from references.base import NAN, average, known, reference
from references.core import adx as adx_rows
from references.momentum import ema
from references.series import ago, changes, each, means, over, quotient, reach, sums


def moves(m, up):
    """Wilder's directional movement: the larger of the two excursions, if it is one."""
    rises, falls = changes(m["high"]), each(lambda d: -d, changes(m["low"]))
    if not up:
        rises, falls = falls, rises
    return each(lambda own, other: own if own > 0 and own > other else 0.0, rises, falls)


def indicator(m, n, up):
    move, far = average(moves(m, up), n, 1 / n), average(reach(m), n, 1 / n)
    return each(lambda a, b: quotient(100 * a, b, 0.0), move, far)


@reference("plus_dm()")
def plus_dm(m, n):
    return moves(m, True)


@reference("minus_dm()")
def minus_dm(m, n):
    return moves(m, False)


@reference("plus_di({n})", least=1, timed=False)
def plus_di(m, n):
    return indicator(m, n, True)


@reference("minus_di({n})", least=1, timed=False)
def minus_di(m, n):
    return indicator(m, n, False)


@reference("dx({n})", least=1, timed=False)
def dx(m, n):
    return each(
        lambda a, b: quotient(100 * abs(a - b), a + b, 0.0), indicator(m, n, True), indicator(m, n, False)
    )


@reference("adxr({n})", timed=False)
def adxr(m, n):
    now = adx_rows(m, n)
    return each(lambda a, b: (a + b) / 2, now, ago(now, n - 1))


def recent(m, n, column, extreme):
    """100 where the extreme of n + 1 rows is the newest row, 0 where it is the oldest."""
    return over(lambda w: 100 * (n - w[::-1].index(extreme(w))) / n, m, n + 1, m[column])


@reference("aroon_up({n})", least=1, timed=False)
def aroon_up(m, n):
    return recent(m, n, "high", max)


@reference("aroon_down({n})", least=1, timed=False)
def aroon_down(m, n):
    return recent(m, n, "low", min)


@reference("aroon({n})", least=1, timed=False)
def aroon(m, n):
    return each(lambda a, b: a - b, recent(m, n, "high", max), recent(m, n, "low", min))


def vortex(m, n, one, other):
    way = each(lambda a, b: abs(a - b), m[one], ago(m[other], 1))
    return each(lambda a, b: quotient(a, b, 1.0), sums(m, n, way), sums(m, n, reach(m)))


@reference("vortex_up({n})", least=1)
def vortex_up(m, n):
    return vortex(m, n, "high", "low")


@reference("vortex_down({n})", least=1)
def vortex_down(m, n):
    return vortex(m, n, "low", "high")


@reference("midprice({n})", least=1)
def midprice(m, n):
    return over(lambda high, low: (max(high) + min(low)) / 2, m, n, m["high"], m["low"])


@reference("ichimoku_a({n}, 9, 5)", least=1, timed=False)
def ichimoku_a(m, n):
    return ago(each(lambda a, b: (a + b) / 2, midprice(m, n), midprice(m, 9)), 5)


@reference("ichimoku_b({n}, 5)", least=1, timed=False)
def ichimoku_b(m, n):
    return ago(midprice(m, n), 5)


@reference("efficiency(close, {n})", least=1, timed=False)
def efficiency(m, n):
    path = over(lambda w: math.fsum(map(abs, w)), m, n, changes(m["close"]))
    return each(lambda a, b: quotient(abs(a), b, 0.0), changes(m["close"], n), path)


@reference("vertical_filter(close, {n})", least=1)
def vertical_filter(m, n):
    path = over(lambda w: math.fsum(map(abs, w)), m, n, changes(m["close"]))
    span = over(lambda w: max(w) - min(w), m, n, m["close"])
    return each(lambda a, b: quotient(a, b, 0.0), span, path)


@reference("choppiness({n})", timed=False)
def choppiness(m, n):
    span = over(lambda high, low: max(high) - min(low), m, n, m["high"], m["low"])
    return each(lambda a, b: 100 * math.log(quotient(a, b, 1.0), n), sums(m, n, reach(m)), span)


@reference("zlema(close, {n}, 3)", least=1, timed=False)
def zlema(m, n):
    return ema(each(lambda a, b: a + (a - b), m["close"], ago(m["close"], 3)), n)


@reference("bull_power({n})", least=1, timed=False)
def bull_power(m, n):
    return each(lambda a, b: a - b, m["high"], ema(m["close"], n))


@reference("bear_power({n})", least=1, timed=False)
def bear_power(m, n):
    return each(lambda a, b: a - b, m["low"], ema(m["close"], n))


@reference("qstick({n})", least=1)
def qstick(m, n):
    return means(m, n, each(lambda c, o: c - o, m["close"], m["open"]))


@reference("spell(close > open)")
def spell(m, n):
    found, run = [], 0
    for o, c in zip(m["open"], m["close"], strict=True):
        if known(o, c):
            holds = c > o
            run = (run + 1 if run > 0 else 1) if holds else (run - 1 if run < 0 else -1)
        found.append(float(run) if known(o, c) else NAN)
    return found


def weighted(m, n, values):
    """The newest value counts n times, the oldest once."""
    return over(lambda w: math.fsum(k * v for k, v in enumerate(w, 1)) * 2 / (n * (n + 1)), m, n, values)


@reference("hull(close, {n}, 4, 3)", timed=False)
def hull(m, n):
    half, whole = weighted(m, 4, m["close"]), weighted(m, n, m["close"])
    return weighted(m, 3, each(lambda a, b: 2 * a - b, half, whole))
