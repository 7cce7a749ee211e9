"""Pivots, supports, resistances and round numbers in plain Python."""

import math

from references.base import NAN, known, lagged, point, reference, window


def extremes(m, n, i):
    """Highest high and lowest low of the window that ends at row i."""
    held = window(m, n, i) if i >= 0 else None
    if held is None:
        return NAN, NAN
    high, low = [m["high"][k] for k in held], [m["low"][k] for k in held]
    return max(high) if known(*high) else NAN, min(low) if known(*low) else NAN


def level(name, function):
    """A level from the highest, lowest and last price before the current row."""

    def rows(m, n):
        before = [(*extremes(m, n, i - 1), last) for i, last in enumerate(lagged(m, 1, "close"))]
        return [function(*prices) for prices in before]

    rows.__name__ = name
    reference(f"{name}({{n}})", least=1)(rows)


level("pivot", lambda h, lo, c: (h + lo + c) / 3)
level("pivot_r1", lambda h, lo, c: 2 * (h + lo + c) / 3 - lo)
level("pivot_s1", lambda h, lo, c: 2 * (h + lo + c) / 3 - h)
level("pivot_r2", lambda h, lo, c: (h + lo + c) / 3 + (h - lo))
level("pivot_s2", lambda h, lo, c: (h + lo + c) / 3 - (h - lo))
level("resistance", lambda h, lo, c: h)
level("support", lambda h, lo, c: lo)
point("distance", "distance(vwap)", lambda c, v: (c - v) / v, "close", "vwap")


@reference("range_position({n})", least=1)
def range_position(m, n):
    found = []
    for i, close in enumerate(m["close"]):
        high, low = extremes(m, n, i)
        found.append((close - low) / (high - low) if high != low else 0.5)
    return found


@reference("breakout({n})", least=1)
def breakout(m, n):
    found = []
    for i, close in enumerate(m["close"]):
        high, low = extremes(m, n, i - 1)
        beyond = max(close - high, 0.0) or min(close - low, 0.0)
        found.append(beyond / (high - low) if known(high, low, close) else NAN)
    return found


def step(x, digits=2):
    """Of numbers with so many significant digits, told from how x is written."""
    return 10.0 ** (int(f"{x:.12e}".split("e")[1]) + 1 - digits)


point("round_step", "round_step(close, 2)", step, "close")
point(
    "round_distance",
    "round_distance(close, 2)",
    lambda x: x / step(x) - math.floor(x / step(x) + 0.5),
    "close",
)
