"""Candles of KrypOracle's backtests, as a recipe's source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np

from bateia.core import Bars, Component, DataError, format_time
from bateia.runs import content_hash, file_hash
from bateia.sources.blocks import BLOCK, recut
from bateia.sources.kryporacle.backtest import Backtest, read_backtests
from bateia.sources.tables import files_of

_SAME = ("time", "open", "high", "low", "close", "volume")


class KrypOracleSource(Component):
    """Candles of one backtest, or of many of one symbol, for bars of kind `candles`; see `read_backtest`."""

    kind: Literal["kryporacle"] = "kryporacle"
    gives: ClassVar[Literal["candles"]] = "candles"
    path: str
    """A JSON file, or many by `*`, relative to the working folder."""

    def backtests(self) -> list[Backtest]:
        """All that the files tell."""
        return read_backtests(self.path)

    def read(self) -> Bars:
        """All candles, oldest first, each once; DataError where two backtests tell one differently."""
        backtests = self.backtests()
        symbols = sorted({one.symbol for one in backtests})
        if len(symbols) > 1:
            raise DataError(
                f"{self.path} holds several symbols: {', '.join(symbols)}", allowed="one", hint="another path"
            )
        return _joined([one.candles for one in backtests], self.path)

    def blocks(self, rows: int = BLOCK) -> Iterator[Bars]:
        """The candles in blocks of `rows`; the files are read whole."""
        return recut((bars for bars in (self.read(),)), rows)

    def hash(self) -> str:
        """Hash of the files' bytes, hex."""
        return content_hash([file_hash(path) for path in files_of(self.path)])


def _joined(series: list[Bars], path: str) -> Bars:
    if len(series) == 1:
        return series[0]
    whole = Bars.concat(series)
    whole = whole[np.argsort(whole.open_time, kind="stable")]
    again = np.flatnonzero(np.diff(whole.open_time) == 0) + 1
    for name in _SAME:
        column = getattr(whole, name)
        other = np.flatnonzero(column[again] != column[again - 1])
        if len(other):
            moment = format_time(int(whole.open_time[again[other[0]]]))
            raise DataError(
                f"backtests of {path} tell another {name} of the candle of {moment}",
                allowed="candles of one market",
                hint="a narrower path",
            )
    return whole[np.setdiff1d(np.arange(len(whole)), again)]
