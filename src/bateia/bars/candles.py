"""Bars that a source gives ready-made, candles or sampled books: passed on as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy.typing as npt

from bateia.core import Bars, BookedBars, Component, DataError, Trades
from bateia.core.events import BAR_COLUMNS, BOOK_COLUMNS, LEVEL_COLUMNS


class Candles(Component):
    """The source's own candles, as they are: for sources of kind `candles`."""

    kind: Literal["candles"] = "candles"

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that features may use."""
        return BAR_COLUMNS

    def start(self) -> CandleStream:
        """A fresh stream."""
        return CandleStream()

    def restore(self, snapshot: Mapping[str, npt.NDArray[Any]]) -> CandleStream:
        """The stream as it was: candles leave nothing to remember."""
        return CandleStream()

    def run(self, events: Trades | Bars) -> Bars:
        """The candles of a whole history."""
        return self.start().run(events)


class Books(Component):
    """The source's own bars of sampled order books, as they are: for sources of kind `books`."""

    kind: Literal["books"] = "books"

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that features may use: the book's ten best levels among them."""
        return (*BAR_COLUMNS, *BOOK_COLUMNS, *LEVEL_COLUMNS)

    def start(self) -> BookBarsStream:
        """A fresh stream."""
        return BookBarsStream()

    def restore(self, snapshot: Mapping[str, npt.NDArray[Any]]) -> BookBarsStream:
        """The stream as it was: whole bars leave nothing to remember."""
        return BookBarsStream()

    def run(self, events: Trades | Bars) -> Bars:
        """The bars of a whole history."""
        return self.start().run(events)


class CandleStream:
    """Candles in, the same candles out."""

    def run(self, events: Trades | Bars) -> Bars:
        """The candles; DataError for trades, which make no candles by themselves."""
        if not isinstance(events, Bars):
            raise DataError(
                "trades where candles are due", allowed="Bars", hint="bars: {kind: time, size: 5m}"
            )
        return events

    def snapshot(self) -> dict[str, npt.NDArray[Any]]:
        """Nothing: every candle is whole."""
        return {}


class BookBarsStream(CandleStream):
    """Bars of sampled books in, the same bars out."""

    def run(self, events: Trades | Bars) -> Bars:
        """The bars; DataError for trades or candles, which know no book."""
        if not isinstance(events, BookedBars):
            raise DataError(
                f"{type(events).__name__.lower()} where bars of a book are due", allowed="BookedBars"
            )
        return events
