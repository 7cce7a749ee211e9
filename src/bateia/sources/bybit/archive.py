"""Files of Bybit's public archive of trades: a day each, newest or oldest first, in s or ms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from bateia.core import Component, DataError, Trades
from bateia.runs import content_hash, file_hash
from bateia.sources.blocks import BLOCK, recut
from bateia.sources.files import file_pieces
from bateia.sources.formats import PLAIN
from bateia.sources.tables import files_of, open_table

DERIVATIVES = {"time": "timestamp", "price": "price", "size": "size", "side": "side", "symbol": "symbol"}
"""Of futures: time in seconds with fractions. `size` of inverse ones is in USD, of linear ones in coins."""
SPOT = {"time": "timestamp", "price": "price", "size": "volume", "side": "side"}
"""Of spot: time in milliseconds."""


class BybitSource(Component):
    """Trades of files that were taken from Bybit's public archive, https://public.bybit.com.

    Memory holds one file, which is a day. The archive does not tell when a trade was published: `known_at` is
    its `time`.
    """

    kind: Literal["bybit"] = "bybit"
    gives: ClassVar[Literal["trades"]] = "trades"
    path: str
    """A file, or many by `*`, relative to the working folder: `data/BTCUSD2019-10-*.csv.gz`."""

    def read(self) -> Trades:
        """All trades, oldest first."""
        return Trades.concat(list(self.blocks()))

    def blocks(self, rows: int = BLOCK) -> Iterator[Trades]:
        """The trades in blocks of `rows`, oldest first; DataError where files overlap."""
        return recut(self._days(), rows)

    def _days(self) -> Iterator[Trades]:
        files = files_of(self.path)
        if len(files) > 1:
            files.sort(key=_first)
        before: tuple[int, Path] | None = None
        for file in files:
            day = read_day(file)
            if before and day.time[0] < before[0]:
                raise DataError(
                    f"{file} begins before {before[1]} ends",
                    allowed="files of one symbol, each of its own day",
                    hint="a narrower path",
                )
            before = int(day.time[-1]), file
            yield day

    def hash(self) -> str:
        """Hash of the files' bytes, hex."""
        return content_hash([file_hash(path) for path in files_of(self.path)])


def read_day(path: str | Path) -> Trades:
    """The trades of one file, oldest first: those of one moment in the order in which they happened.

    The side is the aggressor's. DataError naming what is wrong with the file, and in which row, from 0.
    """
    return in_order(Trades.concat(list(pieces_of(Path(path)))))


def pieces_of(path: Path) -> Iterator[Trades]:
    """The trades of a file as they lie in it, a piece at a time; DataError as `read_day`."""
    return file_pieces(path, _columns(path), PLAIN, None)


def in_order(trades: Trades) -> Trades:
    """Trades that lie newest or oldest first, oldest first."""
    if trades.time[0] > trades.time[-1]:
        trades = trades[np.arange(len(trades))[::-1]]
    if np.any(np.diff(trades.time) < 0):
        trades = trades[np.argsort(trades.time, kind="stable")]
    return trades


def _columns(path: Path) -> dict[str, str]:
    names = open_table(path).names
    for columns in (DERIVATIVES, SPOT):
        if set(columns.values()) <= set(names):
            return columns
    raise DataError(
        f"{path} has the columns {', '.join(names)}",
        allowed=f"{', '.join(DERIVATIVES.values())} or, of spot, {', '.join(SPOT.values())}",
        hint="{kind: file, path: …, columns: {…}}",
    )


def _first(path: Path) -> int:
    """A moment of the file's day: its first row's."""
    return int(next(pieces_of(path)).time[0])
