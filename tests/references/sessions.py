"""What gathers over the rows since another series last changed, in plain Python."""

import math

from references.base import NAN, known, point, reference, register

DAY = 86_400_000_000


def gathered(values, by, what):
    """`what` of a session's known values so far, row by row; a missing row is left out."""
    found, last, held = [], None, []
    for value, key in zip(values, by, strict=True):
        if not known(key):
            found.append(NAN)
            continue
        if key != last:
            last, held = key, []
        if known(value):
            held.append(value)
        found.append(float(what(held)) if known(value) else NAN)
    return found


def steps(m):
    """The level, in steps of 3, that the close is at: changes often, comes back, and is missing at times."""
    return [v // 3 if known(v) else NAN for v in m["close"]]


def over_steps(name, column, what):
    register(name, f"{name}({column}, floor(close / 3))", lambda m, n: gathered(m[column], steps(m), what))


over_steps("cumsum", "signed_volume", math.fsum)
over_steps("cummax", "high", max)
over_steps("cummin", "low", min)
over_steps("first", "volume", lambda held: held[0])
point("day", "day()", lambda t: (t - 1) // DAY, "time")
# 1970-01-05 was the first Monday.
point("week", "week()", lambda t: (t - 1 - 4 * DAY) // (7 * DAY) + 1, "time")


@reference("cumcount(floor(close / 3))")
def cumcount(m, n):
    return gathered([0.0] * len(m["close"]), steps(m), len)


@reference("session_vwap()")
def session_vwap(m, n):
    days = [(t - 1) // DAY for t in m["time"]]
    paid, volume = (gathered(m[name], days, math.fsum) for name in ("value", "volume"))
    return [
        NAN if not known(p, v, c) else p / v if v > 0 else c
        for p, v, c in zip(paid, volume, m["close"], strict=True)
    ]


@reference("age(close > open)")
def age(m, n):
    found, rows = [], 0
    for o, c in zip(m["open"], m["close"], strict=True):
        if known(o, c):
            rows = rows + 1 if c > o else 0
        found.append(float(rows) if known(o, c) else NAN)
    return found
