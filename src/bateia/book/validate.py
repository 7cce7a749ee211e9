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


def validate_bars(path: str | Path, kind: BookBars) -> int:
    """How many gaps a Parquet file of book bars has; DataError, naming the row, for anything that cannot be.

    Checked: the columns, at least one row, times that rise on the grid of bars, no infinity, NaN only where
    the bar before is missing, sizes above 0, bids that fall, asks that rise, best bid below best ask.
    """
    import polars as pl

    try:
        frame = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _wrong(path, f"it cannot be read ({error})") from None
    names = ["time", *level_names(kind.depth), *FEATURES]
    if frame.columns != names:
        odd = sorted(set(frame.columns) ^ set(names))
        raise _wrong(
            path, f"{len(frame.columns) - 1} columns beside time, {', '.join(odd[:3])} …", f"{len(names) - 1}"
        )
    if not len(frame):
        raise _wrong(path, "no rows", "at least one")
    time = frame["time"].dt.epoch("us").to_numpy()
    after = _times(path, time, kind.bar)
    _levels(path, time, frame, kind.depth)
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


def _levels(path: str | Path, time: Ints, frame: pl.DataFrame, depth: int) -> None:
    table = frame.select(level_names(depth)).to_numpy().reshape(len(frame), 2, depth, 2)
    price, size = table[..., 0], table[..., 1]
    _all(path, time, np.isfinite(table).all(axis=(1, 2, 3)), "a level that is NaN or infinite")
    _all(
        path, time, (size > 0).all(axis=(1, 2)) & (price > 0).all(axis=(1, 2)), "a price or size of 0 or less"
    )
    _all(path, time, (np.diff(price[:, 0]) < 0).all(axis=1), "bids that do not fall")
    _all(path, time, (np.diff(price[:, 1]) > 0).all(axis=1), "asks that do not rise")
    _all(path, time, price[:, 0, 0] < price[:, 1, 0], "a best bid that is not below the best ask")


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
