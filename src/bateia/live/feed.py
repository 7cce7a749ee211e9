"""What an exchange gives to `LiveCandles`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple, Protocol

from bateia.core import Bars
from bateia.sources.importing import table_of
from bateia.sources.socket import Frame, Socket
from bateia.store import Series

if TYPE_CHECKING:
    import polars as pl


class Closed(NamedTuple):
    """A closed candle."""

    received: int
    """When it came, by our clock, microseconds UTC."""
    bars: Bars
    """A block of one."""
    table: pl.DataFrame
    """The same as the store keeps it, where the exchange tells more than bars hold."""


class CandleFeed(ABC):
    """Closed candles of one symbol and length."""

    series: Series
    step: int
    """Length of a candle, microseconds."""
    socket: Socket
    page: int
    """Candles of an answer, at most."""

    @abstractmethod
    def read(self, frame: Frame) -> list[Closed]:
        """The closed candles of a frame; DataError for what cannot be read, or is of another series."""

    @abstractmethod
    def ask(self, first: int) -> list[Closed]:
        """A page of candles from a number on, of those that are closed by the exchange's own clock."""

    @abstractmethod
    def close(self) -> None:
        """End what was begun."""


class CandlePlace(Protocol):
    """An exchange that has candles."""

    wait: float

    def candles(self, symbol: str, interval: str) -> CandleFeed:
        """Those of a symbol; ConfigError for a symbol or length that cannot be."""


def each(bars: Bars, received: int, table: pl.DataFrame | None = None) -> list[Closed]:
    """Candles one by one; without a `table` the store keeps the bars."""
    rows = table_of([bars]) if table is None else table
    return [Closed(received, bars[row : row + 1], rows[row : row + 1]) for row in range(len(bars))]
