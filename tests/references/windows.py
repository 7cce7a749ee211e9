"""Order, lines, spread and memory of a window in plain Python."""

import math
from fractions import Fraction
from functools import partial
from itertools import pairwise

from references.base import NAN, average, known, lagged, reference, rolling, window
from references.core import correlation


def quantile(w, q):
    ordered = sorted(map(Fraction, w))
    place = Fraction(q * (len(w) - 1))  # where 0.1 of 30 is 3
    under = math.floor(place)
    above = min(under + 1, len(w) - 1)
    return float(ordered[under] + (place - under) * (ordered[above] - ordered[under]))


def line(w):
    """Slope, value at the oldest row, R2 and value at the newest, exactly."""
    n, values = len(w), [Fraction(v) for v in w]
    if n < 2:
        return NAN, NAN, NAN, NAN
    middle, centre = Fraction(n - 1, 2), sum(values) / n
    tilt = sum((k - middle) * v for k, v in enumerate(values))
    across = sum((k - middle) ** 2 for k in range(n))
    spread = sum((v - centre) ** 2 for v in values)
    slope = tilt / across
    explained = float(tilt * slope / spread) if spread else NAN
    return float(slope), float(centre - slope * middle), explained, float(centre + slope * middle)


def weighted(w):
    return math.fsum(k * v for k, v in enumerate(w, 1)) / sum(range(1, len(w) + 1))


def deviation_about_mean(w):
    centre = math.fsum(w) / len(w)
    return math.fsum(abs(v - centre) for v in w) / len(w)


def shannon(w, bins):
    low, high = min(w), max(w)
    if low == high:
        return 0.0
    held = [min(int((v - low) * (bins / (high - low))), bins - 1) for v in w]
    shares = [held.count(k) / len(w) for k in set(held)]
    return max(-math.fsum(share * math.log(share) for share in shares), 0.0) / math.log(bins)


def fractional(w, d):
    weights = [1.0]
    for k in range(1, len(w)):
        weights.append(-weights[-1] * (d - k + 1) / k)
    return math.fsum(weight * v for weight, v in zip(weights, reversed(w), strict=True))


rolling("quantile", "quantile(signed_volume, {n}, 0.3)", partial(quantile, q=0.3), "signed_volume", least=1)
rolling("median", "median(close, {n})", partial(quantile, q=0.5), "close", least=1)
rolling("iqr", "iqr(close, {n})", lambda w: quantile(w, 0.75) - quantile(w, 0.25), "close", least=1)
rolling("regression", "regression(signed_volume, {n}, 2)", lambda w: line(w)[2], "signed_volume")
rolling("slope", "slope(close, {n})", lambda w: line(w)[0], "close")
rolling("intercept", "intercept(close, {n})", lambda w: line(w)[1], "close")
rolling("r2", "r2(close, {n})", lambda w: line(w)[2], "close", sparse=True)
rolling("linreg", "linreg(close, {n})", lambda w: line(w)[3], "close")
rolling("wma", "wma(close, {n})", lambda w: weighted(w) if len(w) > 1 else NAN, "close")
rolling("mad", "mad(close, {n})", deviation_about_mean, "close")
rolling("entropy", "entropy(close, {n}, 6)", partial(shannon, bins=6), "close")
rolling("fracdiff", "fracdiff(close, {n}, 0.4)", partial(fractional, d=0.4), "close", least=1, timed=False)


@reference("kama(close, {n})", timed=False)
def kama(m, n):
    """Each stretch of known rows by itself."""
    found, stretch, level = [], [], NAN
    for value in m["close"]:
        stretch = [*stretch, value] if known(value) else []
        if len(stretch) <= n:
            found.append(NAN)
            continue
        level = stretch[-2] if len(stretch) == n + 1 else level
        last = stretch[-n - 1 :]
        path = math.fsum(abs(b - a) for a, b in pairwise(last))
        efficiency = abs(last[-1] - last[0]) / path if path else 1.0
        level += (efficiency * (2 / 3 - 2 / 31) + 2 / 31) ** 2 * (value - level)
        found.append(level)
    return found


def chain(m, n, times):
    """The exponential average of the exponential average, and so on."""
    found = [m["close"]]
    for _ in range(times):
        found.append(average(found[-1], n, 2 / (n + 1)))
    return zip(*found[1:], strict=True)


@reference("dema(close, {n})", least=1, timed=False)
def dema(m, n):
    return [2 * one - two for one, two in chain(m, n, 2)]


@reference("tema(close, {n})", least=1, timed=False)
def tema(m, n):
    return [3 * one - 3 * two + three for one, two, three in chain(m, n, 3)]


@reference("autocorr(signed_volume, 2, {n})", sparse=True)
def autocorr(m, n):
    now, past, found = m["signed_volume"], lagged(m, 2, "signed_volume"), []
    for i in range(len(now)):
        held = window(m, n, i) or []
        pairs = [(now[k], past[k]) for k in held]
        good = pairs and all(known(*pair) for pair in pairs)
        found.append(correlation(*zip(*pairs, strict=True)) if good else NAN)
    return found
