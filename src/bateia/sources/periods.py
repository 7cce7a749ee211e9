"""Events in order, cut into the days or months that a store keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from bateia.core import Bars, DataError, Trades, format_time
from bateia.core.clock import DAY
from bateia.core.coverage import Coverage
from bateia.core.events import Ints
from bateia.core.period import Period, Unit

Events = Trades | Bars
QUIET = 400 * DAY
"""No market rests longer: rows that lie further apart have a clock that is wrong."""


@dataclass(frozen=True, eq=False)
class Piece:
    """A day or month of events: its rows, and the time for which there are no others."""

    period: Period
    blocks: list[Events]
    covered: Coverage


def by_period(
    blocks: Iterable[Events], unit: Unit, start: int | None = None, end: int | None = None
) -> Iterator[Piece]:
    """Events cut at the edges of days or months; those between without a row are there too.

    Events are all that there are from `start` to before `end` (microseconds; by default from the first row to
    the last). DataError for a row out of order, outside `start` and `end`, or years after the one before it.
    """
    order, held = _Order(start, end), list[Events]()
    period: Period | None = None
    begin = 0
    for block in blocks:
        if not len(block):
            continue
        moments, at = order.take(block), 0
        if period is None:
            begin = int(moments[0]) if start is None else start
            period = Period.at(begin, unit)
        while at < len(block):
            while moments[at] >= period.end:
                yield Piece(period, held, Coverage.of([(max(begin, period.start), period.end)]))
                period, held = Period.at(period.end, unit), []
            stop = int(np.searchsorted(moments, period.end))
            held.append(block[at:stop])
            at = stop
    if period is None:
        raise DataError("no rows to import", allowed="at least one")
    until = order.until if end is None else end
    while period.end < until:
        yield Piece(period, held, Coverage.of([(max(begin, period.start), period.end)]))
        period, held = Period.at(period.end, unit), []
    yield Piece(period, held, Coverage.of([(max(begin, period.start), until)]))


class _Order:
    """Every row after the one before it, and none outside what was said."""

    def __init__(self, start: int | None, end: int | None) -> None:
        self._start, self._end = start, end
        self._rows, self._last = 0, np.empty(0, np.int64)
        self.until = 0
        """Where the last row ends."""

    def take(self, block: Events) -> Ints:
        """The moments of the next rows; DataError for the first that is wrong."""
        candles = isinstance(block, Bars)
        moments = block.open_time if isinstance(block, Bars) else block.time
        steps = np.diff(np.concatenate([self._last, moments]))
        row = self._rows + 1 - len(self._last)
        bad = np.flatnonzero(steps < candles)
        if len(bad):
            now = format_time(int(moments[bad[0] + 1 - len(self._last)]))
            raise DataError(
                f"row {row + bad[0]} of {now} is not after the row before it",
                allowed="oldest first" + (", each candle once" if candles else ""),
                hint="sort by time; a file appended to itself has its rows twice",
            )
        far = np.flatnonzero(steps > QUIET)
        if len(far):
            raise DataError(
                f"row {row + far[0]} is {steps[far[0]] / DAY:,.0f} days after the row before it",
                allowed=f"at most {QUIET // DAY} days",
                hint="is its clock right? If so, import what is before it and after it as two files",
            )
        self._within(moments)
        self._rows, self._last = self._rows + len(block), moments[-1:]
        self.until = int(block.time[-1]) if candles else int(moments[-1]) + 1
        return moments

    def _within(self, moments: Ints) -> None:
        first, last = int(moments[0]), int(moments[-1])
        if self._start is not None and first < self._start:
            raise DataError(f"a row of {format_time(first)}", allowed=f"from {format_time(self._start)} on")
        if self._end is not None and last >= self._end:
            raise DataError(f"a row of {format_time(last)}", allowed=f"before {format_time(self._end)}")
