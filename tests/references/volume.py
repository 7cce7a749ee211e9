"""Volume beside the price in plain Python."""

import math

from references.base import average, point, reference
from references.momentum import ema
from references.series import ago, changes, each, means, middle, over, quotient, returns, sums, typical
from references.sessions import gathered


def total(values):
    """All known values so far; a missing row is missing and left out."""
    return gathered(values, [0.0] * len(values), math.fsum)


def times(a, b):
    return each(lambda u, v: u * v, a, b)


def share(m, n, part, otherwise=0.0):
    """The part's sum over the volume's."""
    return each(lambda a, b: quotient(a, b, otherwise), sums(m, n, part), sums(m, n, m["volume"]))


def directed(m):
    return each(lambda d, v: math.copysign(v, d) if d else 0.0, changes(m["close"]), m["volume"])


@reference("obv()")
def obv(m, n):
    return total(directed(m))


@reference("obv_change({n})", least=1)
def obv_change(m, n):
    return share(m, n, directed(m))


point(
    "money_flow",
    "money_flow()",
    lambda h, lo, c: quotient((c - lo) - (h - c), h - lo, 0.0),
    *("high", "low", "close"),
)


def flows(m):
    def flow(h, lo, c, v):
        return v * quotient((c - lo) - (h - c), h - lo, 0.0)

    return each(flow, m["high"], m["low"], m["close"], m["volume"])


@reference("ad_line()")
def ad_line(m, n):
    return total(flows(m))


@reference("ad_oscillator(3, {n})", least=1, timed=False)
def ad_oscillator(m, n):
    line = ad_line(m, 0)
    return each(lambda a, b: a - b, ema(line, 3), ema(line, n))


@reference("cmf({n})", least=1)
def cmf(m, n):
    return share(m, n, flows(m))


@reference("mfi({n})", least=1)
def mfi(m, n):
    moves, money = changes(typical(m)), times(typical(m), m["volume"])
    rising = each(lambda d, v: v if d > 0 else 0.0, moves, money)
    falling = each(lambda d, v: v if d < 0 else 0.0, moves, money)
    return each(lambda a, b: quotient(100 * a, a + b, 50.0), sums(m, n, rising), sums(m, n, falling))


@reference("twiggs({n})", least=1, timed=False)
def twiggs(m, n):
    def flow(h, lo, c, last, v):
        top, bottom = max(h, last), min(lo, last)
        return v * quotient((c - bottom) - (top - c), top - bottom, 0.0)

    part = each(flow, m["high"], m["low"], m["close"], ago(m["close"], 1), m["volume"])
    smooth = average(part, n, 1 / n), average(m["volume"], n, 1 / n)
    return each(lambda a, b: quotient(a, b, 0.0), *smooth)


@reference("price_volume_trend()")
def price_volume_trend(m, n):
    rates = each(lambda a, b: (a - b) / b, m["close"], ago(m["close"], 1))
    return total(times(rates, m["volume"]))


def where_volume(m, busy):
    def counted(d, r):
        return r if (d > 0 if busy else d < 0) else 0.0

    return total(each(counted, changes(m["volume"]), returns(m["close"])))


@reference("quiet_returns()")
def quiet_returns(m, n):
    return where_volume(m, False)


@reference("busy_returns()")
def busy_returns(m, n):
    return where_volume(m, True)


@reference("rolling_vwap({n})", least=1)
def rolling_vwap(m, n):
    return each(
        lambda a, b, c: a / b if b else c, sums(m, n, m["value"]), sums(m, n, m["volume"]), m["close"]
    )


@reference("vwma(high, {n})", least=1)
def vwma(m, n):
    def weighted(x, v):
        return quotient(math.fsum(a * b for a, b in zip(x, v, strict=True)), math.fsum(v), x[-1])

    return over(weighted, m, n, m["high"], m["volume"])


@reference("force_index({n})", least=1, timed=False)
def force_index(m, n):
    return ema(times(changes(m["close"]), m["volume"]), n)


@reference("ease_of_movement({n})", least=1)
def ease_of_movement(m, n):
    def ease(d, h, lo, v):
        return quotient(d * (h - lo), v, 0.0)

    return means(m, n, each(ease, changes(middle(m)), m["high"], m["low"], m["volume"]))


@reference("up_volume({n})", least=1)
def up_volume(m, n):
    return share(m, n, each(lambda d, v: v if d > 0 else 0.0, changes(m["close"]), m["volume"]), 0.5)


@reference("log_volume({n})", least=1)
def log_volume(m, n):
    return each(
        lambda v, mean: math.log(quotient(v, mean, 1.0) + 0.01), m["volume"], means(m, n, m["volume"])
    )
