"""Rows into PostgreSQL by COPY: a stretch of time at once, in place of what was there of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bateia.core import format_time
from bateia.sources.postgres.connection import bulk, connect
from bateia.sources.postgres.schema import CANDLES, TICKS, Kept, make_partitions, migrate
from bateia.store import Series

if TYPE_CHECKING:
    import polars as pl

_TICKS = {"price": "price", "size": "volume", "time": "timestamp"}
_AGENTS = ("buy_agent", "sell_agent", "exchange")
_CANDLES = ("open_time", "open", "high", "low", "close", "volume")
_MORE = ("quote_volume", "trades", "taker_buy_volume")


def write_series(url: str, series: Series, table: pl.DataFrame) -> int:
    """Put rows of the store into `candles` or `ticks_raw`, by what they are."""
    if series.kind.startswith("candles"):
        return write_candles(url, series, table)
    return write_ticks(url, series.symbol, table)


def write_ticks(url: str, symbol: str, table: pl.DataFrame) -> int:
    """Put trades of one symbol (time, price, size, side and, where there are any, agents) into `ticks_raw`.

    What is there of the symbol from the first to the last of them is replaced, all in one transaction, so a
    rerun leaves nothing twice. Returns the rows written. DataError where PostgreSQL refuses.
    """
    import polars as pl

    kinds = {1: 2, -1: 3}
    rows = table.select(
        pl.lit(symbol).alias("symbol"),
        *(pl.col(ours).alias(theirs) for ours, theirs in _TICKS.items()),
        *(pl.col(name).cast(pl.String) for name in _AGENTS if name in table.columns),
        pl.col("side").replace_strict(kinds, default=0, return_dtype=pl.Int16).alias("trade_type"),
    )
    return _replace(url, TICKS, rows, {"symbol": symbol})


def write_candles(url: str, series: Series, table: pl.DataFrame) -> int:
    """Put candles as the store has them into `candles`; otherwise like `write_ticks`."""
    import polars as pl

    length = series.kind.removeprefix("candles-")
    keys = {"source": series.source, "market": series.market, "symbol": series.symbol, "length": length}
    rows = table.select(
        *(pl.lit(value).alias(name) for name, value in keys.items()),
        *_CANDLES,
        *(pl.col(name) if name in table.columns else pl.lit(np.nan).alias(name) for name in _MORE),
    )
    return _replace(url, CANDLES, rows, keys)


def _replace(url: str, kept: Kept, rows: pl.DataFrame, keys: dict[str, str]) -> int:
    if not len(rows):
        return 0
    migrate(url)
    moments = rows[kept.clock].dt.epoch("us")
    first, last = int(moments.min()), int(moments.max())  # type: ignore[arg-type]
    with connect(url) as db:
        make_partitions(db, kept, first, last + 1)
    same = " AND ".join(f"{name} = {_text(value)}" for name, value in keys.items())
    span = f"{kept.clock} BETWEEN '{format_time(first)}' AND '{format_time(last)}'"
    with bulk(url) as cursor:
        cursor.execute(f"DELETE FROM {kept.name} WHERE {same} AND {span}")
        cursor.adbc_ingest(kept.name, rows, mode="append")
    return len(rows)


def _text(value: str) -> str:
    from psycopg.sql import Literal

    return str(Literal(value).as_string(None))
