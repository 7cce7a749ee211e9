"""Candles that a source gives ready-made: passed on as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy.typing as npt

from bateia.core import Bars, Component, DataError, Trades


class Candles(Component):
    """The source's own candles, as they are: for sources of kind `candles`."""

    kind: Literal["candles"] = "candles"

    def start(self) -> CandleStream:
        """A fresh stream."""
        return CandleStream()

    def restore(self, snapshot: Mapping[str, npt.NDArray[Any]]) -> CandleStream:
        """The stream as it was: candles leave nothing to remember."""
        return CandleStream()

    def run(self, events: Trades | Bars) -> Bars:
        """The candles of a whole history."""
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
