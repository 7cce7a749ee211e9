"""`bateia fetch postgres`: ticks of a table into the store a day at a time, candles a month."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bateia.core import Bars, ConfigError
from bateia.core.coverage import Coverage
from bateia.core.database_url import without_password
from bateia.core.period import Period, parse_edge
from bateia.sources.fetching import Report, Stage, silent
from bateia.sources.importing import table_of
from bateia.sources.postgres.candles import CandleTable
from bateia.sources.postgres.source import TABLES
from bateia.sources.postgres.ticks import TickTable
from bateia.store import Origin, Series, Store, Writer
from bateia.store.catalogue import clock_of

if TYPE_CHECKING:
    import polars as pl


def fetch_postgres(
    store: str | Path,
    url: str,
    symbol: str,
    what: str = "trades",
    since: str = "",
    until: str = "",
    *,
    table: str = "",
    columns: Mapping[str, str] | None = None,
    only: Mapping[str, str] | None = None,
    market: str = "",
    replace: bool = False,
    stage: Stage = silent,
) -> Report:
    """Bring a symbol's `trades`, or candles of length `what`, from `since` to `until` (both included; "" is
    all there is) into the series postgres/`market`/`symbol`; the market is the table's name unless said.

    `table` is `ticks_raw` or `candles` unless said; `columns` and `only` as in `PostgresSource`. Days or
    months that the store has are left as they are, unless `replace`. Memory holds one of them. ConfigError
    and DataError as the table, `Store` and dates give them; a rerun carries on.
    """
    name = table or TABLES["trades" if what == "trades" else "candles"]
    rows = _rows(url, what, name, columns or {}, only or {})
    start, end = _edges(rows, symbol, since, until)
    kind = "trades" if what == "trades" else f"candles-{what}"
    series = Series("postgres", market or name.rpartition(".")[2], symbol, kind)
    report = Report(series, Coverage.of([(start, end)]))
    words = [without_password(url), name, *(f"{column}={value}" for column, value in (only or {}).items())]
    origin = Origin(name=" ".join(words))
    kept, parts = Store.create(store), Period.covering(start, end, series.unit)
    with kept.writer(series) as writer, stage(f"{symbol} {name}", len(parts)) as advance:
        for part in parts:
            _bring(writer, rows, part, report, origin, replace)
            advance(1)
    return report


def _rows(
    url: str, what: str, table: str, columns: Mapping[str, str], only: Mapping[str, str]
) -> TickTable | CandleTable:
    if what == "trades":
        return TickTable(url, table, columns, only)
    return CandleTable(url, what, table, columns, only)


def _edges(rows: TickTable | CandleTable, symbol: str, since: str, until: str) -> tuple[int, int]:
    """What is asked for: of the past, and of candles whole ones only."""
    first, last = rows.span(symbol)
    start = parse_edge(since) if since else first
    end = min(parse_edge(until, last=True) if until else last, int(time.time() * 1e6))
    if isinstance(rows, CandleTable):
        start, end = (edge + (first - edge) % rows.step for edge in (start, end - rows.step + 1))
    if start >= end:
        given = f"{since or 'the first row'} to {until or 'the last row'}"
        raise ConfigError(f"{given} is no stretch of the past", hint="an earlier --from")
    return start, end


def _bring(
    writer: Writer,
    rows: TickTable | CandleTable,
    period: Period,
    report: Report,
    origin: Origin,
    replace: bool,
) -> None:
    """A day or month, as far as it is asked for and, unless `replace`, not there."""
    wanted = report.asked & period.coverage
    part = writer.store.part(writer.series, period)
    if part is not None and not writer.store.intact(part):
        report.notes.append(f"{part.file} was corrupt and is fetched again")
        part = None
    held = part.coverage if part else Coverage()
    missing = wanted if replace else wanted - held
    if not missing:
        return
    tables = [writer.store.table(writer.series, part)] if part and part.rows else []
    if replace:
        tables = [_outside(table, *wanted.stretches[0]) for table in tables]
    for start, end in missing.stretches:
        tables += rows.windows(writer.series.symbol, start, end)
    table = _joined(tables) if tables else _nothing(rows)
    written = writer.write(period, table, held | wanted, origin=[origin, *(part.origin if part else ())])
    report.rows += written.rows - (part.rows if part else 0)


def _outside(table: pl.DataFrame, start: int, end: int) -> pl.DataFrame:
    """Rows before `start` and from `end` on."""
    moments = table[clock_of(table)].dt.epoch("us")
    return table.filter((moments < start) | (moments >= end))


def _nothing(rows: TickTable | CandleTable) -> pl.DataFrame:
    """The table of a day or month without a row."""
    import polars as pl

    if isinstance(rows, CandleTable):
        return table_of([Bars.empty()])
    clock = pl.Datetime("us", "UTC")
    return pl.DataFrame(schema={"time": clock, "price": pl.Float64, "size": pl.Float64, "side": pl.Int8})


def _joined(tables: list[pl.DataFrame]) -> pl.DataFrame:
    """One table in order of time; agents by number, the numbers by alphabet: the same bytes again.

    A column at a time, each taken out of `tables` as it is joined: a busy day is there once, never twice.
    """
    import polars as pl

    clock = clock_of(tables[0])
    names = dict.fromkeys(name for table in tables for name in table.columns)
    table = pl.DataFrame([_taken(tables, name) for name in names])
    return table if table[clock].is_sorted() else table.sort(clock, maintain_order=True)


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
