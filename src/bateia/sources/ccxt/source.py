"""Candles or trades of a ccxt exchange, as they come."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Literal, Self

from pydantic import model_validator

from bateia.core import Bars, BateiaError, Component, DataError, Trades, parse_duration
from bateia.core.period import parse_edge
from bateia.runs import content_hash
from bateia.sources.blocks import BLOCK, recut
from bateia.sources.ccxt import pages
from bateia.sources.stored import Edge


class CcxtSource(Component):
    """Candles or trades of one symbol of an exchange, asked for each time that they are read.

    Not for a recipe, whose data must be there and the same a second time: `bateia fetch ccxt` puts them into
    the store, and a recipe reads that. ccxt does not tell when we could know a trade: `known_at` is its
    `time`, and a candle's end.

    >>> CcxtSource(exchange="kraken", symbol="BTC/USD", interval="5m", first="2024-01", last="2024-02").gives
    'candles'
    """

    kind: Literal["ccxt"] = "ccxt"
    exchange: str
    """As ccxt calls it, such as kraken."""
    symbol: str
    """As ccxt writes it: `BTC/USD`; `BTC/USDT:USDT` of a perpetual."""
    data: Literal["candles", "trades"] = "candles"
    interval: str = ""
    """Length of a candle, such as `"5m"`; of candles only."""
    first: Edge
    """First month, day or moment (UTC), such as 2024-01."""
    last: Edge
    """Last one, included."""

    @model_validator(mode="after")
    def _meant(self) -> Self:
        if (self.data == "candles") != bool(self.interval):
            given = "candles without an interval" if self.data == "candles" else "trades of an interval"
            raise ValueError(f"{given}; try: interval: 5m, or data: trades")
        try:
            start, end = self.edges()
            if self.interval:
                parse_duration(self.interval)
        except BateiaError as error:
            raise ValueError(str(error)) from error
        if start >= end:
            raise ValueError(f"from {self.first} to {self.last}; allowed: first before last")
        return self

    @property
    def gives(self) -> Literal["candles", "trades"]:
        """What comes out."""
        return self.data

    def edges(self) -> tuple[int, int]:
        """From, to before: microseconds."""
        return parse_edge(self.first), parse_edge(self.last, last=True)

    def read(self) -> Trades | Bars:
        """All of it; DataError where there is nothing."""
        blocks: list[Any] = list(self.blocks())
        if not blocks:
            raise DataError(f"{self.exchange} has no {self.data} of {self.symbol} in that time")
        whole: Trades | Bars = type(blocks[0]).concat(blocks)
        return whole

    def blocks(self, rows: int = BLOCK) -> Iterator[Trades] | Iterator[Bars]:
        """The same in blocks of `rows`, in memory that the block bounds."""
        if self.data == "candles":
            return recut(self._candles(), rows)
        return recut(self._trades(), rows)

    def _candles(self) -> Iterator[Bars]:
        exchange = pages.open_exchange(self.exchange)
        pages.check_symbol(exchange, self.symbol)
        step = parse_duration(self.interval)
        yield from pages.candle_pages(exchange, self.symbol, self.interval, step, *self.edges())

    def _trades(self) -> Iterator[Trades]:
        exchange = pages.open_exchange(self.exchange)
        pages.check_symbol(exchange, self.symbol)
        yield from pages.trade_pages(exchange, self.symbol, *self.edges())

    def hash(self) -> str:
        """Hash of all rows, hex: they are asked for once more."""
        whole = self.read()
        digests = {name: hashlib.sha256(column.data).hexdigest() for name, column in whole.columns().items()}
        return content_hash(digests)
