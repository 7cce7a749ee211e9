"""Oscillators and rates of change in plain Python."""

import math
from fractions import Fraction

from references.base import NAN, average, known, point, reference
from references.core import correlation as pearson
from references.core import deviation, standing
from references.core import rsi as rsi_rows
from references.series import ago, changes, each, means, middle, over, quotient, reach, sums
from references.windows import quantile

point(
    "divide",
    "divide(close, floor(signed_volume / 50), 7)",
    lambda a, b: quotient(a, b // 50, 7.0),
    "close",
    "signed_volume",
)
point("typical_price", "typical_price()", lambda *row: math.fsum(row) / 3, "high", "low", "close")
point("median_price", "median_price()", lambda *row: math.fsum(row) / 2, "high", "low")
point(
    "balance_of_power",
    "balance_of_power()",
    lambda o, h, lo, c: quotient(c - o, h - lo, 0.0),
    "open",
    "high",
    "low",
    "close",
)


def ema(values, n):
    return average(values, n, 2 / (n + 1))


def gap(values, fast, slow):
    return each(lambda a, b: a - b, ema(values, fast), ema(values, slow))


def placed(w, otherwise=50.0):
    """Where the last value lies in the range of all."""
    return quotient(100 * (w[-1] - min(w)), max(w) - min(w), otherwise)


@reference("score(volume, {n})")
def score(m, n):
    return over(lambda w: quotient(w[-1] - math.fsum(w) / len(w), deviation(w), 0.0), m, n, m["volume"])


@reference("robust_score(volume, {n})", least=1)
def robust_score(m, n):
    def scored(w):
        return quotient(w[-1] - quantile(w, 0.5), quantile(w, 0.75) - quantile(w, 0.25), 0.0)

    return over(scored, m, n, m["volume"])


@reference("winsorised(signed_volume, {n}, 0.1)", least=1)
def winsorised(m, n):
    return over(lambda w: min(max(w[-1], quantile(w, 0.1)), quantile(w, 0.9)), m, n, m["signed_volume"])


def alike(a, b):
    return 0.0 if min(a) == max(a) or min(b) == max(b) else pearson(a, b)


@reference("correlation(close, volume, {n})", timed=False)
def correlation(m, n):
    return over(alike, m, n, m["close"], m["volume"])


@reference("straightness(close, {n})", timed=False)
def straightness(m, n):
    return over(lambda w: alike(w, list(range(n))) ** 2, m, n, m["close"])


@reference("stochastic({n})", least=1)
def stochastic(m, n):
    top, bottom = over(max, m, n, m["high"]), over(min, m, n, m["low"])
    return each(lambda c, h, lo: quotient(100 * (c - lo), h - lo, 50.0), m["close"], top, bottom)


@reference("stochastic_rsi(close, 5, {n})")
def stochastic_rsi(m, n):
    return over(placed, m, n, rsi_rows(m, 5))


@reference("williams_r({n})", least=1)
def williams_r(m, n):
    top, bottom = over(max, m, n, m["high"]), over(min, m, n, m["low"])
    return each(lambda c, h, lo: quotient(100 * (c - h), h - lo, -50.0), m["close"], top, bottom)


@reference("macd(3, {n})", least=1, timed=False)
def macd(m, n):
    return gap(m["close"], 3, n)


@reference("macd_signal(3, 7, {n})", least=1, timed=False)
def macd_signal(m, n):
    return ema(gap(m["close"], 3, 7), n)


@reference("ppo(volume, 3, {n})", least=1, timed=False)
def ppo(m, n):
    return each(lambda a, b: quotient(100 * (a - b), b, 0.0), ema(m["volume"], 3), ema(m["volume"], n))


@reference("tsi({n}, 3)", least=1, timed=False)
def tsi(m, n):
    moves = changes(m["close"])
    sizes = each(abs, moves)
    return each(lambda a, b: quotient(100 * a, b, 0.0), ema(ema(moves, n), 3), ema(ema(sizes, n), 3))


@reference("cmo(close, {n})", least=1, timed=False)
def cmo(m, n):
    def balance(w):
        ups, downs = math.fsum(max(d, 0) for d in w), math.fsum(max(-d, 0) for d in w)
        return quotient(100 * (ups - downs), ups + downs, 0.0)

    return over(balance, m, n, changes(m["close"]))


@reference("trix(close, {n})", least=1, timed=False)
def trix(m, n):
    smooth = ema(ema(ema(m["close"], n), n), n)
    return each(lambda a, b: 100 * (a / b - 1), smooth, ago(smooth, 1))


@reference("buying_pressure()")
def buying_pressure(m, n):
    return each(lambda lo, c, last: c - min(lo, last), m["low"], m["close"], ago(m["close"], 1))


@reference("ultimate(2, 5, {n})", least=1)
def ultimate(m, n):
    pressure, far = buying_pressure(m, 0), reach(m)
    parts = [
        each(lambda a, b: quotient(a, b, 0.5), sums(m, rows, pressure), sums(m, rows, far))
        for rows in (2, 5, n)
    ]
    return each(lambda a, b, c: 100 * (4 * a + 2 * b + c) / 7, *parts)


@reference("kst()")
def kst(m, n):
    total = [0.0] * len(m["time"])
    for weight, (rows, smooth) in enumerate(((10, 10), (15, 10), (20, 10), (30, 15)), 1):
        rates = each(lambda a, b: 100 * (a - b) / b, m["close"], ago(m["close"], rows))
        total = each(lambda a, b, w=weight: a + w * b, total, means(m, smooth, rates))
    return total


@reference("awesome(3, {n})", least=1)
def awesome(m, n):
    return each(lambda a, b: a - b, means(m, 3, middle(m)), means(m, n, middle(m)))


@reference("intraday_momentum({n})", least=1)
def intraday_momentum(m, n):
    def rising(w):
        ups, downs = math.fsum(d for d in w if d > 0), math.fsum(-d for d in w if d < 0)
        return quotient(100 * ups, ups + downs, 50.0)

    return over(rising, m, n, each(lambda c, o: c - o, m["close"], m["open"]))


def weighted(values):
    found = []
    for i in range(len(values)):
        held = values[i - 3 : i + 1] if i >= 3 else [NAN]
        found.append((held[0] + 2 * held[1] + 2 * held[2] + held[3]) / 6 if known(*held) else NAN)
    return found


@reference("bell(signed_volume)")
def bell(m, n):
    return weighted(m["signed_volume"])


@reference("vigor({n})", least=1)
def vigor(m, n):
    body = weighted(each(lambda c, o: c - o, m["close"], m["open"]))
    span = weighted(each(lambda h, lo: h - lo, m["high"], m["low"]))
    return each(lambda a, b: quotient(a, b, 0.0), sums(m, n, body), sums(m, n, span))


@reference("squeezed({n})")
def squeezed(m, n):
    places = over(lambda w: placed(w) / 50 - 1, m, n, middle(m))
    return each(lambda v: min(max(v, -0.999), 0.999), average(places, 1, 0.33))


@reference("fisher({n})")
def fisher(m, n):
    found, level = [], None
    for v in squeezed(m, n):
        # Ehlers: half of the logarithm and half of the value before; the first is not halved.
        part = 0.5 * math.log((1 + v) / (1 - v)) if known(v) else NAN
        if known(part):
            level = 2 * part if level is None else part + 0.5 * level
        found.append(level if known(part) else NAN)
    return found


@reference("cci({n})")
def cci(m, n):
    def index(w):
        exact = [Fraction(v) for v in w]
        centre = sum(exact) / len(w)
        away = sum(abs(v - centre) for v in exact) / len(w)
        return float((exact[-1] - centre) / away) / 0.015 if away else 0.0

    return over(index, m, n, each(lambda *row: math.fsum(row), m["high"], m["low"], m["close"]))


@reference("coppock()")
def coppock(m, n):
    rates = [each(lambda a, b: 100 * (a - b) / b, m["close"], ago(m["close"], k)) for k in (14, 11)]
    both = each(lambda a, b: a + b, *rates)
    return over(lambda w: math.fsum(k * v for k, v in enumerate(w, 1)) / 55, m, 10, both)


@reference("smi({n}, 5, 2)", least=1, timed=False)
def smi(m, n):
    top, bottom = over(max, m, n, m["high"]), over(min, m, n, m["low"])
    away = each(lambda c, h, lo: c - (h + lo) / 2, m["close"], top, bottom)
    half = each(lambda h, lo: (h - lo) / 2, top, bottom)
    return each(lambda a, b: quotient(100 * a, b, 0.0), ema(ema(away, 5), 2), ema(ema(half, 5), 2))


def runs(values):
    found, run = [], 0
    for d in changes(values):
        if known(d):
            run = run + 1 if d > 0 and run > 0 else run - 1 if d < 0 and run < 0 else (d > 0) - (d < 0)
        found.append(float(run) if known(d) else NAN)
    return found


@reference("streak(close)")
def streak(m, n):
    return runs(m["close"])


@reference("connors_rsi(3, 2, {n})", least=1, timed=False)
def connors_rsi(m, n):
    rates = each(lambda a, b: a / b - 1, m["close"], ago(m["close"], 1))
    place = over(standing, m, n + 1, rates)
    own, run = rsi_rows(m, 3), rsi_rows({"close": runs(m["close"])}, 2)
    return each(lambda a, b, c: (a + b + 100 * c) / 3, own, run, place)
