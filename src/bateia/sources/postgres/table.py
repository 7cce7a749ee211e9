"""Rows of a table, oldest first, in memory that a window bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bateia.core import DataError, nearest
from bateia.sources.postgres.connection import bulk, connect, rows_of
from bateia.sources.postgres.layout import (
    Layout,
    Rows,
    layout_of,
    listed,
    literal,
    named,
    only_rows,
    quoted,
)

if TYPE_CHECKING:
    import polars as pl

WINDOW = 150_000
"""Rows that are read or written at a time."""
_YEARS = (-62_135_596_800_000_000, 253_402_300_800_000_000)


@dataclass(frozen=True)
class Table:
    """A table with rows of a kind; `columns` maps our names to its own, where they are others, and `only`
    says what its own columns hold in the rows that are meant."""

    url: str
    name: str
    rows: Rows
    columns: Mapping[str, str] = field(default_factory=dict)
    only: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def layout(self) -> Layout:
        """Its columns; DataError where one is missing or of another type."""
        return layout_of(self.url, self.name, self.rows, self.columns)

    def where(self, symbol: str) -> str:
        """Which rows are meant, in SQL."""
        same = f"{quoted(self.layout.names['symbol'])} = {literal(symbol)}"
        return " AND ".join(filter(None, (same, only_rows(self.only, self.layout.types, self.name))))

    def ends(self, symbol: str) -> tuple[int, int]:
        """Moments of the first and last row, microseconds; DataError where there is none, or one has none."""
        clock, where = quoted(self.layout.names[self.rows.clock]), self.where(symbol)
        ends = f"extract(epoch FROM min({clock})) * 1000000, extract(epoch FROM max({clock})) * 1000000"
        with connect(self.url) as db:
            first, last = db.execute(f"SELECT {ends} FROM {named(self.name)} WHERE {where}").fetchone()
            sql = f"SELECT EXISTS (SELECT 1 FROM {named(self.name)} WHERE {where} AND {clock} IS NULL)"
            (timeless,) = db.execute(sql).fetchone()
            if first is None and not timeless:
                raise self._unknown(db, symbol)
        if timeless:
            raise DataError(f"a row of {self.name!r} has no time", allowed="a time in every row")
        if not _YEARS[0] <= first <= last < _YEARS[1]:
            raise DataError(f"a row of {self.name!r} is of no date", allowed="the years 1 to 9999")
        return int(first), int(last)

    def windows(
        self, select: Mapping[str, str], order: str, where: str, start: int, end: int, rows: int = WINDOW
    ) -> Iterator[pl.DataFrame]:
        """Rows from `start` to before `end` (microseconds): `select` is our name -> what it is, in SQL.

        In `order`, `t.column` is the table's own, whatever is selected under its name. All windows see the
        table as it was when the first was read; none ends within a moment.
        """
        ours = self.rows.clock
        head = ", ".join(f"{what} AS {name}" for name, what in select.items())
        with bulk(self.url) as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            while start < end:
                within = self.layout.within(ours, start, end)
                tail = f"WHERE {where} AND {within} ORDER BY {order} LIMIT {rows}"
                found = rows_of(cursor, f"SELECT {head} FROM {named(self.name)} AS t {tail}")
                if not len(found):
                    return
                whole, rows = _complete(found, ours, rows)
                if whole is not None:
                    start = int(whole[ours].dt.epoch("us")[-1]) + 1
                    yield whole
                if len(found) < rows and whole is not None and len(whole) == len(found):
                    return

    def _unknown(self, db: Any, symbol: str) -> DataError:
        column = quoted(self.layout.names["symbol"])
        query = f"SELECT DISTINCT {column} FROM {named(self.name)} LIMIT 1000"
        known = [str(row[0]) for row in db.execute(query)]
        if symbol in known:
            given = ", ".join(f"{name}={value}" for name, value in self.only.items())
            return DataError(f"the table {self.name!r} has no {symbol!r} with {given}", hint="another --only")
        return DataError(
            f"the table {self.name!r} has no {symbol!r}",
            allowed=listed(known) or "it is empty",
            hint=nearest(symbol, known),
        )


def _complete(found: pl.DataFrame, clock: str, rows: int) -> tuple[pl.DataFrame | None, int]:
    """A window without its last moment, of which more rows may follow; None where it holds no other."""
    if len(found) < rows:
        return found, rows
    whole = found.filter(found[clock] < found[clock][-1])
    return (whole, rows) if len(whole) else (None, 2 * rows)
