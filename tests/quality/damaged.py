"""Real data that somebody damaged, one kind of damage a function; each takes real bars and a generator."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bateia.core import Bars

FEW = 300
PRICES = ("open", "high", "low", "close")


def some(bars: Bars, rng, count=FEW):
    """Rows to damage, none at the ends."""
    return np.sort(rng.choice(np.arange(5, len(bars) - 5), count, replace=False))


def put(bars: Bars, name, rows, values) -> Bars:
    column = getattr(bars, name).copy()
    column[rows] = values
    return replace(bars, **{name: column})


def high_below_low(bars, rng):
    rows = some(bars, rng)
    return put(put(bars, "high", rows, bars.low[rows] - 1), "low", rows, bars.high[rows])


def nothing_in_prices(bars, rng):
    return put(bars, "close", some(bars, rng), np.nan)


def zero_prices(bars, rng):
    return put(bars, "low", some(bars, rng), 0.0)


def spikes(bars, rng):
    """Closes 10% away, with a high that holds them."""
    rows = some(bars, rng)
    close = np.round(bars.close[rows] * 1.1, 1)
    return put(put(bars, "close", rows, close), "high", rows, np.maximum(bars.high[rows], close))


def bars_of_another_unit(bars, rng):
    """Whole bars a hundred times too low: cents for dollars."""
    rows = some(bars, rng)
    return replace(
        bars,
        **{name: put(bars, name, rows, getattr(bars, name)[rows] / 100).columns()[name] for name in PRICES},
    )


def wicks(bars, rng):
    rows = some(bars, rng)
    return put(bars, "high", rows, np.round(bars.high[rows] * 1.03, 1))


def duplicated_rows(bars, rng):
    return bars[np.sort(np.append(np.arange(len(bars)), some(bars, rng)))]


def joined_to_itself(bars, rng):
    return bars[np.tile(np.arange(len(bars)), 2)]


def newest_first(bars, rng):
    return bars[::-1]


def swapped_rows(bars, rng):
    order = np.arange(len(bars))
    rows = some(bars, rng)
    order[rows] = rng.permutation(rows)
    return bars[order]


def missing_rows(bars, rng):
    return bars[np.setdiff1d(np.arange(len(bars)), some(bars, rng))]


def times_in_milliseconds(bars, rng):
    """The second half in another unit."""
    half = np.arange(len(bars)) > len(bars) // 2
    clocks = ("time", "open_time", "known_at")
    return replace(
        bars, **{name: np.where(half, getattr(bars, name) // 1000, getattr(bars, name)) for name in clocks}
    )


def times_of_the_future(bars, rng):
    shift = 30 * 366 * 86_400_000_000
    return replace(
        bars, time=bars.time + shift, known_at=bars.known_at + shift, open_time=bars.open_time + shift
    )


def known_too_early(bars, rng):
    return put(bars, "known_at", some(bars, rng), 0)


def negative_volumes(bars, rng):
    rows = some(bars, rng)
    return put(bars, "volume", rows, -bars.volume[rows])


def volumes_of_another_unit(bars, rng):
    rows = some(bars, rng)
    return put(bars, "volume", rows, bars.volume[rows] * 1e5)


def volumes_left_out(bars, rng):
    rows = some(bars, rng)
    bars = put(put(bars, "volume", rows, 0.0), "value", rows, 0.0)
    return put(bars, "signed_volume", rows, 0.0)


def constant_volume(bars, rng):
    ones = np.full(len(bars), 100.0)
    return replace(bars, volume=ones, value=ones * bars.vwap, signed_volume=0 * ones)


def filled_forward(bars, rng):
    """A day of which every bar repeats the close before."""
    rows = np.arange(2_000, 2_300)
    last = bars.close[1_999]
    for name in PRICES:
        bars = put(bars, name, rows, last)
    return bars


def a_week_twice(bars, rng):
    """Rows 4,000 to 6,000 hold those of 1,000 to 3,000."""
    source = np.arange(len(bars))
    source[4_000:6_000] = source[1_000:3_000]
    clocks = {name: getattr(bars, name) for name in ("time", "open_time", "known_at")}
    return replace(bars[source], **clocks)


def off_the_grid(bars, rng):
    return put(bars, "close", some(bars, rng), (bars.high + bars.low)[some(bars, rng)] / 2 + 0.0123)


DAMAGED = [
    high_below_low,
    nothing_in_prices,
    zero_prices,
    spikes,
    bars_of_another_unit,
    wicks,
    duplicated_rows,
    joined_to_itself,
    newest_first,
    swapped_rows,
    missing_rows,
    times_in_milliseconds,
    times_of_the_future,
    known_too_early,
    negative_volumes,
    volumes_of_another_unit,
    volumes_left_out,
    constant_volume,
    filled_forward,
    a_week_twice,
]


def _rows(bars, order) -> Bars:
    """The rows in another order, under the old times."""
    clocks = {name: getattr(bars, name) for name in ("time", "open_time", "known_at")}
    return replace(bars[order], **clocks)


def _rebuilt(bars, order) -> Bars:
    """Every bar's shape, in another order, one after the other; prices on the grid again."""
    before = np.append(bars.open[0], bars.close[:-1])
    close = before[0] * np.exp(np.cumsum(np.log(bars.close / before)[order]))
    base = np.append(before[0], close[:-1])
    prices = {name: np.round(base * (getattr(bars, name) / before)[order], 1) for name in PRICES}
    prices["high"] = np.max(list(prices.values()), axis=0)
    prices["low"] = np.min(list(prices.values()), axis=0)
    made = _rows(bars, order)
    vwap = np.clip(base * (bars.vwap / before)[order], prices["low"], prices["high"])
    return replace(made, **prices, vwap=vwap, value=made.volume * vwap)


def _blocks(rows, length, rng):
    pieces = np.array_split(np.arange(rows), rows // length)
    return np.concatenate([pieces[k] for k in rng.permutation(len(pieces))])


def shuffled_rows(bars, rng):
    return _rows(bars, rng.permutation(len(bars)))


def shuffled_returns(bars, rng):
    return _rebuilt(bars, rng.permutation(len(bars)))


def shuffled_in_blocks(bars, rng):
    return _rows(bars, _blocks(len(bars), 50, rng))


def returns_shuffled_in_blocks(bars, rng):
    return _rebuilt(bars, _blocks(len(bars), 50, rng))


def returns_shuffled_in_long_blocks(bars, rng):
    return _rebuilt(bars, _blocks(len(bars), 400, rng))


SHUFFLED = [
    shuffled_rows,
    shuffled_returns,
    shuffled_in_blocks,
    returns_shuffled_in_blocks,
    returns_shuffled_in_long_blocks,
]
