"""Binance's trades as they happen, by id, joined to what the store has."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from bateia.core import ConfigError
from bateia.core.events import Ints
from bateia.core.period import parse_edge
from bateia.live.follow import Follower
from bateia.live.place import Place
from bateia.live.prints import (
    Batch,
    Blocks,
    Known,
    NumberedTrades,
    as_numbered,
    as_table,
    from_table,
    reader,
    stored,
)
from bateia.live.unbroken import Unbroken
from bateia.sources.binance.markets import symbol_of
from bateia.sources.binance.prints import AGGREGATED, SINGLE
from bateia.sources.binance.rest import PAGE
from bateia.store import Series, Store

if TYPE_CHECKING:
    import polars as pl

TradeKind = Literal["agg_trades", "trades"]
_WORDS: dict[str, str] = {"agg_trades": "aggTrade", "trades": "trade"}


class LiveTrades:
    """A symbol's trades: what a store has of them from `since` on, then what happens, without a seam.

    `agg_trades` have ids without holes, and REST gives any of them: none is missing, none comes twice.
    `trades` can be asked of nobody without a key: missing ones are counted as lost.

    >>> LiveTrades("btcusdt").follower.socket.url
    'wss://stream.binance.com:9443/ws/btcusdt@aggTrade'
    """

    def __init__(
        self,
        symbol: str,
        kind: TradeKind = "agg_trades",
        *,
        store: str | Path | None = None,
        since: str = "",
        place: Place | None = None,
    ) -> None:
        if kind not in _WORDS:
            raise ConfigError(f"no trades of kind {kind!r}", allowed=" or ".join(_WORDS))
        self.symbol, self.kind, self.place = symbol_of(symbol), kind, place or Place()
        self.series = Series("binance", self.place.market, self.symbol, kind)
        self._store = None if store is None else Store.open(store)
        self._since = parse_edge(since) if since else None
        self._form = AGGREGATED if kind == "agg_trades" else SINGLE
        self._rest = self.place.interface()
        self._blocks = Blocks()
        seam = Unbroken[Known](number=lambda row: row[1].id, time=lambda row: row[1].time)
        self.follower = Follower(
            self.place.socket(self.symbol, _WORDS[kind]),
            seam,
            reader(self.symbol),
            self._ask,
            page=PAGE,
            tries=5 if self._form.rest else 1,
            wait=self.place.wait,
        )

    def line(self) -> str:
        """Counts, for a log."""
        return self.follower.line()

    async def blocks(self) -> AsyncGenerator[NumberedTrades, None]:
        """Blocks without end, by id. DataError where the store lacks some, WebError where nothing comes."""
        for block in self.history():
            yield block
        async with aclosing(self.batches()) as batches:
            async for block, _ in batches:
                yield block

    def history(self) -> Iterator[NumberedTrades]:
        """What the store has from `since` on."""
        if self._store is not None:
            for block in stored(self._store, self.series, self._since):
                self._after(block)
                yield block

    async def batches(self) -> AsyncGenerator[Batch]:
        """What happens after that: blocks, and the trades that they are made of."""
        try:
            async with aclosing(self.follower.rows()) as batches:
                async for rows in batches:
                    yield self._blocks.make(rows), rows
        finally:
            self.place.close(self._rest)

    def after(self, table: pl.DataFrame) -> None:
        """What happens is to follow these rows of a store."""
        self._after(as_numbered(table, self.series))

    def table(self, batches: Sequence[Batch]) -> pl.DataFrame:
        """Rows as the store keeps them."""
        return as_table(batches, self._form)

    def places(self, table: pl.DataFrame) -> tuple[Ints, Ints, Ints]:
        """Numbers of rows, and the time that each of them tells: others of its moment may come after it."""
        times = np.array(table["time"].dt.epoch("us").to_numpy(), np.int64)
        return np.array(table["id"].to_numpy(), np.int64), times + 1, times

    def _after(self, block: NumberedTrades) -> None:
        seam = self.follower.seam
        seam.due = max(seam.due or 0, int(block.id.max(initial=-1)) + 1)
        seam.newest = max(seam.newest, int(block.time.max(initial=seam.newest)))
        self._blocks.after(block)

    def _ask(self, first: int) -> list[Known]:
        if not self._form.rest:
            return []
        page = next(self._rest.trades_from(self.symbol, self._form, first), None)
        return [] if page is None else from_table(page, self.symbol, self.place.clock())
