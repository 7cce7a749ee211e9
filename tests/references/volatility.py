"""Bands, ranges and estimators of volatility in plain Python."""

import math

from references.base import average, reference
from references.core import atr as atr_rows
from references.core import deviation
from references.momentum import ema
from references.series import ago, changes, each, mean_of, means, over, quotient, returns, sums, typical


@reference("natr({n})", least=1, timed=False)
def natr(m, n):
    return each(lambda a, c: a / c * 100, atr_rows(m, n), m["close"])


@reference("bollinger_percent(close, {n}, 3)")
def bollinger_percent(m, n):
    def percent(w):
        wide, centre = 3 * deviation(w, 0), mean_of(w)
        return quotient(w[-1] - (centre - wide), 2 * wide, 0.5)

    return over(percent, m, n, m["close"])


@reference("bollinger_width(close, {n}, 3)")
def bollinger_width(m, n):
    return over(lambda w: 6 * deviation(w, 0) / mean_of(w), m, n, m["close"])


@reference("keltner({n}, 2)", least=1, timed=False)
def keltner(m, n):
    def place(c, centre, far):
        return quotient(c - (centre - 2 * far), 4 * far, 0.5)

    return each(place, m["close"], ema(typical(m), n), atr_rows(m, n))


@reference("keltner_width({n}, 2)", least=1, timed=False)
def keltner_width(m, n):
    return each(lambda centre, far: 4 * far / centre, ema(typical(m), n), atr_rows(m, n))


def extremes(m, n):
    return over(max, m, n, m["high"]), over(min, m, n, m["low"])


@reference("donchian({n})", least=1)
def donchian(m, n):
    return each(lambda c, h, lo: quotient(c - lo, h - lo, 0.5), m["close"], *extremes(m, n))


@reference("donchian_width({n})", least=1)
def donchian_width(m, n):
    return each(lambda c, h, lo: (h - lo) / c, m["close"], *extremes(m, n))


@reference("parkinson({n})", least=1)
def parkinson(m, n):
    def estimate(high, low):
        ranges = (math.log(h / lo) ** 2 for h, lo in zip(high, low, strict=True))
        return math.sqrt(math.fsum(ranges) / (4 * math.log(2) * len(high)))

    return over(estimate, m, n, m["high"], m["low"])


@reference("garman_klass({n})", least=1)
def garman_klass(m, n):
    def part(o, h, lo, c):
        return 0.5 * math.log(h / lo) ** 2 - (2 * math.log(2) - 1) * math.log(c / o) ** 2

    return each(math.sqrt, means(m, n, each(part, m["open"], m["high"], m["low"], m["close"])))


def drifting(m, n):
    def part(o, h, lo, c):
        up, down, way = math.log(h / o), math.log(lo / o), math.log(c / o)
        return up * (up - way) + down * (down - way)

    return means(m, n, each(part, m["open"], m["high"], m["low"], m["close"]))


@reference("rogers_satchell({n})", least=1)
def rogers_satchell(m, n):
    return each(math.sqrt, drifting(m, n))


@reference("yang_zhang({n})", timed=False)
def yang_zhang(m, n):
    def variance(w):
        return deviation(w) ** 2

    gaps = each(lambda o, last: math.log(o / last), m["open"], ago(m["close"], 1))
    bodies = each(lambda o, c: math.log(c / o), m["open"], m["close"])
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    parts = over(variance, m, n, gaps), over(variance, m, n, bodies), drifting(m, n)
    return each(lambda night, day, rs: math.sqrt(night + k * day + (1 - k) * rs), *parts)


def squares(m):
    return each(lambda r: r * r, returns(m["close"]))


@reference("realised({n})", least=1)
def realised(m, n):
    return each(math.sqrt, sums(m, n, squares(m)))


def neighbours(m, function):
    sizes = each(abs, returns(m["close"]))
    return each(function, sizes, ago(sizes, 1))


@reference("bipower({n})", least=1)
def bipower(m, n):
    return each(lambda v: math.sqrt(math.pi / 2 * v), sums(m, n, neighbours(m, lambda a, b: a * b)))


@reference("min_realised({n})", least=1)
def min_realised(m, n):
    smaller = neighbours(m, lambda a, b: min(a, b) ** 2)
    return each(lambda v: math.sqrt(math.pi / (math.pi - 2) * v), sums(m, n, smaller))


@reference("jump_share({n})", least=1)
def jump_share(m, n):
    smooth = sums(m, n, neighbours(m, lambda a, b: math.pi / 2 * a * b))
    return each(lambda a, b: min(max(1 - quotient(a, b, 1.0), 0.0), 1.0), smooth, sums(m, n, squares(m)))


@reference("downside_share({n})", least=1)
def downside_share(m, n):
    falls = each(lambda r: r * r if r < 0 else 0.0, returns(m["close"]))
    return each(lambda a, b: quotient(a, b, 0.5), sums(m, n, falls), sums(m, n, squares(m)))


@reference("variance_ratio(3, {n})")
def variance_ratio(m, n):
    def variance(w):
        return deviation(w) ** 2

    long, short = over(variance, m, n, returns(m["close"], 3)), over(variance, m, n, returns(m["close"]))
    return each(lambda a, b: quotient(a, 3 * b, 1.0), long, short)


@reference("ulcer({n})", least=1)
def ulcer(m, n):
    falls = each(lambda c, top: (100 * (c - top) / top) ** 2, m["close"], over(max, m, n, m["close"]))
    return each(math.sqrt, means(m, n, falls))


def span(m):
    return each(lambda h, lo: h - lo, m["high"], m["low"])


@reference("mass_index(3, {n})", least=1)
def mass_index(m, n):
    once = ema(span(m), 3)
    return sums(m, n, each(lambda a, b: quotient(a, b, 1.0), once, ema(once, 3)))


@reference("chaikin_volatility({n}, 4)", least=1, timed=False)
def chaikin_volatility(m, n):
    smooth = ema(span(m), n)
    return each(lambda a, b: quotient(100 * (a - b), b, 0.0), smooth, ago(smooth, 4))


@reference("ewma_volatility({n}, 0.94)", least=1, timed=False)
def ewma_volatility(m, n):
    return each(math.sqrt, average(squares(m), n, 1 - 0.94))


@reference("relative_volatility({n}, 5)", least=1, timed=False)
def relative_volatility(m, n):
    wide = over(lambda w: deviation(w, 0), m, 5, m["close"])
    rising = each(lambda d, s: s if d > 0 else 0.0, changes(m["close"]), wide)
    moving = each(lambda d, s: s if d != 0 else 0.0, changes(m["close"]), wide)
    return each(lambda a, b: quotient(100 * a, b, 50.0), average(rising, n, 1 / n), average(moving, n, 1 / n))
