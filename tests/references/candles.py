"""Candlestick patterns in plain Python, one bar after another."""

import math
from collections import namedtuple
from itertools import pairwise

from references.base import NAN, known, reference, register, rolling

Bar = namedtuple("Bar", "open high low close")
COLUMNS = {name[0]: name for name in Bar._fields}


def needed(m, i, letters):
    """The columns with these initials at row i."""
    return [m[COLUMNS[letter]][i] for letter in letters] if i >= 0 else [NAN]


def trend(m, i):
    """-1 to 1: the close at row i less the mean of 10, in mean ranges of 10."""
    if i < 9:
        return NAN
    held = range(i - 9, i + 1)
    mean = math.fsum(m["close"][k] for k in held) / 10
    reach = math.fsum(m["high"][k] - m["low"][k] for k in held) / 10
    found = (m["close"][i] - mean) / max(reach, 1e-12)
    return max(min(found, 1.0), -1.0) if known(mean, reach) else NAN


def candle(*letters, trended=False):
    """A pattern's reference: its bars, newest first, and which columns of each it needs."""

    def registered(function):
        def rows(m, n):
            found = []
            for i in range(len(m["open"])):
                values = [v for k, some in enumerate(letters) for v in needed(m, i - k, some)]
                bars = [Bar(*needed(m, i - k, "ohlc")) for k in range(len(letters)) if i >= k]
                before = [trend(m, i - len(letters))] if trended else []
                good = known(*values, *before)
                found.append(float(function(*bars, *before)) if good else NAN)
            return found

        name = function.__name__
        register(name, f"{name}()", rows)
        return function

    return registered


def reach(bar):
    return max(bar.high - bar.low, 1e-12)


def size(bar):
    return abs(bar.close - bar.open)


def over(part, whole):
    return part / max(whole, 1e-12)


@candle("ohlc")
def body_share(bar):
    return (bar.close - bar.open) / reach(bar)


@candle("ohlc")
def upper_shadow(bar):
    return (bar.high - max(bar.open, bar.close)) / reach(bar)


@candle("ohlc")
def lower_shadow(bar):
    return (min(bar.open, bar.close) - bar.low) / reach(bar)


@candle("oc")
def rose(bar):
    return bar.close > bar.open


@candle("oc")
def fell(bar):
    return bar.close < bar.open


@candle("oc")
def body_high(bar):
    return max(bar.open, bar.close)


@candle("oc")
def body_low(bar):
    return min(bar.open, bar.close)


@candle("oc")
def body_middle(bar):
    return (bar.open + bar.close) / 2


@candle("oc")
def body_size(bar):
    return size(bar)


@reference("prior_trend(3)")
def prior_trend(m, n):
    return [trend(m, i - 3) for i in range(len(m["close"]))]


rolling(
    "relative_range",
    "relative_range({n})",
    lambda h, lo: over(h[-1] - lo[-1], (math.fsum(h) - math.fsum(lo)) / len(h)),
    *("high", "low"),
    least=1,
)


@candle("ohlc")
def hammer_shape(bar):
    long = lower_shadow(bar) >= 2 * abs(body_share(bar))
    return lower_shadow(bar) * max(1 - 5 * upper_shadow(bar), 0) if long else 0


@candle("ohlc")
def star_shape(bar):
    long = upper_shadow(bar) >= 2 * abs(body_share(bar))
    return upper_shadow(bar) * max(1 - 5 * lower_shadow(bar), 0) if long else 0


@candle("ohlc")
def doji(bar):
    return max(1 - 10 * abs(body_share(bar)), 0)


@candle("ohlc")
def marubozu(bar):
    return math.copysign(max(10 * abs(body_share(bar)) - 9, 0), body_share(bar))


@candle("ohlc")
def spinning_top(bar):
    short, long = sorted((upper_shadow(bar), lower_shadow(bar)))
    return max(1 - abs(body_share(bar)) / 0.35, 0) * over(short, long)


@candle("ohlc", trended=True)
def hammer(bar, before):
    return hammer_shape(bar) * max(-before, 0)


