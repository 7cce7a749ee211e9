"""Binance's rows as the store's tables: two clocks in UTC, numbers as float64, the same whoever sent them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bateia.core import DataError, format_time
from bateia.core.coverage import Coverage
from bateia.core.events import Floats, Ints
from bateia.sources.binance.markets import last_open, phase_of
from bateia.sources.columns import clock

if TYPE_CHECKING:
    import polars as pl

KLINE = (
    *("open_time", "open", "high", "low", "close", "volume", "close_time"),
    *("quote_volume", "trades", "taker_buy_volume", "taker_buy_quote_volume"),
)
"""Columns of a kline, in the archive and from REST."""
_NUMBERS = tuple(name for name in KLINE if not name.endswith("_time"))
_BY_CONTRACT = {"quote_volume": "base_volume", "taker_buy_quote_volume": "taker_buy_base_volume"}


def text_rows(rows: Sequence[Sequence[Any]], columns: tuple[str, ...], where: str) -> pl.DataFrame:
    """Rows of JSON as text under `columns`; DataError where one is too short."""
    import polars as pl

    if any(not isinstance(row, list) or len(row) < len(columns) for row in rows):
        raise DataError(f"{where} has a row of another form", allowed=", ".join(columns))
    cells = [[str(row[k]) for row in rows] for k in range(len(columns))]
    return pl.DataFrame(dict(zip(columns, cells, strict=True)), schema=dict.fromkeys(columns, pl.String))


def candle_table(rows: pl.DataFrame, step: int, where: str, *, by_contract: bool = False) -> pl.DataFrame:
    """Candles from text rows, by open_time, each once; DataError for times off the grid of `step`.

    `time`, when a candle is whole, and `known_at`, when it could be known, are its end: the archive does not
    tell more. COIN-M futures (`by_contract`) count contracts; their other volumes are in the base asset.
    """
    import polars as pl

    opened = clock(_integers(rows["open_time"], where), where) if len(rows) else np.empty(0, np.int64)
    off = np.flatnonzero((opened - phase_of(step)) % step)
    if len(off):
        moment = format_time(int(opened[off[0]]))
        raise DataError(f"{where} has a candle that opens at {moment}", allowed="times on the candles' grid")
    names = _BY_CONTRACT if by_contract else {}
    table = pl.DataFrame(
        {"open_time": opened, "time": opened + step, "known_at": opened + step}
        | {names.get(name, name): _floats(rows[name], where) for name in _NUMBERS}
    )
    clocks = [pl.from_epoch(name, "us").dt.replace_time_zone("UTC") for name in table.columns[:3]]
    return once(table.with_columns(clocks), "open_time")


def once(table: pl.DataFrame, key: str) -> pl.DataFrame:
    """Sorted by `key`, which comes once: the first row stays."""
    if table[key].is_sorted() and table[key].is_unique().all():
        return table
    return table.unique(key, keep="first", maintain_order=True).sort(key)


def opens(table: pl.DataFrame) -> Ints:
    """The open times of candles, microseconds."""
    return np.asarray(table["open_time"].dt.epoch("us").to_numpy(), np.int64)


def lacking(table: pl.DataFrame | None, due: Coverage, step: int) -> Coverage:
    """The time of candles that are due, since they open in there, and are not there."""
    there = np.empty(0, np.int64) if table is None else opens(table)
    found: list[tuple[int, int]] = []
    for start, end in due.stretches:
        first = last_open(start + step - 1, step)
        grid = np.setdiff1d(np.arange(first, end, step, dtype=np.int64), there, assume_unique=True)
        if len(grid):
            breaks = np.flatnonzero(np.diff(grid) > step) + 1
            found += [(int(run[0]), int(run[-1]) + step) for run in np.split(grid, breaks)]
    return Coverage.of(found)


def _integers(column: pl.Series, where: str) -> pl.Series:
    import polars as pl

    return _cast(column, pl.Int64(), where, "ms or us since 1970")


def _floats(column: pl.Series, where: str) -> Floats:
    import polars as pl

    return np.asarray(_cast(column, pl.Float64(), where, "numbers").to_numpy(), np.float64)


def _cast(column: pl.Series, kind: pl.DataType, where: str, allowed: str) -> pl.Series:
    found = column.cast(kind, strict=False)
    if found.null_count():
        row = int(found.is_null().arg_max() or 0)
        raise DataError(f"row {row} of {where} has {column[row]!r} for {column.name}", allowed=allowed)
    return found
