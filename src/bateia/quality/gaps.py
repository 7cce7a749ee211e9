"""What is missing by the data's own rhythm, and what is there on days that the rest has none of."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bateia.core import Bars, Trades, format_duration, format_time
from bateia.core.clock import DAY, MINUTE, SECOND, WEEK
from bateia.core.events import Bools, Floats, Ints
from bateia.quality.clocks import rhythm
from bateia.quality.report import Check, about

BUSY = 20
"""Trades that the bars around must have, or a bar without any is nothing strange."""
QUIET = 60
"""Bars that a quiet market may be without trades."""
CELL = 50
"""Trades that are expected in a cell, where events keep no rhythm."""
PAUSE = 100
"""Cells without an event that chance may leave: events come in bursts."""
TOO_MANY = 0.05
DAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


def gap_checks(events: Bars | Trades, weekend: bool | None) -> list[Check]:
    """Checks `gaps` and `calendar`; `weekend` tells whether the market trades on one, None that data tell."""
    step = rhythm(events.time) if isinstance(events, Bars) else 0
    check = _gaps(*_cells(events)) if not step else _gaps(*_bars(events, step))
    # A bar that closes at midnight is of the day before.
    return [check, _calendar(events.open_time if isinstance(events, Bars) else events.time, weekend)]


def _bars(bars: Bars | Trades, step: int) -> tuple[Ints, int, Floats, Ints, int]:
    """Of bars with a rhythm: open times, step, trades, rows, and the most that chance leaves out."""
    trades = bars.trades if isinstance(bars, Bars) else np.full(len(bars), np.nan)
    return bars.time - step, step, trades, np.arange(len(bars)), 0


def _cells(events: Bars | Trades) -> tuple[Ints, int, Floats, Ints, int]:
    """The same of equal cells of time, of which the usual one holds 50 events."""
    time = events.time
    waits = np.diff(time[::CELL])
    width = max(int(np.median(waits)), SECOND) if len(waits) >= 20 else 0
    if not width:
        return np.empty(0, np.int64), 1, np.empty(0), np.empty(0, np.int64), 0
    cells, first, counts = np.unique(time // width, return_index=True, return_counts=True)
    return cells * width, width, counts.astype(np.float64), first, max(PAUSE, 5 * MINUTE // width)


def _gaps(time: Ints, step: int, trades: Floats, rows: Ints, chance: int) -> Check:
    if len(time) < 20:
        return _nothing("too short to tell its rhythm")
    off = (np.diff(time) % step != 0) & (np.diff(time) > step)
    missing = np.maximum(np.diff(time) // step - 1, 0)
    after = np.flatnonzero(missing > chance)
    after = after[~_quiet(after, missing, trades)]
    if not len(after) and not off.any():
        return _nothing("nothing is missing" if not missing.any() else "only quiet times without a trade")
    begin, end = time[after] + step, time[after + 1]
    unexpected, unknown = _unexpected(time, begin, end, step)
    odd = unknown & ~(_aligned(begin, step) & _aligned(end, step))
    bad = after[unexpected | odd]
    lost = int(missing[bad].sum())
    share = lost / (len(time) + lost)
    where = np.append(rows[bad + 1], rows[np.flatnonzero(off) + 1])
    grade = "blocked" if share > TOO_MANY else "suspect"
    what = f"{lost:,} of {len(time) + lost:,} steps of {format_duration(step)} are missing"
    if len(bad):
        longest = bad[np.argmax(missing[bad])]
        length = format_duration(int(missing[longest] * step))
        what += f", most after {format_time(int(time[longest]))} ({length})"
    elif not off.any():
        what = f"breaks between sessions ({len(after):,}), nothing else is missing"
    if off.any():
        what += f"; {int(off.sum()):,} times lie off that grid"
    return about("gaps", "blocked" if grade == "blocked" else "suspect", what, np.sort(where), share)


def _nothing(found: str) -> Check:
    return about("gaps", "ok", found, np.empty(0, np.int64))


def _quiet(after: Ints, missing: Ints, trades: Floats) -> Bools:
    """Gaps that a market without much trade explains."""
    near = after[:, None] + np.arange(-4, 6)
    near = np.clip(near, 0, len(trades) - 1)
    count = trades[near]
    known = ~np.isnan(count).any(axis=1)
    calm = np.minimum(np.nan_to_num(count[:, :5]).mean(axis=1), np.nan_to_num(count[:, 5:]).mean(axis=1))
    # Without counts: a market that often misses a bar nearby.
    total = np.append(0, np.cumsum(np.append(0, missing > 0)))
    lo, hi = np.maximum(after - 250, 0), np.minimum(after + 250, len(trades))
    often = (total[hi] - total[lo]) / np.maximum(hi - lo, 1) > 0.03
    return np.asarray(np.where(known, calm < BUSY, often) & (missing[after] <= QUIET))


def _aligned(time: Ints, step: int) -> Bools:
    """Whether a time lies at a quarter of an hour, as sessions do, as far as a step can tell."""
    beside = time % (15 * MINUTE)
    return np.asarray(np.minimum(beside, 15 * MINUTE - beside) <= min(step, MINUTE))


def _unexpected(time: Ints, begin: Ints, end: Ints, step: int) -> tuple[Bools, Bools]:
    """Which gaps the same hours of the days and weeks around do not have, and which have none to compare.

    Both the days before and the days after must be there: an hour that moves with daylight saving is
    missing from its change on.
    """
    weekday = (begin // DAY + 3) % 7
    verdicts = []
    for sign in (-1, 1):
        found = np.full((len(begin), 9), np.nan)
        for column, days in enumerate((1, 2, 3, 4, 5, 7, 14, 21, 28)):
            shift = sign * days * DAY
            other = (weekday + sign * days) % 7
            alike = (other == weekday) | ((other < 5) & (weekday < 5))
            a, b = begin + shift, end + shift
            inside = (a >= time[0]) & (b <= time[-1] + step) & alike
            there = (np.searchsorted(time, b) - np.searchsorted(time, a)) / np.maximum(
                (end - begin) / step, 1
            )
            found[:, column] = np.where(inside, there, np.nan)
        compared = ~np.isnan(found).all(axis=1)
        present = (np.nan_to_num(found) >= 0.5).sum(axis=1) > 0.5 * (~np.isnan(found)).sum(axis=1)
        verdicts.append((compared, present))
    (had, before), (has, later) = verdicts
    return (had | has) & (before | ~had) & (later | ~has), ~(had | has)


def _calendar(time: Ints, weekend: bool | None) -> Check:
    weekday = (time // DAY + 3) % 7
    if weekend is False:
        bad = weekday >= 5
        words = "trading on a weekend, when the market is closed" if bad.any() else "no weekend is traded"
        return about("calendar", "blocked", words, bad)
    days = np.unique(time // DAY)
    if days[-1] - days[0] < 2 * WEEK // DAY:
        return about("calendar", "ok", "shorter than two weeks: too short to tell", np.empty(0, np.int64))
    span = np.arange(days[0], days[-1] + 1)
    dates = np.bincount((span + 3) % 7, minlength=7)
    rate: npt.NDArray[np.float64] = np.bincount(weekday, minlength=7) / dates
    odd = (rate > 0) & (rate < 0.02 * np.median(rate[:5]))
    closed = [day for day, rows in zip(DAYS, rate, strict=True) if rows == 0]
    if odd.any():
        names = " and ".join(day for day, is_odd in zip(DAYS, odd, strict=True) if is_odd)
        return about("calendar", "suspect", f"trading on {names}, which the rest has not", odd[weekday])
    found = f"no trading on {' and '.join(closed)}" if closed else "trading on all days of the week"
    return about("calendar", "ok", found, np.empty(0, np.int64))
