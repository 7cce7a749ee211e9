"""Any live stream row by row, for people and other programs."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np

from bateia.core import Block, ConfigError
from bateia.live.bybit import BybitPlace
from bateia.live.bybit_book import BybitBook
from bateia.live.bybit_tickers import BybitTickers
from bateia.live.candles import LiveCandles
from bateia.live.choice import binance, bybit
from bateia.live.depth import LiveBook
from bateia.live.keep import Keeper
from bateia.live.place import Place
from bateia.live.tickers import LiveTickers
from bateia.live.trades import LiveTrades

Row = dict[str, Any]


class Lines:
    """Rows of `what`: `trades`, of Binance `aggTrades`, the length of candles, `book` or `ticker`.

    `known_at` is ours; `place` says of which exchange they are. With `keep`, new rows of trades and candles
    are put into the store, every so many seconds; of what it had, those since `since` are shown first, if
    that is given.

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
        place: Place | BybitPlace | None = None,
    ) -> None:
        if since and store is None:
            raise ConfigError(f"rows since {since} of no store", hint="--store, filled by `bateia fetch`")
        if what in ("book", "ticker") and store is not None:
            raise ConfigError(f"a {what} of a store", allowed="trades or candles of a store")
        if keep is not None and store is None:
            raise ConfigError("rows kept in no store", hint="--store store")
        shown = store if keep is None or since else None
        choose = bybit if isinstance(place, BybitPlace) else binance
        self.live = choose(symbol, what, shown, since, tick_size, depth, place)  # type: ignore[arg-type]
        self.keeper: Keeper | None = None
        if keep is not None and store is not None:
            if not isinstance(self.live, LiveTrades | LiveCandles):
                raise ConfigError(
                    "trades without numbers: nobody could tell which of them are missing",
                    allowed="candles of Bybit, trades and candles of Binance",
                    hint="bateia fetch bybit: its archive has whole days",
                )
            self.keeper = Keeper(self.live, store, every=keep)

    def line(self) -> str:
        """Counts, for a log."""
        return "; ".join(one.line() for one in (self.live, self.keeper) if one is not None)

    async def rows(self) -> AsyncGenerator[Row, None]:
        """One dict a row, without end; errors as the stream's own."""
        live = self.live
        if isinstance(live, LiveTickers | BybitTickers):
            async with aclosing(live.tickers()) as tickers:
                async for received, ticker in tickers:
                    values = {name: getattr(ticker, name) for name in ticker.__slots__ if name != "symbol"}
                    yield {"known_at": received, **values}
            return
        if isinstance(live, LiveBook | BybitBook):
            async with aclosing(live.samples()) as samples:
                async for block in samples:
                    for row in range(len(block)):
                        yield _levels(block.columns(), row)
            return
        source: AsyncGenerator[Block, None] = live.bars() if isinstance(live, LiveCandles) else live.blocks()
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
