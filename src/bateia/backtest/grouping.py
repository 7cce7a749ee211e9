"""Which group each bar is of: fold, hour, weekday, day or month, regime, symbol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bateia.core import DataError
from bateia.core.clock import DAY, HOUR
from bateia.core.events import Ints
from bateia.splits import Path

MANY_DAYS = 62
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Grouping(NamedTuple):
    """A group's number for each bar (-1: none), and the groups' names; `breakdown(backtest, *grouping)`."""

    groups: Ints
    names: Sequence[str]


def by_fold(path: Path, rows: slice) -> Grouping:
    """Bars by the fold whose model decided them: `path` over all bars, `rows` those of the backtest.

    Raises DataError where two folds decide one bar.

    >>> from bateia.splits import Piece
    >>> by_fold([Piece(0, 11, 13), Piece(1, 13, 15)], slice(10, 15)).groups.tolist()
    [-1, 0, 0, 1, 1]
    """
    groups = np.full(max([rows.stop, *(piece.stop for piece in path)]), -1)
    for piece in path:
        if (groups[piece.start : piece.stop] != -1).any():
            raise DataError(
                f"fold {piece.fold + 1} decides bars {piece.start} to {piece.stop}, some of them not alone",
                allowed="one fold a bar",
                hint="one path at a time",
            )
        groups[piece.start : piece.stop] = piece.fold
    folds = max((piece.fold for piece in path), default=-1) + 1
    return Grouping(groups[rows], [f"fold {k + 1}" for k in range(folds)])


def by_hour(time: Ints) -> Grouping:
    """Bars by the UTC hour in which they close.

    >>> by_hour(np.array([0, 3_600_000_000])).groups.tolist()
    [0, 1]
    """
    return Grouping(time // HOUR % 24, [f"{hour:02}:00" for hour in range(24)])


def by_weekday(time: Ints) -> Grouping:
    """Bars by the UTC weekday on which they close.

    >>> groups, names = by_weekday(np.array([0]))
    >>> names[groups[0]]
    'Thursday'
    """
    return Grouping((time // DAY + 3) % 7, WEEKDAYS)


def by_day(time: Ints) -> Grouping:
    """Bars by the UTC day on which they close, named as 2013-09-01."""
    return _by_unit(time, "D")


def by_month(time: Ints) -> Grouping:
    """Bars by the UTC month in which they close, named as 2013-09."""
    return _by_unit(time, "M")


def by_period(time: Ints) -> Grouping:
    """Bars by day, or by month where they span more than 62 days.

    >>> by_period(np.array([0, 3_600_000_000])).names
    ['1970-01-01']
    """
    return by_day(time) if time[-1] - time[0] <= MANY_DAYS * DAY else by_month(time)


def by_regime(number: Ints, names: Sequence[str], rows: slice) -> Grouping:
    """Bars by the regime that was known when they began, which is that at the close of the bar before.

    `number` is the regime of every bar as known at its close, `rows` those of the backtest; before the very
    first bar it is 0. A bar's own regime has seen what the bar earned: by it, the profits of a random walk
    would look foreseen.

    >>> by_regime(np.array([1, 2, 1]), ("undefined", "calm", "wild"), slice(1, 3)).groups.tolist()
    [1, 2]
    """
    return Grouping(np.concatenate([[0], number])[rows].astype(np.int64), names)


def by_name(names: Sequence[str]) -> Grouping:
    """Bars by a name each, such as their regime or symbol, in the names' order.

    >>> by_name(["calm", "wild", "calm"]).groups.tolist()
    [0, 1, 0]
    """
    found, groups = np.unique(np.asarray(names, np.str_), return_inverse=True)
    return Grouping(groups.astype(np.int64), found.tolist())


def _by_unit(time: Ints, unit: str) -> Grouping:
    moments = time.astype("datetime64[us]").astype(f"datetime64[{unit}]")
    found, groups = np.unique(moments, return_inverse=True)
    return Grouping(groups.astype(np.int64), [str(moment) for moment in found])
