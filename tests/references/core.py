"""Arithmetic, windows, averages and the clock in plain Python."""

import math
from fractions import Fraction

import numpy as np

from bateia.core import parse_duration
from references.base import NAN, average, known, lagged, point, ratio, reference, rolling, window


def moment(w, k):
    centre = math.fsum(w) / len(w)
    return math.fsum((v - centre) ** k for v in w) / len(w)


def deviation(w, ddof=1):
    exact = [Fraction(v) for v in w]
    if len(w) <= ddof:
        return NAN
    centre = sum(exact) / len(w)
    return math.sqrt(sum((v - centre) ** 2 for v in exact) / (len(w) - ddof))


def covariance(a, b):
    if len(a) < 2:
        return NAN
    ca, cb = math.fsum(a) / len(a), math.fsum(b) / len(b)
    return math.fsum((u - ca) * (v - cb) for u, v in zip(a, b, strict=True)) / (len(a) - 1)


def skewness(w):
    n = len(w)
    if n < 3 or min(w) == max(w):
        return NAN
    return math.sqrt(n * (n - 1)) / (n - 2) * moment(w, 3) / moment(w, 2) ** 1.5


def kurtosis(w):
    n = len(w)
    if n < 4 or min(w) == max(w):
        return NAN
    return (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (moment(w, 4) / moment(w, 2) ** 2 - 3) + 6)


def correlation(a, b):
    if len(a) < 2 or min(a) == max(a) or min(b) == max(b):
        return NAN
    return covariance(a, b) / deviation(a) / deviation(b)


def standing(w):
    others, own = w[:-1], w[-1]
    if not others:
        return NAN
    return math.fsum(1.0 if v < own else 0.5 if v == own else 0.0 for v in others) / len(others)


