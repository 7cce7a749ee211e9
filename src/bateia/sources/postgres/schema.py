"""Tables of market data, by numbered migrations; hypertables where TimescaleDB is, else plain partitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bateia.core import DataError
from bateia.core.period import Period
from bateia.sources.postgres.connection import connect

_LOCK = 0x62617464
"""Key of the advisory lock under which migrations run: any number, but always this one."""
_VERSIONS = "CREATE TABLE IF NOT EXISTS bateia_schema (version INTEGER PRIMARY KEY, about TEXT NOT NULL)"


@dataclass(frozen=True)
class Kept:
    """A table cut by time."""

    name: str
    clock: str
    columns: str
    index: str = ""
    segment: str = ""
    """Columns by which TimescaleDB compresses apart what belongs together."""
    order: str = ""
    """How rows lie within a compressed segment: as they are read."""


@dataclass(frozen=True)
class More:
    """Columns that a table with `marks` lacks; one without is somebody else's, and stays as it is."""

    name: str
    columns: tuple[str, ...]
    marks: frozenset[str]


TICKS = Kept(
    "ticks_raw",
    "timestamp",
    "symbol TEXT NOT NULL, price DOUBLE PRECISION NOT NULL, volume DOUBLE PRECISION NOT NULL, "
    "timestamp TIMESTAMPTZ NOT NULL, buy_agent TEXT, sell_agent TEXT, exchange TEXT, trade_type SMALLINT, "
    "id BIGINT GENERATED ALWAYS AS IDENTITY",
    index="symbol, timestamp",
    segment="symbol",
    order="timestamp, id",
)
CANDLES = Kept(
    "candles",
    "open_time",
    "source TEXT NOT NULL, market TEXT NOT NULL, symbol TEXT NOT NULL, length TEXT NOT NULL, "
    "open_time TIMESTAMPTZ NOT NULL, open DOUBLE PRECISION NOT NULL, high DOUBLE PRECISION NOT NULL, "
    "low DOUBLE PRECISION NOT NULL, close DOUBLE PRECISION NOT NULL, volume DOUBLE PRECISION NOT NULL, "
    "quote_volume DOUBLE PRECISION, trades DOUBLE PRECISION, taker_buy_volume DOUBLE PRECISION, "
    "PRIMARY KEY (source, market, symbol, length, open_time)",
    index="symbol, open_time",
    segment="source, market, symbol, length",
    order="open_time",
)
FIGURES = More("candles", ("vwap", "signed_volume"), frozenset({"source", "market", "length", "open_time"}))
MIGRATIONS: tuple[tuple[int, str, Kept | More], ...] = (
    (1, "ticks_raw", TICKS),
    (2, "candles", CANDLES),
    (3, "candles: vwap and signed volume", FIGURES),
)
"""In order, never changed once released: version, what it brings, how."""
VERSION = MIGRATIONS[-1][0]


@dataclass(frozen=True)
class Schema:
    """The tables as they are after a migration."""

    version: int
    notes: tuple[str, ...] = ()
    """What this server could not do."""


def migrate(url: str, *, compress_after: str = "7 days") -> Schema:
    """Make or complete the tables. A table of that name that is there already stays as it is.

    Where TimescaleDB is, tables become hypertables whose chunks are compressed after `compress_after`; else
    they are partitioned by month, and a writer makes the partitions that it needs. DataError where the
    database is of a newer version.
    """
    notes: list[str] = []
    with connect(url) as db:
        db.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        db.execute(_VERSIONS)
        (done,) = db.execute("SELECT coalesce(max(version), 0) FROM bateia_schema").fetchone()
        if done > VERSION:
            raise DataError(
                f"the tables of this database are of version {done}",
                allowed=f"up to {VERSION}",
                hint="a newer bateia, the one that made them",
            )
        for version, about, step in MIGRATIONS[done:]:
            if isinstance(step, More):
                _add(db, step)
            elif not _columns(db, step.name):
                notes += _make(db, step, compress_after)
            db.execute("INSERT INTO bateia_schema VALUES (%s, %s)", (version, about))
    return Schema(VERSION, tuple(notes))


def _make(db: Any, table: Kept, compress_after: str) -> list[str]:
    """Make a table; returns what could not be done."""
    scale = timescale(db)
    cut = "" if scale else f" PARTITION BY RANGE ({table.clock})"
    db.execute(f"CREATE TABLE {table.name} ({table.columns}){cut}")
    db.execute(f"CREATE INDEX ON {table.name} ({table.index})")
    if not scale:
        return []
    hyper = f"{scale}.create_hypertable(%s, %s, create_default_indexes => false)"
    db.execute(f"SELECT {hyper}", (table.name, table.clock))
    if db.execute("SELECT current_setting('timescaledb.license', true)").fetchone()[0] != "timescale":
        return [f"{table.name} is not compressed: this TimescaleDB's licence leaves compression out"]
    settings = f"compress_segmentby = '{table.segment}', timescaledb.compress_orderby = '{table.order}'"
    db.execute(f"ALTER TABLE {table.name} SET (timescaledb.compress, timescaledb.{settings})")
    # The name that every version knows: columnstore policies, from 2.18 on, are the same.
    db.execute(f"SELECT {scale}.add_compression_policy(%s, %s::interval)", (table.name, compress_after))
    return []


def _add(db: Any, more: More) -> None:
    if more.marks <= _columns(db, more.name):
        added = (f"ADD COLUMN IF NOT EXISTS {column} DOUBLE PRECISION" for column in more.columns)
        db.execute(f"ALTER TABLE {more.name} {', '.join(added)}")


def _columns(db: Any, table: str) -> set[str]:
    """The columns of a table; none where it is not there."""
    sql = "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0"
    return {row[0] for row in db.execute(sql, (table,))}


def timescale(db: Any) -> str | None:
    """The schema that TimescaleDB's functions are in; None where this database has no such extension."""
    sql = "SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'timescaledb'"
    found = db.execute(sql).fetchone()
    return str(found[0]) if found else None


def make_partitions(db: Any, table: Kept, start: int, end: int) -> None:
    """The monthly partitions from `start` to before `end`, if the table is cut that way."""
    kind = db.execute("SELECT relkind FROM pg_class WHERE oid = to_regclass(%s)", (table.name,)).fetchone()
    if kind is None or kind[0] not in {"p", b"p"}:
        return
    for month in Period.covering(start, end, "month"):
        name = f"{table.name}_{month.name.replace('-', '_')}"
        days = (f"{Period.at(moment, 'day').name} 00:00+00" for moment in (month.start, month.end))
        ends = " TO ".join(f"('{day}')" for day in days)
        db.execute(f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table.name} FOR VALUES FROM {ends}")
