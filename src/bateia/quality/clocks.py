"""Times that cannot be: backwards, twice, in another unit, in the future, an hour off."""

from __future__ import annotations

import time as wall
from datetime import UTC, datetime, timedelta

import numpy as np

from bateia.core import Bars, Trades, format_duration, format_time
from bateia.core.clock import DAY, HOUR, MINUTE
from bateia.core.events import Bools, Ints
from bateia.quality.report import Check, Grade, about

FIRST_MARKET = 315_532_800_000_000
"""1980: earlier times are numbers read in another unit."""
UNIT = 500
"""Times that differ by such a factor are of another unit."""


def clock_checks(events: Bars | Trades) -> list[Check]:
    """Checks `order`, `duplicates` (of candles) and `clock`."""
    step = np.diff(events.time)
    back = np.append(False, step < 0)
    # Nothing is lost of a file that is only the other way round.
    grade: Grade = "suspect" if len(step) and (step <= 0).all() else "blocked"
    checks = [about("order", grade, _order(events.time, back), back)]
    if isinstance(events, Bars) and rhythm(events.time):
        same = _repeated(events.time)
        words = "times that come more than once" if same.any() else "each time once"
        checks.append(about("duplicates", "blocked", words, same))
    return [*checks, _clock(events), *_saving(events)]


def rhythm(time: Ints) -> int:
    """The step between two candles where most have the same, else 0 (bars by trades, volume or value)."""
    steps = np.diff(time)
    steps = steps[steps > 0]
    if not len(steps):
        return 0
    values, counts = np.unique(steps, return_counts=True)
    step = int(values[np.argmax(counts)])
    whole = float((steps % step == 0).mean())
    return step if counts.max() >= 0.6 * len(steps) and whole > 0.9 else 0


def _repeated(time: Ints) -> Bools:
    order = np.argsort(time, kind="stable")
    again = np.zeros(len(time), np.bool_)
    again[order[1:]] = time[order[1:]] == time[order[:-1]]
    return again


def _order(time: Ints, back: Bools) -> str:
    if not back.any():
        return "oldest first"
    if back[1:].mean() > 0.5 or (np.diff(time) <= 0).all():
        return "newest first: turn it round"
    row = int(np.flatnonzero(back)[0])
    return f"times run backwards, first by {format_duration(int(time[row - 1] - time[row]))}"


def believable(events: Bars | Trades) -> Bools:
    """Which rows have times of one unit, of the past and of markets, known no earlier than they happened."""
    return np.asarray(~np.logical_or.reduce(_doubts(events)))


def _doubts(events: Bars | Trades) -> list[Bools]:
    """Masks: another unit than the rest, of the future, before any market, known too early."""
    time, usual = events.time, float(np.median(events.time))
    with np.errstate(divide="ignore"):
        ratio = np.abs(time / usual) if usual else np.ones(len(time))
    unit = (ratio > UNIT) | ((ratio < 1 / UNIT) & (time > 0))
    future = ~unit & (time > int(wall.time() * 1e6) + DAY)
    return [unit, future, ~unit & (time < FIRST_MARKET), events.known_at < time]


def _clock(events: Bars | Trades) -> Check:
    """Times of the future, before any market's, of another unit than the rest, seen before they happened."""
    masks = _doubts(events)
    words = (
        "times of another unit than the rest",
        f"times of the future, up to {_shown(int(events.time.max()))}",
        f"times before 1980, from {_shown(int(events.time.min()))}: seconds read as another unit?",
        "known before it happened",
    )
    found = "; ".join(word for mask, word in zip(masks, words, strict=True) if mask.any())
    fine = "times of one unit, none of the future"
    return about("clock", "blocked", found or fine, np.logical_or.reduce(masks))


def _shown(micros: int) -> str:
    try:
        return format_time(micros)
    except (ValueError, OverflowError, OSError):
        return f"{micros:,} us"


def _saving(events: Bars | Trades) -> list[Check]:
    """An hour left out or set back within a day of a change to or from daylight saving."""
    name = "daylight_saving"
    if len(events) < 2 or events.time.min() < FIRST_MARKET or events.time.max() > 4e15:
        return []
    step = np.diff(events.time)
    usual = rhythm(events.time) if isinstance(events, Bars) else MINUTE
    # Longer candles hold the hour.
    usual = usual if usual < HOUR else 0
    back = np.flatnonzero(np.abs(step + HOUR - usual) <= usual) if usual else np.empty(0, np.int64)
    leap = np.flatnonzero(np.abs(step - HOUR - usual) <= min(usual, MINUTE) / 2) if usual else back
    rows = [int(row) + 1 for row in np.concatenate([back, leap]) if _change(int(events.time[row]))]
    # A market that breaks for an hour every day does so on these days too.
    if not rows or len(leap) > 2 * len(rows) + 2:
        return [about(name, "ok", "no hour is left out or set back", np.empty(0, np.int64))]
    found = "an hour left out or set back where daylight saving changes: local times read as UTC?"
    return [about(name, "suspect", found, np.array(rows))]


def _change(micros: int) -> bool:
    """Whether a Sunday on which Europe or America changes its clocks lies within a day."""
    day = datetime.fromtimestamp(micros / 1e6, UTC)
    near = [day + timedelta(days=k) for k in (-1, 0, 1)]
    return any(
        one.weekday() == 6
        and ((one.month == 3 and (8 <= one.day <= 14 or one.day >= 25))
             or (one.month == 10 and one.day >= 25) or (one.month == 11 and one.day <= 7))
        for one in near
    )  # fmt: skip
