"""What a trial earned, day by day: small enough for a ledger row, enough for every test of luck."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from bateia.core import DataError, format_time
from bateia.core.clock import DAY
from bateia.core.events import Floats, Ints

_MOST_DAYS = 200_000


@dataclass(frozen=True, eq=False)
class DailyProfits:
    """Net profit of each calendar day UTC in currency; a day without trading is 0, none is left out.

    Raises DataError for a start that is no day's, no days, or anything not finite.

    >>> DailyProfits(0, np.array([1.5, 0.0, -2.0])).days.tolist()
    [0, 86400000000, 172800000000]
    """

    start: int
    """Microseconds UTC at which the first day begins."""
    values: Floats

    def __post_init__(self) -> None:
        values = np.array(self.values, np.float64)
        if self.start % DAY or values.ndim != 1 or not 0 < len(values) <= _MOST_DAYS:
            raise DataError(
                f"daily profits of shape {values.shape} from {self.start}",
                allowed=f"one a day, 1 to {_MOST_DAYS:,}, from a multiple of {DAY} microseconds",
            )
        if not np.isfinite(values).all():
            day = int(np.flatnonzero(~np.isfinite(values))[0])
            raise DataError(
                f"the profit of {format_time(self.start + day * DAY)[:10]} is {values[day]}",
                allowed="finite numbers",
            )
        values.setflags(write=False)
        object.__setattr__(self, "start", int(self.start))
        object.__setattr__(self, "values", values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DailyProfits):
            return NotImplemented
        return self.start == other.start and np.array_equal(self.values, other.values)

    def __hash__(self) -> int:
        return hash((self.start, self.values.tobytes()))

    @property
    def days(self) -> Ints:
        """The start of each day, microseconds UTC."""
        return self.start + DAY * np.arange(len(self.values), dtype=np.int64)

    @classmethod
    def of(cls, time: npt.ArrayLike, net: npt.ArrayLike) -> Self:
        """From an account: `net` profit so far (from 0) at each `time`, as in an equity table.

        What a bar earned belongs to the day that its close ends or lies in: midnight closes the day before.

        >>> DailyProfits.of([DAY, DAY + 1, 3 * DAY], [5.0, 4.0, 6.0]).values.tolist()
        [5.0, -1.0, 2.0]
        """
        clock, account = np.asarray(time, np.int64), np.asarray(net, np.float64)
        if clock.shape != account.shape or clock.ndim != 1 or not len(clock) or (np.diff(clock) < 0).any():
            raise DataError(
                f"times of shape {clock.shape}, profits of shape {account.shape}",
                allowed="one profit a time, at least one, oldest first",
            )
        day = (clock - 1) // DAY
        if day[-1] - day[0] >= _MOST_DAYS:
            raise DataError(f"an account over {day[-1] - day[0] + 1:,} days", allowed=f"{_MOST_DAYS:,}")
        values = np.bincount(day - day[0], np.diff(account, prepend=0.0)).astype(np.float64)
        return cls(int(day[0]) * DAY, values)

    def pack(self) -> bytes:
        """Compressed little-endian float64, exact."""
        return zlib.compress(self.values.astype("<f8").tobytes())

    @classmethod
    def unpack(cls, start: int, packed: bytes) -> Self:
        """What `pack` wrote; DataError for anything else."""
        try:
            raw = zlib.decompress(packed)
            return cls(start, np.frombuffer(raw, "<f8").astype(np.float64))
        except (zlib.error, ValueError) as error:
            raise DataError(f"packed daily profits that cannot be read: {error}") from None


@dataclass(frozen=True, eq=False)
class TrialMatrix:
    """Daily profits of different recipes on one dataset, side by side."""

    days: Ints
    """The start of each day, microseconds UTC, without gaps."""
    recipes: tuple[str, ...]
    """Recipe hash of each column, in the order of their first evaluation."""
    profits: Floats
    """(days, recipes), currency; NaN on days on which a recipe was not tested."""
    count: int
    """Different recipes evaluated, those without recorded profits included."""

    @classmethod
    def of(cls, trials: Sequence[tuple[str, DailyProfits]], count: int) -> Self:
        """Align the series by day.

        >>> two = [("a", DailyProfits(0, np.array([1.0, 2.0]))), ("b", DailyProfits(DAY, np.array([3.0])))]
        >>> TrialMatrix.of(two, count=2).profits.tolist()
        [[1.0, nan], [2.0, 3.0]]
        """
        if not trials:
            return cls(np.empty(0, np.int64), (), np.empty((0, 0)), count)
        first = min(daily.start for _, daily in trials) // DAY
        last = max(daily.start // DAY + len(daily.values) for _, daily in trials)
        profits = np.full((last - first, len(trials)), np.nan)
        for column, (_, daily) in enumerate(trials):
            low = daily.start // DAY - first
            profits[low : low + len(daily.values), column] = daily.values
        days = DAY * np.arange(first, last, dtype=np.int64)
        return cls(days, tuple(recipe for recipe, _ in trials), profits, count)
