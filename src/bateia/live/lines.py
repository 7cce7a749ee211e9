"""Any live stream of Binance row by row, for people and other programs."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np

from bateia.core import Block, ConfigError
from bateia.live.candles import LiveCandles
from bateia.live.depth import LiveBook
from bateia.live.keep import Keeper
from bateia.live.place import Place
from bateia.live.tickers import LiveTickers
from bateia.live.trades import LiveTrades
from bateia.sources.binance.markets import market_of
from bateia.sources.binance.prints import FORMS

Row = dict[str, Any]


class Lines:
    """Rows of `what`: `aggTrades`, `trades`, the length of candles, `book` or `ticker`; `known_at` is ours.

    With `keep`, new rows of trades and candles are put into the store, every so many seconds; of what it had,
    those since `since` are shown first, if that is given.

    >>> Lines("BTCUSDT", "5m").live.symbol
    'BTCUSDT'
    """

    def __init__(
        self,
        symbol: str,
        what: str,
        *,
        store: str | Path | None = None,
        since: str = "",
        keep: float | None = None,
        tick_size: float | None = None,
        depth: int = 5,
        place: Place | None = None,
    ) -> None:
        market_of((place or Place()).market)
        if since and store is None:
            raise ConfigError(f"rows since {since} of no store", hint="--store, filled by `bateia fetch`")
        if what in ("book", "ticker") and store is not None:
            raise ConfigError(f"a {what} of a store", allowed="aggTrades, trades or candles of a store")
        if keep is not None and store is None:
            raise ConfigError("rows kept in no store", hint="--store store")
        shown = store if keep is None or since else None
        self.live: LiveTrades | LiveCandles | LiveBook | LiveTickers
        if what == "book":
            if tick_size is None or not tick_size > 0:
                raise ConfigError("a book without its tick size", hint="--tick 0.01, the step of its prices")
            self.live = LiveBook(symbol, tick_size, depth=depth, place=place)
        elif what == "ticker":
            self.live = LiveTickers(symbol, place=place)
        elif what in FORMS:
            kind = "agg_trades" if FORMS[what].kind == "agg_trades" else "trades"
            self.live = LiveTrades(symbol, kind, store=shown, since=since, place=place)  # type: ignore[arg-type]
        else:
            self.live = LiveCandles(symbol, what, store=shown, since=since, place=place)
        self.keeper: Keeper | None = None
        if keep is not None and store is not None and isinstance(self.live, LiveTrades | LiveCandles):
            self.keeper = Keeper(self.live, store, every=keep)

    def line(self) -> str:
        """Counts, for a log."""
        return "; ".join(one.line() for one in (self.live, self.keeper) if one is not None)

    async def rows(self) -> AsyncGenerator[Row, None]:
        """One dict a row, without end; errors as the stream's own."""
        live = self.live
        if isinstance(live, LiveTickers):
            async with aclosing(live.tickers()) as tickers:
                async for received, ticker in tickers:
                    values = {name: getattr(ticker, name) for name in ticker.__slots__ if name != "symbol"}
                    yield {"known_at": received, **values}
            return
        if isinstance(live, LiveBook):
            async with aclosing(live.samples()) as samples:
                async for block in samples:
                    for row in range(len(block)):
                        yield _levels(block.columns(), row)
            return
        source: AsyncGenerator[Block, None] = live.blocks() if isinstance(live, LiveTrades) else live.bars()
        if self.keeper is not None:
            source = self.keeper.blocks()
        async with aclosing(source) as blocks:
            async for table in blocks:
                columns = table.columns()
                for row in range(len(table)):
                    yield {name: _plain(column[row]) for name, column in columns.items()}


def _levels(columns: dict[str, Any], row: int) -> Row:
    """Time, and price and size of the best levels of each side."""
    sides: Row = {"time": int(columns["time"][row])}
    for side in ("bid", "ask"):
        levels = np.stack([columns[f"{side}_price"][row], columns[f"{side}_size"][row]], axis=1)
        sides[f"{side}s"] = levels[~np.isnan(levels[:, 0])].tolist()
    return sides


def _plain(value: Any) -> Any:
    """A number that JSON knows; None for NaN."""
    found = value.item()
    return None if found != found else found  # noqa: PLR0124
