"""Trades with their numbers, as they come and as they were stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bateia.book.binance import Trade, parse_message
from bateia.core import DataError, Trades
from bateia.core.events import Ints
from bateia.live.clock import KnownAt
from bateia.sources.binance.prints import AGGREGATED, Form
from bateia.sources.blocks import rising
from bateia.sources.socket import Frame
from bateia.sources.stored import as_trades
from bateia.store import Series, Store

if TYPE_CHECKING:
    import polars as pl

Known = tuple[int, Trade]
"""When it came, by our clock (microseconds UTC), and the trade."""


Batch = tuple["NumberedTrades", list[Known]]
"""A block, and the trades that it is made of."""


@dataclass(frozen=True, eq=False)
class NumberedTrades(Trades):
    """Trades with the exchange's number of each.

    `known_at` never falls and is never before `time`: a trade that had to wait for one before it is known
    when that one is.
    """

    id: Ints


def reader(symbol: str) -> Callable[[Frame], list[Known]]:
    """Reads the trades of a symbol from frames; DataError for what is no market message, or another's."""

    def read(frame: Frame) -> list[Known]:
        message = parse_message(frame.text or "")
        if not isinstance(message, Trade):
            return []
        if message.symbol != symbol:
            raise DataError(f"a trade of {message.symbol} in the stream of {symbol}", allowed=symbol)
        return [(frame.received, message)]

    return read


def from_table(table: pl.DataFrame, symbol: str, received: int) -> list[Known]:
    """Rows of a table of REST as if they had come now."""
    times = table["time"].dt.epoch("us").to_list()
    counts = (table["last_id"] - table["first_id"] + 1).to_list()
    columns = (table[name].to_list() for name in ("id", "price", "size", "side"))
    rows = zip(times, *columns, counts, table["first_id"].to_list(), strict=True)
    return [(received, Trade(symbol, *row)) for row in rows]


class Blocks:
    """Makes blocks of rows, the second clock of which never falls, over all of them."""

    def __init__(self) -> None:
        self._clock = KnownAt()

    def make(self, rows: Sequence[Known]) -> NumberedTrades:
        """One block of these rows."""
        trades = [trade for _, trade in rows]
        times = np.array([trade.time for trade in trades], np.int64)
        return NumberedTrades(
            time=times,
            known_at=self._clock.of([received for received, _ in rows], times),
            price=np.array([trade.price for trade in trades]),
            size=np.array([trade.size for trade in trades]),
            side=np.array([trade.side for trade in trades], np.int8),
            id=np.array([trade.id for trade in trades], np.int64),
        )

    def after(self, block: NumberedTrades) -> None:
        """What follows is known after a block that is made already."""
        self._clock.after(block.known_at)


def stored(store: Store, series: Series, since: int | None) -> Iterator[NumberedTrades]:
    """What the store has, a day at a time; DataError as the store's own, and for trades without numbers."""
    return rising(as_numbered(table, series) for table in store.blocks(series, since))


def as_numbered(table: pl.DataFrame, series: Series) -> NumberedTrades:
    """Trades from a table of a store; DataError where they have no numbers."""
    if "id" not in table.columns:
        raise DataError(f"{series} of the store has no ids", allowed="trades with numbers")
    ids = np.array(table["id"].to_numpy(), np.int64)
    return NumberedTrades(**as_trades(table).columns(), id=ids)


def as_table(batches: Sequence[Batch], form: Form) -> pl.DataFrame:
    """Rows as `bateia fetch` keeps them, but with the second clock of the blocks."""
    import polars as pl

    block = NumberedTrades.concat([block for block, _ in batches])
    table = block.to_frame().select("id", "time", "known_at", "price", "size", "side")
    if form is not AGGREGATED:
        return table
    first = np.array([trade.first_id for _, rows in batches for _, trade in rows], np.int64)
    count = np.array([trade.count for _, rows in batches for _, trade in rows], np.int64)
    return table.with_columns(first_id=pl.Series(first), last_id=pl.Series(first + count - 1))
