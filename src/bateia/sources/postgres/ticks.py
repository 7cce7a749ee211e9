"""Ticks of a table such as `ticks_raw`, oldest first, in memory that a window bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bateia.core import DataError, format_time, nearest
from bateia.sources.postgres.connection import bulk, connect, rows_of

if TYPE_CHECKING:
    import polars as pl

WINDOW = 150_000
"""Rows that are read at a time."""
NEEDED = {"symbol": "symbol", "time": "timestamp", "price": "price", "size": "volume"}
OPTIONAL = {
    "side": "trade_type",
    "buy_agent": "buy_agent",
    "sell_agent": "sell_agent",
    "exchange": "exchange",
}
"""Ours -> the table's own, unless said otherwise."""
_TEXT = ("buy_agent", "sell_agent", "exchange")


@dataclass(frozen=True)
class TickTable:
    """A table with a row a trade. `columns` maps our names to its own, where they are others."""

    url: str
    table: str = "ticks_raw"
    columns: Mapping[str, str] = field(default_factory=dict)

    def span(self, symbol: str) -> tuple[int, int]:
        """From the first trade to after the last, microseconds; DataError for a symbol that is not there."""
        names, types = self._layout()
        clock = _moment(names["time"], types)
        with connect(self.url) as db:
            ends = f"extract(epoch FROM min({clock})) * 1000000, extract(epoch FROM max({clock})) * 1000000"
            sql = f"SELECT {ends} FROM {self._name} WHERE {_quoted(names['symbol'])} = %s"
            first, last = db.execute(sql, (symbol,)).fetchone()
            if first is None:
                query = f"SELECT DISTINCT {_quoted(names['symbol'])} FROM {self._name} LIMIT 1000"
                known = sorted(str(row[0]) for row in db.execute(query))
                raise DataError(
                    f"the table {self.table!r} has no {symbol!r}",
                    allowed=", ".join(known[:8]) + (", …" if len(known) > 8 else "") or "it is empty",
                    hint=nearest(symbol, known),
                )
        return int(first), int(last) + 1

    def windows(self, symbol: str, start: int, end: int, rows: int = WINDOW) -> Iterator[pl.DataFrame]:
        """Trades from `start` to before `end` (microseconds): time, price, size, side and what else there is.

        All windows see the table as it was when the first was read. DataError for rows without a time, a
        price or a size.
        """
        names, types = self._layout()
        head = ", ".join(f"{_expression(ours, theirs, types)} AS {ours}" for ours, theirs in names.items())
        clock = _moment(names["time"], types)
        same = f"{_quoted(names['symbol'])} = {_literal(symbol)}"
        order = self._order(clock, types)
        with bulk(self.url) as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            while start < end:
                inside = f"{clock} >= {_timestamp(start)} AND {clock} < {_timestamp(end)}"
                where = f"FROM {self._name} WHERE {same} AND {inside} ORDER BY {order} LIMIT {rows}"
                found = rows_of(cursor, f"SELECT {head} {where}")
                if not len(found):
                    return
                whole, rows = _complete(found, rows)
                if whole is not None:
                    start = _next(whole)
                    yield _table(whole, self.table)
                if len(found) < rows and whole is not None and len(whole) == len(found):
                    return

    @property
    def _name(self) -> str:
        return ".".join(_quoted(part) for part in self.table.split("."))

    def _order(self, clock: str, types: Mapping[str, str]) -> str:
        """By time, and among equal times as they were written: by `id`, else by their place, which changes
        where rows were deleted or changed since."""
        if "id" in types:
            return f"{clock}, id"
        with connect(self.url) as db:
            plain = db.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone() is None
        return f"{clock}, ctid" if plain else clock

    def _layout(self) -> tuple[dict[str, str], dict[str, str]]:
        """Ours -> the table's own column, and the types of all of them; DataError where one is missing."""
        with connect(self.url) as db:
            sql = (
                "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute "
                "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped"
            )
            types = dict(db.execute(sql, (self._name,)).fetchall())
            if not types:
                found = db.execute("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm')")
                close = nearest(self.table, [row[0] for row in found])
                raise DataError(f"the database has no table {self.table!r}", hint=close)
        names = NEEDED | {ours: theirs for ours, theirs in OPTIONAL.items() if theirs in types}
        unknown = [ours for ours in self.columns if ours not in NEEDED | OPTIONAL]
        if unknown:
            known = (*NEEDED, *OPTIONAL)
            hint = nearest(unknown[0], known)
            raise DataError(f"ticks have no column {unknown[0]!r}", allowed=", ".join(known), hint=hint)
        names |= self.columns
        for ours, theirs in names.items():
            if theirs not in types:
                raise DataError(
                    f"the table {self.table!r} has no column {theirs!r} (for {ours})",
                    allowed=", ".join(types),
                    hint=f"columns: {{{ours}: {nearest(theirs, types) or '…'}}}",
                )
        return names, types


def _complete(found: pl.DataFrame, rows: int) -> tuple[pl.DataFrame | None, int]:
    """A window without its last moment, of which more rows may follow; None where it holds no other."""
    if len(found) < rows:
        return found, rows
    whole = found.filter(found["time"] < found["time"][-1])
    return (whole, rows) if len(whole) else (None, 2 * rows)


def _next(whole: pl.DataFrame) -> int:
    return int(whole["time"].dt.epoch("us")[-1]) + 1


def _table(found: pl.DataFrame, name: str) -> pl.DataFrame:
    import polars as pl

    for column in ("price", "size"):
        if found[column].null_count():
            row = int(found[column].is_null().arg_max() or 0)
            moment = format_time(int(found["time"].dt.epoch("us")[row]))
            raise DataError(f"a row of {name!r} at {moment} has no {column}", allowed="a number in every row")
    casts = [pl.col(column).cast(pl.Categorical) for column in _TEXT if column in found.columns]
    side = pl.lit(0, pl.Int8)
    if "side" in found.columns:
        side = pl.col("side").replace_strict([2, 3], [1, -1], default=0, return_dtype=pl.Int8)
    table = found.drop("symbol").with_columns(side.alias("side"), *casts)
    # Copied: what ADBC gives keeps its buffers, which are twice as long as the rows.
    return table.select(pl.all().gather(pl.int_range(pl.len())))


def _expression(ours: str, theirs: str, types: Mapping[str, str]) -> str:
    if ours == "time":
        return _moment(theirs, types)
    kind = {"price": "float8", "size": "float8", "side": "int4"}.get(ours, "text")
    # The symbol is known, and would be the dearest column of all.
    return "1" if ours == "symbol" else f"{_quoted(theirs)}::{kind}"


def _moment(column: str, types: Mapping[str, str]) -> str:
    """The clock with its zone; a clock without one is of UTC."""
    kind = types[column]
    if kind == "timestamp with time zone":
        return _quoted(column)
    if kind == "timestamp without time zone":
        return f"({_quoted(column)} AT TIME ZONE 'UTC')"
    raise DataError(f"{column!r} is {kind}", allowed="timestamp, with or without time zone")


def _timestamp(moment: int) -> str:
    return f"'{format_time(moment)}'::timestamptz"


def _literal(text: str) -> str:
    from psycopg.sql import Literal

    return str(Literal(text).as_string(None))


def _quoted(name: Any) -> str:
    from psycopg.sql import Identifier

    return str(Identifier(name).as_string(None))