@candle("ohlc", trended=True)
def hanging_man(bar, before):
    return hammer_shape(bar) * max(before, 0)


@candle("ohlc", trended=True)
def inverted_hammer(bar, before):
    return star_shape(bar) * max(-before, 0)


@candle("ohlc", trended=True)
def shooting_star(bar, before):
    return star_shape(bar) * max(before, 0)


@candle("oc", "oc")
def engulfs(bar, last):
    other = (rose(bar) and fell(last)) or (fell(bar) and rose(last))
    return other and body_high(bar) >= body_high(last) and body_low(bar) <= body_low(last)


@candle("oc", "oc", trended=True)
def engulfing(bar, last, before):
    if not engulfs(bar, last):
        return 0
    grade = 1 - over(size(last), size(bar))
    return grade * max(-before, 0) if rose(bar) else -grade * max(before, 0)


@candle("oc", "oc", trended=True)
def bullish_engulfing(bar, last, before):
    return max(engulfing(bar, last, before), 0)


@candle("oc", "oc", trended=True)
def bearish_engulfing(bar, last, before):
    return max(-engulfing(bar, last, before), 0)


@candle("oc", "oc", trended=True)
def harami(bar, last, before):
    if body_high(bar) > body_high(last) or body_low(bar) < body_low(last) or not size(last):
        return 0
    grade = 1 - over(size(bar), size(last))
    return grade * max(-before, 0) if fell(last) else -grade * max(before, 0)


@candle("oc", "oc", trended=True)
def piercing_line(bar, last, before):
    there = fell(last) and bar.open <= last.close and bar.close < last.open
    return max(over(bar.close - body_middle(last), size(last) / 2), 0) * max(-before, 0) if there else 0


@candle("oc", "oc", trended=True)
def dark_cloud_cover(bar, last, before):
    there = rose(last) and bar.open >= last.close and bar.close > last.open
    return max(over(body_middle(last) - bar.close, size(last) / 2), 0) * max(before, 0) if there else 0


@reference("tweezer()")
def tweezer(m, n):
    found = []
    for i in range(len(m["low"])):
        before, held = trend(m, i - 2), range(i - 9, i + 1)
        if i < 11 or not known(before, *(m[name][k] for name in ("high", "low") for k in held)):
            found.append(NAN)
            continue
        tenth = math.fsum(m["high"][k] - m["low"][k] for k in held) / 100
        name = "low" if before < 0 else "high"
        apart = over(abs(m[name][i] - m[name][i - 1]), tenth)
        found.append(max(1 - apart, 0) * -before)
    return found


@candle("oc", "oc", "oc", trended=True)
def morning_star(bar, star, first, before):
    if not (fell(first) and rose(bar) and body_high(star) <= body_middle(first)):
        return 0
    won = min(max((bar.close - first.close) / size(first), 0), 1)
    return won * max(1 - size(star) / size(first), 0) * max(-before, 0)


@candle("oc", "oc", "oc", trended=True)
def evening_star(bar, star, first, before):
    if not (rose(first) and fell(bar) and body_low(star) >= body_middle(first)):
        return 0
    won = min(max((first.close - bar.close) / size(first), 0), 1)
    return won * max(1 - size(star) / size(first), 0) * max(before, 0)


@candle("o", "oc")
def opens_within(bar, last):
    return body_low(last) <= bar.open <= body_high(last)


def march(bars, coloured, sign):
    """Three bars of one colour, newest first, each opening within the body before and closing beyond it."""
    apart = [sign * (a.close - b.close) > 0 and opens_within(a, b) for a, b in pairwise(bars)]
    return min(abs(body_share(bar)) for bar in bars) if all(map(coloured, bars)) and all(apart) else 0


@candle("ohlc", "ohlc", "ohlc")
def three_white_soldiers(*bars):
    return march(bars, rose, 1)


@candle("ohlc", "ohlc", "ohlc")
def three_black_crows(*bars):
    return march(bars, fell, -1)
