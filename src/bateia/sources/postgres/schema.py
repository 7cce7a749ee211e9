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
    index: str


TICKS = Kept(
    "ticks_raw",
    "timestamp",
    "symbol TEXT NOT NULL, price DOUBLE PRECISION NOT NULL, volume DOUBLE PRECISION NOT NULL, "
    "timestamp TIMESTAMPTZ NOT NULL, buy_agent TEXT, sell_agent TEXT, exchange TEXT, trade_type SMALLINT, "
    "id BIGINT GENERATED ALWAYS AS IDENTITY",
    "(symbol, timestamp)",
)
CANDLES = Kept(
    "candles",
    "open_time",
    "source TEXT NOT NULL, market TEXT NOT NULL, symbol TEXT NOT NULL, length TEXT NOT NULL, "
    "open_time TIMESTAMPTZ NOT NULL, open DOUBLE PRECISION NOT NULL, high DOUBLE PRECISION NOT NULL, "
    "low DOUBLE PRECISION NOT NULL, close DOUBLE PRECISION NOT NULL, volume DOUBLE PRECISION NOT NULL, "
    "quote_volume DOUBLE PRECISION, trades DOUBLE PRECISION, taker_buy_volume DOUBLE PRECISION, "
    "PRIMARY KEY (source, market, symbol, length, open_time)",
    "(symbol, open_time)",
)
MIGRATIONS = ((1, "ticks_raw", TICKS), (2, "candles", CANDLES))
"""In order, never changed once released: version, what it brings, the table that it makes."""
VERSION = MIGRATIONS[-1][0]


def migrate(url: str, *, compress_after: str = "7 days") -> int:
    """Make or complete the tables; returns the version. A table of that name that is there stays as it is.

    Where TimescaleDB is, tables become hypertables whose chunks are compressed after `compress_after`; else
    they are partitioned by month, and a writer makes the partitions that it needs. DataError where the
    database is of a newer version.
    """
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
        for version, about, table in MIGRATIONS[done:]:
            if not db.execute("SELECT to_regclass(%s)", (table.name,)).fetchone()[0]:
                _make(db, table, compress_after)
            db.execute("INSERT INTO bateia_schema VALUES (%s, %s)", (version, about))
    return VERSION


def _make(db: Any, table: Kept, compress_after: str) -> None:
    scale = has_timescale(db)
    cut = "" if scale else f" PARTITION BY RANGE ({table.clock})"
    db.execute(f"CREATE TABLE {table.name} ({table.columns}){cut}")
    if scale:
        db.execute("SELECT create_hypertable(%s, %s)", (table.name, table.clock))
        db.execute(
            f"ALTER TABLE {table.name} SET (timescaledb.compress, timescaledb.compress_segmentby = 'symbol')"
        )
        db.execute("SELECT add_compression_policy(%s, %s::interval)", (table.name, compress_after))
    db.execute(f"CREATE INDEX ON {table.name} {table.index}")


def has_timescale(db: Any) -> bool:
    """Whether the extension is there, in this database."""
    return bool(db.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone())


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
