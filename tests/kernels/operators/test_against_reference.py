"""Every operator and function against a slow, obvious twin in plain Python, by count and by duration."""

import math
from fractions import Fraction

import numpy as np
import pytest

from bateia.core import parse_duration
from bateia.features import Plan
from bateia.features.functions import FUNCTIONS
from bateia.kernels.operator import Window
from bateia.kernels.operators import OPERATORS
from bateia.testing.operators import check_operator, generated_market

NAN = math.nan
REFERENCES = {}
"""Name -> (expression with {n} for the window, reference(market, n) -> list of floats)."""


def known(*values):
    return not any(map(math.isnan, values))


def reference(expression):
    def register(function):
        REFERENCES[function.__name__.rstrip("_")] = (expression, function)
        return function

    return register


def point(name, expression, function, *columns):
    """A reference that looks at one row; None, an error and an infinity are NaN."""

    def rows(m, n):
        found = []
        for row in zip(*(m[column] for column in columns), strict=True):
            try:
                value = float(function(*row)) if known(*row) else NAN
            except (ArithmeticError, ValueError):
                value = NAN
            found.append(value if math.isfinite(value) else NAN)
        return found

    REFERENCES[name] = (expression, rows)


def window(m, n, i):
    """The rows of the window that ends at row i, or None while there are too few."""
    if isinstance(n, int):
        return range(i - n + 1, i + 1) if i >= n - 1 else None
    micros, time = parse_duration(n), m["time"]
    if time[i] - time[0] < micros:
        return None
    return [k for k in range(i + 1) if time[k] > time[i] - micros]


def rolling(name, expression, function, *columns):
    """A reference that looks at the window's values only, NaN where one of them is."""

    def rows(m, n):
        found = []
        for i in range(len(m["time"])):
            held = window(m, n, i)
            values = [] if held is None else [[float(m[c][k]) for k in held] for c in columns]
            good = values and all(known(*value) for value in values)
            found.append(function(*values) if good else NAN)
        return found

    REFERENCES[name] = (expression, rows)


def lagged(m, n, column):
    found = []
    for i in range(len(m["time"])):
        if isinstance(n, int):
            found.append(float(m[column][i - n]) if i >= n else NAN)
        else:
            limit = m["time"][i] - parse_duration(n)
            before = [k for k in range(i) if m["time"][k] <= limit]
            found.append(float(m[column][before[-1]]) if before else NAN)
    return found


def average(values, n, alpha):
    """Exponential average, seeded with a plain mean, that passes over missing values."""
    seen, level, found = [], None, []
    for value in values:
        if not known(value):
            found.append(NAN)
        elif level is None:
            seen.append(value)
            if len(seen) == n:
                level = sum(seen) / n
            found.append(NAN if level is None else level)
        else:
            level = (1 - alpha) * level + alpha * value
            found.append(level)
    return found


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


def trend(w):
    if len(w) < 2:
        return NAN
    middle, centre = (len(w) - 1) / 2, math.fsum(w) / len(w)
    return math.fsum((k - middle) * (v - centre) for k, v in enumerate(w)) / sum(
        (k - middle) ** 2 for k in range(len(w))
    )


def standing(w):
    others, own = w[:-1], w[-1]
    if not others:
        return NAN
    return math.fsum(1.0 if v < own else 0.5 if v == own else 0.0 for v in others) / len(others)


def ratio(a, b):
    return a / b if b else NAN


