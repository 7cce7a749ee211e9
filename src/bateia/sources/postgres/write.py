"""Rows into PostgreSQL by COPY: a stretch of time at once, in place of what was there of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bateia.core import DataError
from bateia.sources.postgres import schema
from bateia.sources.postgres.candles import CANDLES
from bateia.sources.postgres.connection import bulk, connect
from bateia.sources.postgres.layout import (
    PLAIN,
    ZONED,
    Layout,
    Rows,
    layout_of,
    literal,
    named,
    quoted,
)
from bateia.sources.postgres.table import WINDOW
from bateia.sources.postgres.ticks import TICKS
from bateia.store import Series

if TYPE_CHECKING:
    import polars as pl

_WHOLE = ("smallint", "integer", "bigint")
_INCOMING = "bateia_incoming"


@dataclass(frozen=True)
class Written:
    """What became of rows that were to be written."""

    rows: int
    notes: tuple[str, ...] = ()
    """What the server could not do."""


def write_series(
    url: str,
    series: Series,
    blocks: Iterable[pl.DataFrame],
    *,
    table: str = "",
    columns: Mapping[str, str] | None = None,
) -> Written:
    """Put rows of a series, as the store has them, into `candles` or `ticks_raw`, which are made where they
    are not there, or into a table of one's own; `columns` maps our names to its own, where they are others.

    What is there of the series from the first to the last row of a block is replaced by it, in one
    transaction, so a rerun leaves nothing twice. Memory holds a block. DataError where PostgreSQL refuses.
    """
    made = schema.Schema(schema.VERSION) if table else schema.migrate(url)
    place = _Place(url, series, table, columns or {})
    return Written(sum(place.put(block) for block in blocks), made.notes)


def write_ticks(url: str, symbol: str, table: pl.DataFrame) -> int:
    """Put trades of one symbol (time, price, size, side and, where there are any, agents) into `ticks_raw`;
    returns the rows written. Otherwise like `write_series`."""
    return write_series(url, Series("any", "any", symbol, "trades"), [table]).rows


def write_candles(url: str, series: Series, table: pl.DataFrame) -> int:
    """Put candles into `candles`; returns the rows written. Otherwise like `write_series`."""
    return write_series(url, series, [table]).rows


@dataclass(frozen=True)
class _Place:
    """Where the rows of a series go."""

    url: str
    series: Series
    table: str
    columns: Mapping[str, str]

    @property
    def own(self) -> schema.Kept | None:
        """The table of ours; None where it is somebody else's."""
        if self.table:
            return None
        return schema.CANDLES if self.rows is CANDLES else schema.TICKS

    @property
    def name(self) -> str:
        return self.own.name if self.own else self.table

    @property
    def rows(self) -> Rows:
        return CANDLES if self.series.kind.startswith("candles") else TICKS

    @cached_property
    def layout(self) -> Layout:
        return layout_of(self.url, self.name, self.rows, self.columns)

    @cached_property
    def keys(self) -> dict[str, str]:
        """Our name -> what all rows of the series hold, for columns that the table has."""
        known = {"symbol": self.series.symbol}
        if self.rows is CANDLES:
            length = self.series.kind.removeprefix("candles-")
            known |= {"source": self.series.source, "market": self.series.market, "length": length}
        return {ours: word for ours, word in known.items() if ours in self.layout.names}

    def put(self, block: pl.DataFrame) -> int:
        """Replace a stretch of time by these rows."""
        if not len(block):
            return 0
        moments = block[self.rows.clock].dt.epoch("us")
        first, last = int(moments.min()), int(moments.max())  # type: ignore[arg-type]
        with connect(self.url) as db:
            scale = schema.timescale(db)
            if self.own:
                schema.make_partitions(db, self.own, first, last + 1)
        names = self.layout.names
        same = " AND ".join(f"{quoted(names[ours])} = {literal(word)}" for ours, word in self.keys.items())
        with bulk(self.url) as cursor:
            if scale:
                # Rows of compressed chunks are replaced however many they are.
                cursor.execute("SET LOCAL timescaledb.max_tuples_decompressed_per_dml_transaction = 0")
            span = self.layout.within(self.rows.clock, first, last + 1)
            cursor.execute(f"DELETE FROM {named(self.name)} WHERE {same} AND {span}")
            for piece in block.iter_slices(WINDOW):
                self._copy(cursor, self._incoming(piece))
        return len(block)

    def _incoming(self, block: pl.DataFrame) -> pl.DataFrame:
        """The block's columns that the table has, under its names."""
        import polars as pl

        made = _trades(block, self.layout) if self.rows is TICKS else _candles(block)
        made |= {ours: pl.lit(word) for ours, word in self.keys.items()}
        names = self.layout.names
        table = block.select(what.alias(names[ours]) for ours, what in made.items() if ours in names)
        for column in table.columns:
            whole = self.layout.types[column] in _WHOLE
            if whole and table[column].dtype == pl.Float64 and (table[column] % 1 != 0).any():
                raise DataError(
                    f"numbers with a fraction into {column!r} of the table {self.name!r}",
                    allowed=f"whole ones: it is {self.layout.types[column]}",
                    hint=f"ALTER TABLE {self.name} ALTER {column} TYPE double precision",
                )
        return table

    def _copy(self, cursor: Any, table: pl.DataFrame) -> None:
        """COPY into the table itself, if its types are those of the rows; else cast on the way."""
        import polars as pl

        ours = {pl.Float64: "double precision", pl.String: "text", pl.Int16: "smallint"}
        types = self.layout.types
        where, _, name = self.name.rpartition(".")
        if all(types[column] == ours.get(type(kind), ZONED) for column, kind in table.schema.items()):
            cursor.adbc_ingest(name, table, mode="append", db_schema_name=where or None)
            return
        cursor.adbc_ingest(_INCOMING, table, mode="create", temporary=True)
        casts = {column: f"::{types[column]}" for column in table.columns}
        casts |= {column: " AT TIME ZONE 'UTC'" for column in casts if types[column] == PLAIN}
        cast = [quoted(column) + how for column, how in casts.items()]
        into = ", ".join(map(quoted, table.columns))
        cursor.execute(f"INSERT INTO {named(self.name)} ({into}) SELECT {', '.join(cast)} FROM {_INCOMING}")
        cursor.execute(f"DROP TABLE {_INCOMING}")


