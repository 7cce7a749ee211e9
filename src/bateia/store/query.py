"""Questions to a store: its series as lazy tables of Polars, and in SQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bateia.core import ConfigError
from bateia.store.catalogue import Series
from bateia.store.store import Store

if TYPE_CHECKING:
    import polars as pl


def scan(store: Store, series: Series) -> pl.LazyFrame:
    """A series as a lazy table, all the rows that are there, oldest first, whether or not days are missing.

    Only the columns that are asked for are decoded, a day or month at a time, and each file is held against
    its hash first. DataError where there is none, and, once it is collected, where a file is corrupt.

    >>> import tempfile, polars as pl
    >>> from bateia.core.coverage import Coverage
    >>> from bateia.core.period import Period
    >>> store, day = Store.create(tempfile.mkdtemp()), Period("2024-01-01")
    >>> trades = Series("mine", "spot", "BTCUSDT", "trades")
    >>> table = pl.DataFrame({"time": [day.start, day.start + 1], "price": [1.5, 2.5]})
    >>> with store.writer(trades) as writer:
    ...     part = writer.write(day, table, Coverage.of([(day.start, day.end)]))
    >>> scan(store, trades).filter(pl.col("price") > 2).select("price").collect().item()
    2.5
    >>> sql(store, 'SELECT max(price) AS highest FROM "mine/spot/BTCUSDT/trades"').item()
    2.5
    """
    from polars.io.plugins import register_io_source

    parts = store.parts(series)
    if not parts:
        raise store.unknown(series)

    def pieces(
        columns: list[str] | None, wanted: pl.Expr | None, rows: int | None, _size: int | None
    ) -> Iterator[pl.DataFrame]:
        left = rows  # of those that are there: what is wanted is chosen among them
        for part in parts:
            if left == 0:
                return
            frame = store.table(series, part, columns)
            if left is not None:
                frame = frame.head(left)
                left -= len(frame)
            yield frame if wanted is None else frame.filter(wanted)

    return register_io_source(pieces, schema=store.table(series, parts[0]).schema)


def sql(store: Store, query: str) -> pl.DataFrame:
    """The answer to a question in Polars' SQL, in which each series is a table of its name in double quotes.

    ConfigError for a query that names no series of the store, or that is none.
    """
    import polars as pl

    known = store.series()
    tables = {str(series): scan(store, series) for series in known if f'"{series}"' in query}
    if not tables:
        raise ConfigError(
            "a query of no series of the store",
            allowed=", ".join(f'"{series}"' for series in known) or "it is empty",
            hint=f'SELECT * FROM "{known[0]}" LIMIT 5' if known else "bateia fetch",
        )
    try:
        return pl.SQLContext(tables).execute(query, eager=True)
    except pl.exceptions.PolarsError as error:
        why = str(error).split("\n", maxsplit=1)[0]
        raise ConfigError(f"the query cannot be answered: {why}", allowed="SQL as Polars speaks it") from None
