"""Is this data fit to train on? The first row that is not, by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bateia.core import Bars, DataError, Trades, format_time
from bateia.core.events import Bools, Floats, Ints

HEAD, FEWEST = 20_000, 8
"""Rows that are searched for doubled data, and how many it takes to tell."""
MOST = 1e15
"""No price or size is larger, or smaller than one part of it."""


def validate_trades(trades: Trades) -> None:
    """DataError naming the first bad row (from 0), unless every trade could have happened.

    Refused: no rows, prices or sizes that are not numbers above 0 (1e-15 to 1e15), times running backwards
    or seen before they happened, sides other than -1, 0, 1, and data in which every trade comes twice.
    Trades of the same time, price and size are real (clocks are coarse) and pass.
    """
    if not len(trades):
        raise DataError("no trades", allowed="at least one")
    _positive("price", trades.price)
    _positive("size", trades.size)
    _refuse(np.abs(trades.side.astype(np.int64)) > 1, "side", trades.side, "-1, 0 or 1")
    _ordered("trade", trades.time, strictly=False)
    early = trades.known_at < trades.time
    _refuse(early, "known_at", trades.known_at, "no earlier than time", "swap the two clocks")
    _not_repeated(trades)


def validate_bars(bars: Bars) -> None:
    """DataError naming the first bad bar (from 0), unless bars are in order and whole.

    Refused: no rows, equal or falling times, prices that are not finite and above 0, high below or low above
    the other prices, negative or unknown volume.
    """
    if not len(bars):
        raise DataError("no bars", allowed="at least one")
    for name in ("open", "high", "low", "close"):
        _positive(name, getattr(bars, name))
    _ordered("bar", bars.time, strictly=True)
    low = np.minimum(np.minimum(bars.open, bars.close), bars.high)
    high = np.maximum(np.maximum(bars.open, bars.close), bars.low)
    _refuse(bars.low > low, "low", bars.low, "the lowest of open, high, low, close")
    _refuse(bars.high < high, "high", bars.high, "the highest of open, high, low, close")
    _refuse(~(bars.volume >= 0), "volume", bars.volume, "0 or more")


def _refuse(bad: Bools, name: str, column: npt.NDArray[Any], allowed: str, hint: str | None = None) -> None:
    rows = np.flatnonzero(bad)
    if len(rows):
        more = f" ({len(rows):,} such rows)" if len(rows) > 1 else ""
        raise DataError(f"{name} of row {rows[0]} is {column[rows[0]]}{more}", allowed=allowed, hint=hint)


def _positive(name: str, column: Floats) -> None:
    # Squares of profits must stay finite and above 0; NaN lies in no range.
    good = (column >= 1 / MOST) & (column <= MOST)
    _refuse(~good, name, column, f"a number above 0, {1 / MOST:g} to {MOST:g}", "drop those rows")


def _ordered(what: str, time: Ints, *, strictly: bool) -> None:
    step = np.diff(time)
    rows = np.flatnonzero(step <= 0 if strictly else step < 0) + 1
    if not len(rows):
        return
    row = int(rows[0])
    now, before = format_time(int(time[row])), format_time(int(time[row - 1]))
    if now == before:
        raise DataError(
            f"{what}s {row - 1} and {row} have the same time {now} ({len(rows):,} such rows)",
            allowed="each time once",
            hint="drop the duplicates",
        )
    raise DataError(
        f"{what} {row} of {now} comes after {what} {row - 1} of {before} ({len(rows):,} such rows)",
        allowed="oldest first",
        hint="sort by time; a file appended to itself has its rows twice",
    )


def _not_repeated(trades: Trades) -> None:
    """A file joined to itself and sorted holds every trade an even number of times; real ones do not."""
    head = trades[:HEAD]
    if len(trades) > HEAD:
        head = head[head.time < head.time[-1]]  # whole moments only
    if len(head) < FEWEST:
        return
    rows = np.column_stack([head.time.astype(np.float64), head.price, head.size])
    counts = np.unique(rows, axis=0, return_counts=True)[1]
    if (counts % 2 == 0).all():
        raise DataError(
            f"every one of the first {len(head):,} trades comes twice (same time, price and size)",
            allowed="each trade once",
            hint="drop the duplicates: was the file joined to itself?",
        )