def _trades(block: pl.DataFrame, layout: Layout) -> dict[str, pl.Expr]:
    """Our name -> what a trade of the store has for it; a side as the table writes it."""
    import polars as pl

    side: dict[Any, Any] = {1: "buy", -1: "sell", 0: None}
    kind: Any = pl.String
    if layout.types.get(layout.names.get("side", "")) in _WHOLE:
        side, kind = {1: 1, -1: -1, 0: 0}, pl.Int16
    agents = ("buy_agent", "sell_agent", "exchange")
    return {
        **{name: pl.col(name) for name in ("time", "price", "size")},
        **{name: pl.col(name).cast(pl.String) for name in agents if name in block.columns},
        "side": pl.col("side").replace_strict(side, return_dtype=kind),
        "trade_type": pl.col("side").replace_strict({1: 2, -1: 3}, default=0, return_dtype=pl.Int16),
    }


def _candles(block: pl.DataFrame) -> dict[str, pl.Expr]:
    """Our name -> what a candle of the store has for it; what is not known is NULL, not NaN."""
    import polars as pl

    value = "quote_volume" if "quote_volume" in block.columns else "value"
    theirs = {"value": value}
    return {
        "open_time": pl.col("open_time"),
        **{
            name: pl.col(theirs.get(name, name)).fill_nan(None)
            for name in CANDLES.numbers
            if theirs.get(name, name) in block.columns
        },
    }
