"""`bateia fetch postgres`: ticks of a table into the store, a day at a time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bateia.core import ConfigError
from bateia.core.coverage import Coverage
from bateia.core.period import Period, parse_edge
from bateia.runs.store import without_password
from bateia.sources.fetching import Report, Stage, silent
from bateia.sources.postgres.ticks import TickTable
from bateia.store import Origin, Series, Store, Writer

if TYPE_CHECKING:
    import polars as pl


def fetch_postgres(
    store: str | Path,
    url: str,
    symbol: str,
    since: str = "",
    until: str = "",
    *,
    table: str = "ticks_raw",
    columns: Mapping[str, str] | None = None,
    replace: bool = False,
    stage: Stage = silent,
) -> Report:
    """Bring a symbol's ticks from `since` to `until` (both included; "" is all there is) into a store.

    Days that the store has are left as they are, unless `replace`. Memory holds one day. ConfigError and
    DataError as `TickTable`, `Store` and dates give them; a rerun carries on.
    """
    ticks = TickTable(url, table, columns or {})
    first, last = ticks.span(symbol)
    start = parse_edge(since) if since else first
    end = min(parse_edge(until, last=True) if until else last, int(time.time() * 1e6))
    if start >= end:
        raise ConfigError(
            f"{since or 'the first row'} to {until or 'the last row'} is no stretch of the past"
        )
    kept = Store.create(store)
    series = Series("postgres", table.rpartition(".")[2], symbol, "trades")
    report = Report(series, Coverage.of([(start, end)]))
    origin = Origin(name=f"{without_password(url)} {table}")
    days = Period.covering(start, end, "day")
    with kept.writer(series) as writer, stage(f"{symbol} {table}", len(days)) as advance:
        for day in days:
            _day(writer, ticks, day, report, origin, replace)
            advance(1)
    return report


def _day(
    writer: Writer, ticks: TickTable, day: Period, report: Report, origin: Origin, replace: bool
) -> None:
    wanted = report.asked & Coverage.of([(day.start, day.end)])
    part = writer.store.part(writer.series, day)
    if part is not None and not writer.store.intact(part):
        report.notes.append(f"{part.file} was corrupt and is fetched again")
        part = None
    held = Coverage() if part is None or replace else part.coverage
    if not wanted - held:
        return
    tables = [writer.store.table(writer.series, part)] if part is not None and part.rows else []
    if replace:
        tables = []
    for start, end in (wanted - held).stretches:
        tables += ticks.windows(writer.series.symbol, start, end)
    table = _joined(tables)
    written = writer.write(day, table, held | wanted, origin=[origin, *(part.origin if part else ())])
    report.rows += written.rows - (part.rows if part else 0)


def _joined(tables: list[pl.DataFrame]) -> pl.DataFrame:
    """One table in order of time; agents by number, the numbers by alphabet: the same bytes again.

    A column at a time, each taken out of `tables` as it is joined: a busy day is there once, never twice.
    """
    import polars as pl

    joined = [_taken(tables, name) for name in dict.fromkeys(n for table in tables for n in table.columns)]
    if not joined:
        clock = pl.Datetime("us", "UTC")
        return pl.DataFrame(schema={"time": clock, "price": pl.Float64, "size": pl.Float64, "side": pl.Int8})
    table = pl.DataFrame(joined)
    return table if table["time"].is_sorted() else table.sort("time", maintain_order=True)


def _taken(tables: list[pl.DataFrame], name: str) -> pl.Series:
    """A column of all tables, null where one has none, and gone from them."""
    import polars as pl

    kind = next(table.schema[name] for table in tables if name in table.columns)
    pieces = [
        table[name] if name in table.columns else pl.Series(name, [None] * len(table), kind)
        for table in tables
    ]
    tables[:] = [
        table.drop(name, strict=False).with_columns(pl.lit(0, pl.Int8).alias("")) for table in tables
    ]
    column = pl.concat(pieces, rechunk=True)
    del pieces
    if kind != pl.Categorical:
        return column
    return column.cast(pl.Enum(column.unique().drop_nulls().cast(pl.String).sort()))
