"""Ticks of a table such as `ticks_raw`, as the store keeps trades."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from bateia.core import DataError, format_time
from bateia.sources.postgres.layout import Layout, Rows, quoted
from bateia.sources.postgres.table import WINDOW, Table

if TYPE_CHECKING:
    import polars as pl

_TEXT = ("buy_agent", "sell_agent", "exchange")
TICKS = Rows(
    name="ticks",
    clock="time",
    needed={"symbol": "symbol", "time": "timestamp", "price": "price", "size": "volume"},
    optional={name: (name,) for name in ("side", "trade_type", *_TEXT, "id")},
    numbers=("price", "size", "trade_type", "id"),
)
_STRANGE = 9
_SIDES = (
    "CASE WHEN {0} IS NULL OR lower({0}::text) IN ('', '0') THEN 0 "
    "WHEN lower({0}::text) IN ('buy', 'b', '1') THEN 1 WHEN lower({0}::text) IN ('sell', 's', '-1') THEN -1 "
    f"ELSE {_STRANGE} END"
)
_TYPES = "CASE {0} WHEN 2 THEN 1 WHEN 3 THEN -1 ELSE 0 END"


@dataclass(frozen=True)
class TickTable:
    """A table with a row a trade. `columns` maps our names to its own, where they are others; `only` says
    what columns of its own hold in the rows that are meant."""

    url: str
    table: str = "ticks_raw"
    columns: Mapping[str, str] = field(default_factory=dict)
    only: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def _rows(self) -> Table:
        return Table(self.url, self.table, TICKS, self.columns, self.only)

    def span(self, symbol: str) -> tuple[int, int]:
        """From the first trade to after the last, microseconds; DataError for a symbol that is not there."""
        first, last = self._rows.ends(symbol)
        return first, last + 1

    def windows(self, symbol: str, start: int, end: int, rows: int = WINDOW) -> Iterator[pl.DataFrame]:
        """Trades from `start` to before `end` (microseconds): time, price, size, side and what else there is.

        All windows see the table as it was when the first was read. DataError for rows without a price or a
        size, or with a side that is none.
        """
        layout = self._rows.layout
        where, order = self._rows.where(symbol), _order(layout)
        for found in self._rows.windows(_select(layout), order, where, start, end, rows):
            yield _trades(found, self.table)


def _order(layout: Layout) -> str:
    """By time, and among equal times as they were written: by `id`, else by their place, which changes where
    rows were deleted or changed since."""
    clock = f"t.{quoted(layout.names['time'])}"
    if "id" in layout.names:
        return f"{clock}, t.{quoted(layout.names['id'])}"
    return f"{clock}, t.ctid" if layout.placed else clock


def _select(layout: Layout) -> dict[str, str]:
    columns = {ours: quoted(theirs) for ours, theirs in layout.names.items()}
    side = "0"
    if "side" in columns:
        side = _SIDES.format(columns["side"])
    elif "trade_type" in columns:
        side = _TYPES.format(columns["trade_type"])
    return {
        "time": layout.zoned("time"),
        "price": f"{columns['price']}::float8",
        "size": f"{columns['size']}::float8",
        "side": f"({side})::int2",
        **{name: f"{columns[name]}::text" for name in _TEXT if name in columns},
    }


def _trades(found: pl.DataFrame, name: str) -> pl.DataFrame:
    import polars as pl

    for column, bad, allowed in (
        ("price", found["price"].is_null(), "a number in every row"),
        ("size", found["size"].is_null(), "a number in every row"),
        ("side", found["side"] == _STRANGE, "buy, sell, 1, -1, 0 or nothing"),
    ):
        if bad.any():
            moment = format_time(int(found["time"].dt.epoch("us")[int(bad.arg_max() or 0)]))
            raise DataError(f"a row of {name!r} at {moment} has no {column}", allowed=allowed)
    casts = [pl.col(column).cast(pl.Categorical) for column in _TEXT if column in found.columns]
    table = found.with_columns(pl.col("side").cast(pl.Int8), *casts)
    # Copied: what ADBC gives keeps its buffers, which are twice as long as the rows.
    return table.select(pl.all().gather(pl.int_range(pl.len())))
