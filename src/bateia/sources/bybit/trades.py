"""Trades of Bybit's public archive for the store: a file a day or, of spot in its early years, a month."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bateia.core import DataError, Trades
from bateia.core.clock import DAY
from bateia.core.period import Period
from bateia.sources.bybit.archive import in_order, pieces_of, read_day
from bateia.sources.importing import table_of
from bateia.store import Origin, Writer

Days = Callable[[Period], Trades]
"""The trades of a day, in order."""


class TradeFiles:
    """`BTCUSDT2024-01-31.csv.gz`, and of spot `BTCUSDT_2024-01-31.csv.gz` and `BTCUSDT-2024-01.csv.gz`."""

    def __init__(self, symbol: str) -> None:
        self._name = re.compile(re.escape(symbol) + r"(?:_?(\d{4}-\d{2}-\d{2})|-(\d{4}-\d{2}))\.csv\.gz")

    def listed(self, names: Iterable[str]) -> tuple[Mapping[Period, str], int]:
        """See `Files`."""
        found = [match for match in map(self._name.fullmatch, names) if match]
        mine = {Period(match[1] or match[2]): match[0] for match in found}
        return mine, max((period.end for period in mine), default=0)

    def check(self, path: Path) -> Days:
        """See `Files`; of a month the days lie on disk, and memory holds one of them."""
        match = self._name.fullmatch(path.name)
        assert match is not None
        if match[1]:
            trades = read_day(path)
            _within(trades, Period(match[1]), path)
            return lambda day: trades
        return spooled(path, Period(match[2]))

    def put(self, writer: Writer, found: Days, path: Path, day: Period, origin: Origin) -> int:
        """See `Files`."""
        table = table_of([found(day)])
        if len(table):
            writer.write(day, table, day.coverage, origin=[origin])
        return len(table)

    def nothing(self, writer: Writer, day: Period) -> None:
        """See `Files`."""
        whole = day.coverage
        writer.write(day, table_of([Trades.empty()]), whole, absent=whole)

    def notes(self) -> list[str]:
        """See `Files`."""
        return []


def spooled(path: Path, month: Period) -> Days:
    """The days of a month's file, which are put into a folder beside it first.

    DataError naming what is wrong with the file, a trade of another month too.
    """
    folder, count = path.with_name("days"), 0
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for trades in pieces_of(path):
        _within(trades, month, path)
        edges = np.flatnonzero(np.diff(trades.time // DAY)) + 1
        for rows in np.split(np.arange(len(trades)), edges):
            day = Period.at(int(trades.time[rows[0]]), "day").name
            columns: dict[str, Any] = {**trades[rows].columns()}
            np.savez(folder / f"{day}-{count:09}.npz", **columns)
            count += 1

    def of(day: Period) -> Trades:
        parts = [Trades(**np.load(part)) for part in sorted(folder.glob(f"{day.name}-*.npz"))]
        return in_order(Trades.concat(parts)) if parts else Trades.empty()

    return of


def _within(trades: Trades, period: Period, path: Path) -> None:
    """DataError unless all trades are of the file's day or month."""
    outside = (trades.time < period.start) | (trades.time >= period.end)
    if outside.any():
        day = Period.at(int(trades.time[outside][0]), "day").name
        raise DataError(f"{path} has a trade of {day}", allowed=f"those of {period.name}")
