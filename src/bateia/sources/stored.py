"""Candles and trades of the store, as a recipe's source."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import BeforeValidator, model_validator

from bateia.core import Bars, BateiaError, Block, Component, DataError, Trades, parse_duration
from bateia.core.coverage import Coverage
from bateia.core.events import Floats, Ints
from bateia.core.period import parse_edge
from bateia.runs import content_hash
from bateia.sources import exchanges
from bateia.sources.blocks import BLOCK, recut, rising
from bateia.sources.candles import NEEDED, OPTIONAL, as_bars
from bateia.sources.fetching import Stage, silent
from bateia.store import Series, Store

if TYPE_CHECKING:
    import polars as pl


def _text(value: Any) -> Any:
    """YAML reads 2024 as a number and 2024-01-31 as a date."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Edge = Annotated[str, BeforeValidator(_text)]
_WORDS = {"agg_trades": "aggTrades", "trades": "trades"}
"""The exchanges' words for series of trades."""


class StoreSource(Component):
    """Candles or trades that `bateia fetch` has put into the store.

    >>> StoreSource(symbol="BTCUSDT", market="um", interval="5m", first="2024-01", last="2024-12").series.kind
    'candles-5m'
    """

    kind: Literal["store"] = "store"
    symbol: str
    source: str = "binance"
    market: str = "spot"
    data: Literal["candles", "agg_trades", "trades"] = "candles"
    interval: str = ""
    """Length of a candle, such as `"5m"`; of candles only."""
    first: Edge = ""
    """First month, day or moment (UTC), such as 2024-01; all that is there if empty."""
    last: Edge = ""
    """Last one, included."""
    store: str = "store"
    """Folder of the store, or a URL."""
    fetch: bool = False
    """First bring what the store lacks from the exchange, Binance or Bybit; `first` and `last` say what."""
    archive: str = ""
    """Address of the exchange's archive, if not its own."""
    rest: str = ""
    """Address of its REST interface, if not its own."""

    @model_validator(mode="after")
    def _meant(self) -> Self:
        if (self.data == "candles") != bool(self.interval):
            given = "candles without an interval" if self.data == "candles" else f"{self.data} of an interval"
            raise ValueError(f"{given}; try: {{kind: store, symbol: BTCUSDT, interval: 5m}}")
        if self.fetch and self.source not in exchanges.EXCHANGES:
            raise ValueError(
                f"cannot fetch from {self.source!r}; allowed: {' or '.join(exchanges.EXCHANGES)}"
            )
        if self.fetch and not (self.first and self.last):
            raise ValueError(
                "fetch without first and last; try: {…, fetch: true, first: 2024-01, last: 2024-12}"
            )
        try:
            _ = self.series, self._edges()
            if self.interval:
                parse_duration(self.interval)
        except BateiaError as error:
            raise ValueError(str(error)) from error
        return self

    @property
    def gives(self) -> Literal["candles", "trades"]:
        """What comes out."""
        return "candles" if self.data == "candles" else "trades"

    @property
    def series(self) -> Series:
        """Where that lies in the store."""
        kind = f"candles-{self.interval}" if self.interval else self.data
        return Series(self.source, self.market, self.symbol, kind)

    def bring(self, stage: Stage = silent) -> None:
        """If it is to be fetched, fetch what the store lacks of it; DataError where something cannot be had.

        Reading does the same, unseen.
        """
        start, end = self._edges()
        if not self.fetch or start is None or end is None:
            return
        asked = Coverage.of([(start, end)])
        if not asked - Store.create(self.store).coverage(self.series):
            return
        report = exchanges.fetch(
            self.source,
            self.store,
            self.symbol,
            self.interval or _WORDS[self.data],
            self.first,
            self.last,
            market=self.market,
            archive=self.archive,
            rest=self.rest,
            stage=stage,
        )
        if not report.whole:
            raise DataError(f"not all of {self.series} could be fetched: {'; '.join(report.failed)}")

    def read(self) -> Trades | Bars:
        """All of it; DataError where the store lacks some, naming the command that fetches it."""
        blocks = list(self.blocks())
        if self.gives == "candles":
            return Bars.concat([block for block in blocks if isinstance(block, Bars)])
        return Trades.concat([block for block in blocks if isinstance(block, Trades)])

    def blocks(self, rows: int = BLOCK) -> Iterator[Trades] | Iterator[Bars]:
        """The same in blocks of `rows`; each file is held against its hash."""
        if self.gives == "candles":
            step = parse_duration(self.interval)
            return recut(rising(as_candles(table, step) for table in self._tables()), rows)
        return recut(rising(as_trades(table) for table in self._tables()), rows)

    def _tables(self) -> Iterator[pl.DataFrame]:
        self.bring()
        found = False
        for table in Store.open(self.store).blocks(self.series, *self._edges()):
            found = True
            yield table
        if not found:
            raise DataError(f"the store {self.store!r} holds no rows of {self.series} in that time")

    def _edges(self) -> tuple[int | None, int | None]:
        return (
            parse_edge(self.first) if self.first else None,
            parse_edge(self.last, last=True) if self.last else None,
        )

    def hash(self) -> str:
        """Hash of what is read, hex: the same wherever the store lies and however it is cut."""
        return rows_hash(self.blocks())


def rows_hash(blocks: Iterable[Block]) -> str:
    """Hash of all rows, hex: the same for any cut of them into blocks."""
    digests: dict[str, Any] = {}
    for block in blocks:
        for name, column in block.columns().items():
            digests.setdefault(name, hashlib.sha256()).update(np.ascontiguousarray(column).data)
    return content_hash({name: digest.hexdigest() for name, digest in digests.items()})


def _micros(column: pl.Series) -> Ints:
    return np.array(column.dt.epoch("us").to_numpy(), np.int64)


def _numbers(table: pl.DataFrame, name: str) -> Floats:
    if name not in table.columns:
        return np.full(len(table), np.nan)
    return np.array(table[name].to_numpy(), np.float64)


def as_candles(table: pl.DataFrame, step: int) -> Bars:
    """Bars from a table of the store: candles of length `step`, microseconds."""
    theirs = {"value": "quote_volume" if "quote_volume" in table.columns else "value"}
    columns: dict[str, Floats | Ints] = {
        name: _numbers(table, theirs.get(name, name)) for name in (*NEEDED, *OPTIONAL) if name != "open_time"
    }
    bars = as_bars(columns | {"open_time": _micros(table["open_time"])}, step, "open")
    return replace(bars, known_at=_micros(table["known_at"]))


def as_trades(table: pl.DataFrame) -> Trades:
    """Trades from a table of the store; without a `known_at` each was known at its `time`."""
    return Trades(
        time=_micros(table["time"]),
        known_at=_micros(table["known_at" if "known_at" in table.columns else "time"]),
        price=_numbers(table, "price"),
        size=_numbers(table, "size"),
        side=np.array(table["side"].to_numpy(), np.int8),
    )
