"""Which columns of a table are meant by which of ours, and how they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bateia.core import DataError, format_time, nearest
from bateia.sources.files import check_names
from bateia.sources.postgres.connection import connect

NUMBERS = ("smallint", "integer", "bigint", "real", "double precision", "numeric")
ZONED, PLAIN = "timestamp with time zone", "timestamp without time zone"


@dataclass(frozen=True)
class Rows:
    """What a row holds: our name of each column -> a table's own, unless said otherwise."""

    name: str
    clock: str
    needed: Mapping[str, str]
    optional: Mapping[str, tuple[str, ...]]
    """The first of these that the table has."""
    numbers: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """A table as it is: our name -> its own column, and the type of each of its columns."""

    names: Mapping[str, str]
    types: Mapping[str, str]
    placed: bool
    """Whether rows have a place, `ctid`, that tells which was written first."""

    def zoned(self, clock: str) -> str:
        """A clock with its zone, in SQL; one without is of UTC."""
        theirs = self.names[clock]
        return quoted(theirs) if self.types[theirs] == ZONED else f"({quoted(theirs)} AT TIME ZONE 'UTC')"

    def within(self, clock: str, start: int, end: int) -> str:
        """From `start` to before `end` (microseconds), in SQL that an index on the clock answers."""
        theirs = self.names[clock]
        first, last = (f"'{format_time(edge)}'::{self.types[theirs]}" for edge in (start, end))
        return f"{quoted(theirs)} >= {first} AND {quoted(theirs)} < {last}"


def layout_of(url: str, table: str, rows: Rows, columns: Mapping[str, str]) -> Layout:
    """How `rows` lie in a table; DataError where it or a column is missing, or is of another type."""
    check_names(rows.name, columns, (*rows.needed, *rows.optional))
    with connect(url) as db:
        types = types_of(db, table)
        sql = (
            "SELECT relkind IN ('r', 'p') AND NOT EXISTS (SELECT 1 FROM pg_extension WHERE extname = "
            "'timescaledb') FROM pg_class WHERE oid = to_regclass(%s)"
        )
        (placed,) = db.execute(sql, (named(table),)).fetchone()
    found = {ours: [name for name in theirs if name in types] for ours, theirs in rows.optional.items()}
    names = {**rows.needed, **{ours: there[0] for ours, there in found.items() if there}, **columns}
    for ours, theirs in names.items():
        if theirs not in types:
            raise DataError(
                f"the table {table!r} has no column {theirs!r} (for {ours})",
                allowed=", ".join(types),
                hint=f"columns: {{{ours}: {nearest(theirs, types) or '…'}}}",
            )
        allowed = (ZONED, PLAIN) if ours == rows.clock else NUMBERS if ours in rows.numbers else ()
        if allowed and types[theirs] not in allowed:
            raise DataError(
                f"{theirs!r} (for {ours}) of the table {table!r} is {types[theirs]}",
                allowed=" or ".join(allowed) if ours == rows.clock else "numbers",
                hint="another column, or a view that casts this one",
            )
    return Layout(names, types, placed)


def types_of(db: Any, table: str) -> dict[str, str]:
    """Column -> type; DataError where there is no such table."""
    sql = (
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute "
        "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    )
    types = dict(db.execute(sql, (named(table),)).fetchall())
    if not types:
        seen = (
            "SELECT relname FROM pg_class WHERE relkind = ANY('{r,p,v,m,f}') AND NOT relispartition "
            "AND relnamespace::regnamespace::text = ANY(current_schemas(false))"
        )
        known = [row[0] for row in db.execute(seen)]
        raise DataError(
            f"the database has no table {table!r}",
            allowed=listed(known) or "one of its search path, which has none",
            hint=nearest(table, known) or "schema.table",
        )
    return types


def only_rows(only: Mapping[str, Any], types: Mapping[str, str], table: str) -> str:
    """The condition of rows whose columns hold these values; DataError for a column that is not there."""
    for column in only:
        if column not in types:
            raise DataError(
                f"the table {table!r} has no column {column!r}",
                allowed=", ".join(types),
                hint=nearest(column, types),
            )
    return " AND ".join(f"{quoted(column)} = {literal(str(value))}" for column, value in only.items())


def listed(words: Iterable[object], most: int = 8) -> str:
    """Some of many words."""
    known = sorted(str(word) for word in words)
    return ", ".join(known[:most]) + (", …" if len(known) > most else "")


def named(table: str) -> str:
    """A table's name in SQL, with its schema where that is said."""
    return ".".join(quoted(part) for part in table.split("."))


def literal(text: str) -> str:
    """A text in SQL."""
    from psycopg.sql import Literal

    return str(Literal(text).as_string(None))


def quoted(name: str) -> str:
    """A name in SQL."""
    from psycopg.sql import Identifier

    return str(Identifier(name).as_string(None))