point("add", "close + volume", lambda a, b: a + b, "close", "volume")
point("sub", "close - volume", lambda a, b: a - b, "close", "volume")
point("mul", "close * volume", lambda a, b: a * b, "close", "volume")
point("div", "close / floor(signed_volume / 50)", lambda a, b: a / (b // 50), "close", "signed_volume")
point("mod", "signed_volume % (open - close)", lambda a, b, c: a % (b - c), "signed_volume", "open", "close")
point("pow", "signed_volume ** trades", math.pow, "signed_volume", "trades")
point("neg", "-close", lambda a: -a, "close")
point("abs", "abs(signed_volume)", abs, "signed_volume")
point("sign", "sign(close - open)", lambda a, b: (a > b) - (a < b), "close", "open")
point("log", "log(signed_volume)", math.log, "signed_volume")
point("exp", "exp(signed_volume)", math.exp, "signed_volume")
point("sqrt", "sqrt(signed_volume)", math.sqrt, "signed_volume")
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

rolling("sum", "sum(signed_volume, {n})", math.fsum, "signed_volume")
rolling("mean", "mean(signed_volume, {n})", lambda w: math.fsum(w) / len(w), "signed_volume")
rolling("std", "std(close, {n})", deviation, "close")
rolling("var", "var(close, {n})", lambda w: deviation(w) ** 2, "close")
rolling("zscore", "zscore(close, {n})", lambda w: ratio(w[-1] - math.fsum(w) / len(w), deviation(w)), "close")
rolling("skew", "skew(signed_volume, {n})", skewness, "signed_volume")
rolling("shape", "shape(signed_volume, {n}, 0)", skewness, "signed_volume")
rolling("kurt", "kurt(signed_volume, {n})", kurtosis, "signed_volume")
rolling("cov", "cov(close, volume, {n})", covariance, "close", "volume")
rolling("corr", "corr(close, volume, {n})", correlation, "close", "volume")
rolling(
    "beta",
    "beta(close, volume, {n})",
    lambda a, b: ratio(covariance(a, b), deviation(b) ** 2),
    "close",
    "volume",
)
rolling("slope", "slope(close, {n})", trend, "close")
rolling("rank", "rank(close, {n})", standing, "close")
rolling("highest", "highest(high, {n})", max, "high")
rolling("age_of_highest", "age_of_highest(high, {n})", lambda w: w[::-1].index(max(w)), "high")
rolling("max", "max(signed_volume, {n})", max, "signed_volume")
rolling("min", "min(low, {n})", min, "low")
rolling("argmax", "argmax(close, {n})", lambda w: w[::-1].index(max(w)), "close")
rolling("argmin", "argmin(close, {n})", lambda w: w[::-1].index(min(w)), "close")


@reference("count(close, {n})")
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


@reference("lag(close, {n})")
def lag(m, n):
    return lagged(m, n, "close")


@reference("diff(close, {n})")
def diff(m, n):
    return [a - b for a, b in zip(m["close"], lagged(m, n, "close"), strict=True)]


@reference("roc(close, {n})")
def roc(m, n):
    return [a / b - 1 for a, b in zip(m["close"], lagged(m, n, "close"), strict=True)]


@reference("log_return(close, {n})")
def log_return(m, n):
    return [math.log(a / b) for a, b in zip(m["close"], lagged(m, n, "close"), strict=True)]


@reference("smooth(close, {n}, 0.3)")
def smooth(m, n):
    return average(m["close"], n, 0.3)


@reference("ema(close, {n})")
def ema(m, n):
    return average(m["close"], n, 2 / (n + 1))


@reference("wilder(close, {n})")
def wilder(m, n):
    return average(m["close"], n, 1 / n)


@reference("true_range(high, low, close)")
def true_range(m, n):
    found = [NAN]
    for high, low, last in zip(m["high"][1:], m["low"][1:], m["close"][:-1], strict=True):
        found.append(max(high - low, abs(high - last), abs(low - last)) if known(high, low, last) else NAN)
    return found


@reference("atr({n})")
def atr(m, n):
    return average(true_range(m, n), n, 1 / n)


@reference("rsi(close, {n})")
def rsi(m, n):
    moves = [NAN, *np.diff(m["close"])]
    ups = average([max(d, 0.0) if known(d) else NAN for d in moves], n, 1 / n)
    downs = average([max(-d, 0.0) if known(d) else NAN for d in moves], n, 1 / n)
    return [
        NAN if not known(u, d) else 100 * u / (u + d) if u + d else 50.0
        for u, d in zip(ups, downs, strict=True)
    ]


@reference("adx(high, low, close, {n})")
def adx(m, n):
    high, low, close = m["high"], m["low"], m["close"]
    rise, fall, reach, index = [], [], [], []
    sums, found = None, [NAN]
    for i in range(1, len(high)):
        up, down = high[i] - high[i - 1], low[i - 1] - low[i]
        span = max(high[i], close[i - 1]) - min(low[i], close[i - 1])
        if not known(up, down, span):
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


@reference('count(close, "{n}")')
def rows_within(m, n):
    held = [window(m, n, i) for i in range(len(m["time"]))]
    micros, time = parse_duration(n), m["time"]
    young = [-sum(1 for k in range(i + 1) if time[k] > time[i] - micros) for i in range(len(time))]
    return [float(young[i] if held[i] is None else len(held[i])) for i in range(len(time))]


def with_holes(market):
    """Missing values alone and in a row, in each column at rows of its own."""
    rng, holed = np.random.default_rng(3), {}
    for name, column in market.items():
        holed[name] = column.copy()
        if column.dtype == np.float64:
            rows = rng.integers(0, len(column), 3)
            for row in rows:
                holed[name][row : row + rng.integers(1, 4)] = NAN
    return holed


MARKETS = {"clean": generated_market(260, 4), "holes": with_holes(generated_market(260, 9))}
SPARSE = {"div", "mod", "pow", "log", "exp", "sqrt", "kurt", "skew", "shape", "beta", "corr", "zscore"}
"""Not known in every row, whatever the data: the check of the warm-up is for the rest."""


def windows(name):
    if "{n}" not in REFERENCES[name][0]:
        return [0]
    if name == "rows_within":
        return ["3s", "1m"]
    parameters = OPERATORS[name].params if name in OPERATORS else ()
    least = max((p.least for p in parameters if isinstance(p, Window)), default=2)
    least = 4 if name in {"skew", "kurt"} else least
    counts = [n for n in (1, 2, 3, 4, 7, 40) if n >= least]
    untimed = name in {"smooth", "ema", "wilder", "atr", "rsi", "adx"}
    return counts if untimed else [*counts, "3s", "20s", "2m"]


def filled(name, n):
    quote = isinstance(n, str) and name != "rows_within"
    return REFERENCES[name][0].replace("{n}", f'"{n}"' if quote else str(n))


def test_every_operator_and_function_has_a_reference():
    assert set(REFERENCES) == {*OPERATORS, *FUNCTIONS}


@pytest.mark.parametrize("name", sorted(REFERENCES))
@pytest.mark.parametrize("kind", MARKETS)
def test_the_same_as_the_reference(name, kind):
    market = MARKETS[kind]
    for n in windows(name):
        plan = Plan({"feature": filled(name, n)})
        if name == "rows_within":
            plan.graph.outputs["feature"] = next(
                k for k, slot in enumerate(plan.graph.slots) if slot.operator is OPERATORS[name]
            )
        columns = {key: column.tolist() for key, column in market.items()}
        expected = np.array(REFERENCES[name][1](columns, n))
        got = plan.run(market)["feature"]
        scale = np.nanmax(np.abs(expected), initial=0.0)
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12 * scale, err_msg=filled(name, n))
        assert np.isfinite(got).any(), f"{filled(name, n)} is never known"


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_every_check(name):
    market = generated_market(700, 2)
    for n in {windows(name)[-1], windows(name)[-4:][0]}:
        sparse = name in SPARSE and not isinstance(n, str)
        check_operator(filled(name, n), market, {"warmup": "undefined in some rows"} if sparse else None)
