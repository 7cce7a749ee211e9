"""Volume profiles in plain Python, counted afresh in every row."""

import math

from references.base import NAN, rolling


def buckets(prices, volumes, bins):
    lowest, span = min(prices), max(prices) - min(prices)
    held = [[] for _ in range(bins)]
    for price, volume in zip(prices, volumes, strict=True):
        place = int((price - lowest) / span * bins) if span else 0
        held[min(place, bins - 1)].append(volume)
    return [math.fsum(amounts) for amounts in held]


def value_area(volumes, middle):
    """First and last bucket of the area about the middle that holds 70% of the volume."""
    low = high = middle
    while math.fsum(volumes[low : high + 1]) < 0.7 * math.fsum(volumes):
        above = volumes[high + 1 : high + 2] or [-1.0]
        below = volumes[:low][-1:] or [-1.0]
        low, high = (low, high + 1) if above >= below else (low - 1, high)
    return low, high


def looked_at(prices, volumes, bins, what):
    filled = buckets(prices, volumes, bins)
    if not sum(filled) > 0:
        return NAN
    middle = filled.index(max(filled))
    low, high = value_area(filled, middle)
    place = (middle + 0.5, high + 1, low)[what]
    return min(prices) + (max(prices) - min(prices)) * place / bins


def of(bins, what):
    return lambda prices, volumes: looked_at(prices, volumes, bins, what)


rolling("profile", "profile(close, volume, {n}, 7, 1)", of(7, 1), "close", "volume", least=1, timed=False)
for _what, _name in enumerate(("poc", "value_high", "value_low")):
    rolling(_name, _name + "({n})", of(24, _what), "vwap", "volume", least=1, timed=False)
