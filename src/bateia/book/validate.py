"""Whether a written day of book bars is what it should be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bateia.book.bars import AFTER_ANOTHER, FEATURES, BookBars, level_names
from bateia.core import DataError, format_time
from bateia.core.events import Bools, Floats, Ints

if TYPE_CHECKING:
    import polars as pl


def column_names(kind: BookBars) -> list[str]:
    """The columns of a file of these bars, in order.

    >>> len(column_names(BookBars()))
    811
    """
    return ["time", *level_names(kind.depth), *FEATURES]


def validate_bars(path: str | Path, kind: BookBars) -> int:
    """How many gaps a Parquet file of book bars has; DataError, naming the row, for anything that cannot be.

    Checked: the columns, at least one row, times that rise on the grid of bars, no infinity, NaN only where
    the bar before is missing, sizes above 0, bids that fall, asks that rise, best bid below best ask.
    """
    import polars as pl

    names = column_names(kind)
    try:
        found = list(pl.read_parquet_schema(path))
        if found != names:
            odd = ", ".join(sorted(set(found) ^ set(names))[:3]) or "in another order"
            raise _wrong(path, f"{len(found) - 1} columns beside time, {odd}", f"{len(names) - 1}")
        frame = pl.read_parquet(path, columns=["time", *FEATURES])
        if not len(frame):
            raise _wrong(path, "no rows", "at least one")
        time = frame["time"].dt.epoch("us").to_numpy()
        after = _times(path, time, kind.bar)
        bids, asks = (_levels(path, time, side, kind.depth) for side in ("bid", "ask"))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _wrong(path, f"it cannot be read ({error})") from None
    _all(path, time, bids < asks, "a best bid that is not below the best ask")
    _features(path, time, frame, after)
    return int((np.diff(time) > kind.bar).sum())


def _times(path: str | Path, time: Ints, bar: int) -> Bools:
    """Rows whose bar before is there."""
    late = np.flatnonzero(np.diff(time) <= 0)
    if len(late):
        raise _wrong(path, f"row {late[0] + 1}: {format_time(int(time[late[0] + 1]))} does not come later")
    off = np.flatnonzero(time % bar)
    if len(off):
        raise _wrong(path, f"row {off[0]}: {format_time(int(time[off[0]]))} is no bar's close")
    return np.concatenate([[False], np.diff(time) == bar])


def _levels(path: str | Path, time: Ints, side: str, depth: int) -> Floats:
    """The best prices of a side, whose levels are checked; read by itself, as a day has much of it."""
    import polars as pl

    names = [name for name in level_names(depth) if name.startswith(side)]
    table = pl.read_parquet(path, columns=names).to_numpy().reshape(len(time), depth, 2)
    price = table[..., 0]
    _all(path, time, np.isfinite(table).all(axis=(1, 2)), f"a level of the {side}s that is NaN or infinite")
    _all(path, time, (table > 0).all(axis=(1, 2)), f"a price or size of 0 or less among the {side}s")
    worse = np.diff(price) < 0 if side == "bid" else np.diff(price) > 0
    _all(path, time, worse.all(axis=1), "bids that do not fall" if side == "bid" else "asks that do not rise")
    return price[:, 0].copy()


def _features(path: str | Path, time: Ints, frame: pl.DataFrame, after: Bools) -> None:
    for name in FEATURES:
        values: Floats = frame[name].to_numpy()
        known = after | (name not in AFTER_ANOTHER)
        _all(path, time, np.isfinite(values) | (~known & np.isnan(values)), f"{name}: NaN or infinite")


def _all(path: str | Path, time: Ints, good: Any, what: str) -> None:
    bad = np.flatnonzero(~good)
    if len(bad):
        raise _wrong(path, f"row {bad[0]}, {format_time(int(time[bad[0]]))}: {what}")


def _wrong(path: str | Path, what: str, allowed: str | None = None) -> DataError:
    return DataError(f"{path}: {what}", allowed=allowed, hint="building it again")