point("add", "close + volume", lambda a, b: a + b, "close", "volume")
point("sub", "close - volume", lambda a, b: a - b, "close", "volume")
point("mul", "close * volume", lambda a, b: a * b, "close", "volume")
point(
    "div",
    "close / floor(signed_volume / 50)",
    lambda a, b: a / (b // 50),
    "close",
    "signed_volume",
    sparse=True,
)
point(
    "mod",
    "signed_volume % (open - close)",
    lambda a, b, c: a % (b - c),
    "signed_volume",
    "open",
    "close",
    sparse=True,
)
point("pow", "signed_volume ** trades", math.pow, "signed_volume", "trades", sparse=True)
point("neg", "-close", lambda a: -a, "close")
point("abs", "abs(signed_volume)", abs, "signed_volume")
point("sign", "sign(close - open)", lambda a, b: (a > b) - (a < b), "close", "open")
point("log", "log(signed_volume)", math.log, "signed_volume", sparse=True)
point("exp", "exp(signed_volume)", math.exp, "signed_volume", sparse=True)
point("sqrt", "sqrt(signed_volume)", math.sqrt, "signed_volume", sparse=True)
point("floor", "floor(signed_volume / 7)", lambda a: math.floor(a / 7), "signed_volume")
point("sin", "sin(close)", math.sin, "close")
point("cos", "cos(close)", math.cos, "close")
point("minimum", "minimum(open, close)", min, "open", "close")
point("maximum", "maximum(open, close)", max, "open", "close")
point("gt", "close > open", lambda a, b: a > b, "close", "open")
point("ge", "close >= open", lambda a, b: a >= b, "close", "open")
point("eq", "close == open", lambda a, b: a == b, "close", "open")
point("lt", "close < open", lambda a, b: a < b, "close", "open")
point("le", "close <= open", lambda a, b: a <= b, "close", "open")
point("ne", "close != open", lambda a, b: a != b, "close", "open")
point("and", "close - open and trades % 2", lambda a, b, c: a != b and c % 2 != 0, "close", "open", "trades")
point("or", "close - open or trades % 2", lambda a, b, c: a != b or c % 2 != 0, "close", "open", "trades")
point("not", "not close - open", lambda a, b: a == b, "close", "open")
point(
    "where",
    "low if close > open else high",
    lambda c, o, lo, hi: lo if c > o else hi,
    *("close", "open", "low", "high"),
)
point("clip", "clip(close, open, high)", lambda a, b, c: min(max(a, b), c), "close", "open", "high")
point("hour", "hour()", lambda t: t // 3_600_000_000 % 24, "time")
point("weekday", "weekday()", lambda t: (t // 86_400_000_000 + 3) % 7, "time")
point("day_fraction", "day_fraction()", lambda t: t % 86_400_000_000 / 86_400_000_000, "time")

rolling("sum", "sum(signed_volume, {n})", math.fsum, "signed_volume", least=1)
rolling("mean", "mean(signed_volume, {n})", lambda w: math.fsum(w) / len(w), "signed_volume", least=1)
rolling("std", "std(close, {n})", deviation, "close")
rolling("var", "var(close, {n})", lambda w: deviation(w) ** 2, "close")
rolling(
    "zscore",
    "zscore(close, {n})",
    lambda w: ratio(w[-1] - math.fsum(w) / len(w), deviation(w)),
    "close",
    sparse=True,
)
rolling("skew", "skew(signed_volume, {n})", skewness, "signed_volume", least=4, sparse=True)
rolling("shape", "shape(signed_volume, {n}, 0)", skewness, "signed_volume", least=4, sparse=True)
rolling("kurt", "kurt(signed_volume, {n})", kurtosis, "signed_volume", least=4, sparse=True)
rolling("cov", "cov(close, volume, {n})", covariance, "close", "volume")
rolling("corr", "corr(close, volume, {n})", correlation, "close", "volume", sparse=True)
rolling(
    "beta",
    "beta(close, volume, {n})",
    lambda a, b: ratio(covariance(a, b), deviation(b) ** 2),
    "close",
    "volume",
    sparse=True,
)
rolling("rank", "rank(close, {n})", standing, "close")
rolling("highest", "highest(high, {n})", max, "high", least=1)
rolling("age_of_highest", "age_of_highest(high, {n})", lambda w: w[::-1].index(max(w)), "high", least=1)
rolling("max", "max(signed_volume, {n})", max, "signed_volume", least=1)
rolling("min", "min(low, {n})", min, "low", least=1)
rolling("argmax", "argmax(close, {n})", lambda w: w[::-1].index(max(w)), "close", least=1)
rolling("argmin", "argmin(close, {n})", lambda w: w[::-1].index(min(w)), "close", least=1)


@reference("count(close, {n})", least=1)
def count(m, n):
    found = []
    for i in range(len(m["time"])):
        held = window(m, n, i)
        ends = (
            []
            if held is None
            else [m["close"][held[0]], m["close"][i]]
            if isinstance(n, int)
            else [m["close"][i]]
        )
        found.append(float(len(held)) if ends and known(*ends) else NAN)
    return found


@reference("lag(close, {n})", least=1)
def lag(m, n):
    return lagged(m, n, "close")


@reference("diff(close, {n})", least=1)
def diff(m, n):
    return [a - b for a, b in zip(m["close"], lagged(m, n, "close"), strict=True)]


@reference("roc(close, {n})", least=1)
def roc(m, n):
    return [a / b - 1 for a, b in zip(m["close"], lagged(m, n, "close"), strict=True)]


@reference("log_return(close, {n})", least=1)
def log_return(m, n):
    return [math.log(a / b) for a, b in zip(m["close"], lagged(m, n, "close"), strict=True)]


@reference("smooth(close, {n}, 0.3)", least=1, timed=False)
def smooth(m, n):
    return average(m["close"], n, 0.3)


@reference("ema(close, {n})", least=1, timed=False)
def ema(m, n):
    return average(m["close"], n, 2 / (n + 1))


@reference("wilder(close, {n})", least=1, timed=False)
def wilder(m, n):
    return average(m["close"], n, 1 / n)


@reference("true_range(high, low, close)")
def true_range(m, n):
    found = [NAN]
    for high, low, last in zip(m["high"][1:], m["low"][1:], m["close"][:-1], strict=True):
        found.append(max(high - low, abs(high - last), abs(low - last)) if known(high, low, last) else NAN)
    return found


@reference("atr({n})", least=1, timed=False)
def atr(m, n):
    return average(true_range(m, n), n, 1 / n)


@reference("rsi(close, {n})", least=1, timed=False)
def rsi(m, n):
    moves = [NAN, *np.diff(m["close"])]
    ups = average([max(d, 0.0) if known(d) else NAN for d in moves], n, 1 / n)
    downs = average([max(-d, 0.0) if known(d) else NAN for d in moves], n, 1 / n)
    return [
        NAN if not known(u, d) else 100 * u / (u + d) if u + d else 50.0
        for u, d in zip(ups, downs, strict=True)
    ]


@reference("adx(high, low, close, {n})", timed=False)
def adx(m, n):
    high, low, close = m["high"], m["low"], m["close"]
    rise, fall, reach, index = [], [], [], []
    sums, found = None, [NAN]
    for i in range(1, len(high)):
        up, down = high[i] - high[i - 1], low[i - 1] - low[i]
        span = max(high[i], close[i - 1]) - min(low[i], close[i - 1])
        if not known(up, down, close[i - 1]):
            found.append(NAN)
            continue
        new = (up if up > max(down, 0) else 0.0, down if down > max(up, 0) else 0.0, span)
        for past, value in zip((rise, fall, reach), new, strict=True):
            past.append(value)
        if len(rise) >= n:
            # Wilder's first sums hold n - 1 moves, then decay by 1/n (TA-Lib agrees).
            sums = sums or [math.fsum(past[:-1]) for past in (rise, fall, reach)]
            sums = [s - s / n + v for s, v in zip(sums, new, strict=True)]
            moved = sums[0] + sums[1]
            index.append(100 * abs(sums[0] - sums[1]) / moved if moved and sums[2] else 0.0)
        found.append(average(index, n, 1 / n)[-1] if index else NAN)
    return found


@reference("count(close, {n})", least=99)
def rows_within(m, n):
    held = [window(m, n, i) for i in range(len(m["time"]))]
    micros, time = parse_duration(n), m["time"]
    young = [-sum(1 for k in range(i + 1) if time[k] > time[i] - micros) for i in range(len(time))]
    return [float(young[i] if held[i] is None else len(held[i])) for i in range(len(time))]
