"""Bars of sampled order books, as `bateia book build` writes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from bateia.core import BookedBars, Component, DataError
from bateia.core.events import BOOK_COLUMNS, LEVEL_COLUMNS, Floats, Ints
from bateia.runs import content_hash, file_hash
from bateia.sources.blocks import BLOCK, recut
from bateia.sources.tables import files_of

if TYPE_CHECKING:
    import polars as pl

OVER_THE_BAR = {"volatility": "micro_volatility", "max_spread": "max_spread", "mean_obi": "mean_obi"} | {
    "mean_deep_obi": "mean_deep_obi"
}
"""The file's own name -> ours, of what the samples of a bar say."""
SHAPE = ("body", "upper_wick", "lower_wick", "log_ret_close", "close", "log_volume")
NEEDED = (*SHAPE, *OVER_THE_BAR, *LEVEL_COLUMNS)


class BookSource(Component):
    """Files of `bateia book build`, for bars of kind `books`; at least ten levels a side."""

    kind: Literal["books"] = "books"
    gives: ClassVar[Literal["books"]] = "books"
    path: str
    """A file, or many by `*`, relative to the working folder: `books/ETHBTC/*.parquet`."""

    def read(self) -> BookedBars:
        """All bars, oldest first."""
        return BookedBars.concat(list(self.blocks()))

    def blocks(self, rows: int = BLOCK) -> Iterator[BookedBars]:
        """The bars in blocks of `rows`; DataError for a file that is none of a book, naming what it lacks."""
        return recut(_days(self.path), rows)

    def hash(self) -> str:
        """Hash of the files' bytes, hex."""
        return content_hash([file_hash(path) for path in files_of(self.path)])


def _days(path: str) -> Iterator[BookedBars]:
    import polars as pl

    files, tables = files_of(path), []
    for file in files:
        try:
            names = pl.read_parquet_schema(file)
            missing = [name for name in ("time", *NEEDED) if name not in names]
            if missing:
                raise DataError(
                    f"{file} has no column {', '.join(missing[:3])}{', …' if len(missing) > 3 else ''}",
                    allowed="what `bateia book build` writes, with ten levels or more",
                )
            tables.append((file, pl.read_parquet(file, columns=["time", *NEEDED])))
        except (pl.exceptions.PolarsError, OSError) as error:
            why = str(error).split("\n", maxsplit=1)[0]
            raise DataError(f"cannot read {file}: {why}", allowed="a Parquet file of a book's bars") from None
    tables = [(file, table) for file, table in tables if len(table)]
    if not tables:
        raise DataError(f"no bars in {path}", allowed="at least two")
    tables.sort(key=lambda found: found[1]["time"][0])
    length = _length([table for _, table in tables], path)
    before, until = None, None
    for file, table in tables:
        if until is not None and table["time"][0] <= until:
            raise DataError(
                f"{file} begins before {before} ends", allowed="files of one book that follow each other"
            )
        before, until = file, table["time"][-1]
        yield _bars(table, length, file)


def _length(tables: list[pl.DataFrame], path: str) -> int:
    """The shortest time between two bars: how long one is."""
    steps = [np.diff(_micros(table)) for table in tables if len(table) > 1]
    positive = np.concatenate([step[step > 0] for step in steps] or [np.empty(0, np.int64)])
    if not len(positive):
        raise DataError(f"one bar in {path} does not tell how long it is", allowed="two or more of a file")
    return int(positive.min())


def _micros(table: pl.DataFrame) -> Ints:
    return np.array(table["time"].dt.epoch("us").to_numpy(), np.int64)


def _bars(table: pl.DataFrame, length: int, file: Path) -> BookedBars:
    columns = {name: np.ascontiguousarray(table[name].to_numpy(), np.float64) for name in NEEDED}
    time = _micros(table)
    if len(time) > 1 and not (np.diff(time) > 0).all():
        raise DataError(f"bars of {file} out of order", allowed="each time once, oldest first")
    return booked_bars(time, length, columns)


def booked_bars(time: Ints, length: int, columns: Mapping[str, Floats]) -> BookedBars:
    """Bars of `length` microseconds from the columns of a built book; live rows go the same way as files.

    Bars whose wicks are not known, since the bar before is missing, are left out: their extremes are lost.
    """
    known = np.isfinite(columns["upper_wick"]) & np.isfinite(columns["lower_wick"])
    time, columns = time[known], {name: column[known] for name, column in columns.items()}
    close = columns["close"]
    open_ = close / np.exp(columns["body"])
    before = close / np.exp(columns["log_ret_close"])
    high = np.maximum(open_, close) + np.maximum(columns["upper_wick"], 0.0) * before
    low = np.minimum(open_, close) - np.maximum(columns["lower_wick"], 0.0) * before
    unknown, none = np.full(len(time), np.nan), np.zeros(len(time))
    best = {"bid": "bid_0_p", "ask": "ask_0_p", "bid_size": "bid_0_s", "ask_size": "ask_0_s"}
    book = {ours: columns[theirs] for ours, theirs in best.items()}
    book |= {ours: columns[theirs] for theirs, ours in OVER_THE_BAR.items()}
    book["messages"] = np.rint(np.expm1(columns["log_volume"]))
    book |= {name: columns[name] for name in LEVEL_COLUMNS}
    assert set(book) == {*BOOK_COLUMNS, *LEVEL_COLUMNS}
    return BookedBars(
        open_time=time - length,
        time=time,
        known_at=time,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=none,
        signed_volume=unknown,
        value=none,
        vwap=close,
        trades=unknown,
        up_ticks=unknown,
        down_ticks=unknown,
        book=book,
    )
