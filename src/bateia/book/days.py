"""A day of book bars as a Parquet file: written whole, checked, and joined to the day before."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bateia.book.bars import AFTER_ANOTHER, BookBars, BookRows
from bateia.book.validate import validate_bars
from bateia.core.clock import DAY, SECOND

if TYPE_CHECKING:
    import polars as pl


def date_of(time: int) -> str:
    """The UTC date of a moment in microseconds.

    >>> date_of(0)
    '1970-01-01'
    """
    return datetime.fromtimestamp(time // SECOND, UTC).date().isoformat()


def split_days(rows: BookRows, bar: int) -> Iterator[BookRows]:
    """The rows of each day: a bar is of the day that it opens in."""
    day = (rows.time - bar) // DAY
    edges = [0, *(np.flatnonzero(np.diff(day)) + 1).tolist(), len(rows)]
    for first, last in pairwise(edges):
        yield rows[first:last]


def write_day(rows: BookRows, out: Path, symbol: str, kind: BookBars) -> tuple[str, int]:
    """The file's path below `out`, and its gaps."""
    opened = int(rows.time[0]) - kind.bar
    path = out / symbol / f"{date_of(opened)}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    wicks = {"upper": rows.wicks[0, 0], "lower": rows.wicks[0, 1]}
    gaps = write_checked(rows.to_frame(), path, kind, {key: repr(float(v)) for key, v in wicks.items()})
    return str(path.relative_to(out)), gaps


def write_checked(frame: pl.DataFrame, path: Path, kind: BookBars, notes: dict[str, str]) -> int:
    """Write, check what was written, then put it in place; how many gaps it has."""
    part = path.with_name(f".{path.stem}.part.parquet")
    try:
        frame.write_parquet(part, compression="snappy", metadata=notes)
        # Read again, it would lie in memory twice.
        del frame
        gaps = validate_bars(part, kind)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return gaps


def join_day(path: Path, kind: BookBars) -> bool:
    """Give a day's first bar the close of the day before, if that lies beside it; whether it did."""
    import polars as pl

    notes = pl.read_parquet_metadata(path)
    first = pl.read_parquet(path, columns=["time", AFTER_ANOTHER[0], "close"], n_rows=1)
    opened = int(first["time"].dt.epoch("us")[0]) - kind.bar
    before = path.with_name(f"{date_of(opened - kind.bar)}.parquet")
    if before == path or not math.isnan(first[AFTER_ANOTHER[0]][0]) or not before.is_file():
        return False
    last = pl.read_parquet(before, columns=["time", "close"])[-1]
    if int(last["time"].dt.epoch("us")[0]) != opened:
        return False
    frame, previous = pl.read_parquet(path), float(last["close"][0])
    known = float(notes["upper"]) / previous, float(notes["lower"]) / previous
    values = (*known, math.log(float(first["close"][0]) / previous))
    for name, value in zip(AFTER_ANOTHER, values, strict=True):
        frame[0, name] = value
    write_checked(frame, path, kind, {key: notes[key] for key in ("upper", "lower")})
    return True
