"""Real data that somebody damaged, one kind of damage a function; each takes real bars and a generator."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bateia.core import Bars
from quality.shuffled import moved

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
    return moved(bars, source)


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


def _copied(bars: Bars, rows, source) -> Bars:
    order = np.arange(len(bars))
    order[rows] = source
    return moved(bars, order)


def copies_of_the_bar_before(bars, rng):
    rows = some(bars, rng)
    return _copied(bars, rows, rows - 1)


def copies_of_other_bars(bars, rng):
    """Each of some bar of the same day, so that its price is not far."""
    rows = some(bars, rng)
    return _copied(bars, rows, np.maximum(rows - rng.integers(2, 200, len(rows)), 0))


def open_and_close_swapped(bars, rng):
    rows = some(bars, rng)
    return put(put(bars, "open", rows, bars.close[rows]), "close", rows, bars.open[rows])


def prices_rounded(bars, rng):
    """All four to the nearest ten."""
    rows = some(bars, rng)
    for name in PRICES:
        bars = put(bars, name, rows, np.round(getattr(bars, name)[rows], -1))
    return bars


def an_hour_later(bars, rng):
    """Times an hour on, the rows in their old places."""
    rows = some(bars, rng)
    for name in ("time", "open_time", "known_at"):
        bars = put(bars, name, rows, getattr(bars, name)[rows] + 3_600_000_000)
    return bars


def an_hour_later_in_order(bars, rng):
    bars = an_hour_later(bars, rng)
    return bars[np.argsort(bars.time, kind="stable")]


def three_hundred_bars_an_hour_on(bars, rng):
    """A stretch whose rows stand an hour too late; the hour after it is lost."""
    order = np.arange(len(bars))
    order[1_000:1_300] -= 12
    return moved(bars, order)


def highs_below_the_close(bars, rng):
    """By a hair, as rounding does."""
    rows = some(bars, rng)
    return put(bars, "high", rows, np.maximum(bars.open, bars.close)[rows] - 0.1)


def volume_in_quote(bars, rng):
    """Volumes in dollars for volumes in coins."""
    rows = some(bars, rng)
    return put(bars, "volume", rows, bars.value[rows])


def volumes_rounded_off_their_lot(bars, rng):
    rows = some(bars, rng)
    return put(bars, "volume", rows, bars.volume[rows] + 0.00037)


FEW_OF_MANY = [
    *(
        make
        for make in DAMAGED
        if make not in (joined_to_itself, newest_first, constant_volume, times_in_milliseconds)
    ),
    off_the_grid,
    copies_of_the_bar_before,
    copies_of_other_bars,
    open_and_close_swapped,
    prices_rounded,
    an_hour_later,
    an_hour_later_in_order,
    three_hundred_bars_an_hour_on,
    highs_below_the_close,
    volume_in_quote,
    volumes_rounded_off_their_lot,
]
"""A few hundred wrong bars, whatever the length of the rest."""
