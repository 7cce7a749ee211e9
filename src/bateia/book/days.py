"""A day of book bars as a Parquet file: written whole, checked, and joined to the day before."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bateia.book.bars import AFTER_ANOTHER, BookBars, BookRows
from bateia.book.validate import column_names, validate_bars
from bateia.core import DataError
from bateia.core.clock import DAY, SECOND

if TYPE_CHECKING:
    import polars as pl


_SYMBOL = re.compile(r"\w[\w.-]*")


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


def day_after(path: Path) -> Path:
    """The file of the next day.

    >>> day_after(Path("books/XRPUSDT/2024-02-28.parquet")).name
    '2024-02-29.parquet'
    """
    return path.with_name(f"{date.fromisoformat(path.stem) + timedelta(days=1)}.parquet")


def check_free(rows: BookRows, out: Path, symbol: str, kind: BookBars, source: str) -> None:
    """DataError where the day's file is there and was made from another source: nothing is written over."""
    path = _path(rows, out, symbol, kind)
    if not path.is_file():
        return
    try:
        other = _notes(path).get("source", source)
    except DataError:
        return
    if other != source:
        raise DataError(
            f"{path} holds the bars of {other}, not of {source}",
            allowed="one file a symbol and day",
            hint="another folder for the output, or removing it",
        )


def write_day(rows: BookRows, out: Path, symbol: str, kind: BookBars, source: str) -> tuple[str, int]:
    """The file's path below `out`, and its gaps."""
    path = _path(rows, out, symbol, kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    upper, lower = (repr(float(wick)) for wick in rows.wicks[0])
    gaps = write_checked(rows.to_frame(), path, kind, {"upper": upper, "lower": lower, "source": source})
    return str(path.relative_to(out)), gaps


def _path(rows: BookRows, out: Path, symbol: str, kind: BookBars) -> Path:
    if not _SYMBOL.fullmatch(symbol):
        raise DataError(f"a book of {symbol!r}", allowed="a symbol that can name a folder")
    return out / symbol / f"{date_of(int(rows.time[0]) - kind.bar)}.parquet"


def _notes(path: Path) -> dict[str, str]:
    """What `write_day` noted; DataError for a file that cannot be read."""
    import polars as pl

    try:
        return {**pl.read_parquet_metadata(path)}
    except (OSError, pl.exceptions.PolarsError) as error:
        why = str(error).split("\n", maxsplit=1)[0]
        raise DataError(f"{path} cannot be read: {why}", hint="building it again") from None


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
    """Give a day's first bar the close of the day before, if that lies beside it; whether that changed it.

    DataError for files that cannot be read; one that is not of these bars is left as it is.
    """
    import polars as pl

    notes = _notes(path)
    if not notes.keys() >= {"upper", "lower"} or list(pl.read_parquet_schema(path)) != column_names(kind):
        return False
    try:
        return _join(path, kind, notes)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path} cannot be joined to the day before: {error}") from None


def _join(path: Path, kind: BookBars, notes: dict[str, str]) -> bool:
    import polars as pl

    first = pl.read_parquet(path, columns=["time", *AFTER_ANOTHER, "close"], n_rows=1)
    opened = int(first["time"].dt.epoch("us")[0]) - kind.bar
    before = path.with_name(f"{date_of(opened - kind.bar)}.parquet")
    if before == path or not before.is_file():
        return False
    last = pl.read_parquet(before, columns=["time", "close"])[-1]
    if int(last["time"].dt.epoch("us")[0]) != opened:
        return False
    previous = float(last["close"][0])
    known = float(notes["upper"]) / previous, float(notes["lower"]) / previous
    values = (*known, math.log(float(first["close"][0]) / previous))
    if values == first.select(AFTER_ANOTHER).row(0):
        return False
    frame = pl.read_parquet(path)
    for name, value in zip(AFTER_ANOTHER, values, strict=True):
        frame[0, name] = value
    names: tuple[str, ...] = ("upper", "lower", "source")
    kept = {key: notes[key] for key in names if key in notes}
    write_checked(frame, path, kind, kept)
    return True
