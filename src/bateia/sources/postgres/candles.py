"""Candles of a table such as `candles`, as the store keeps those that somebody else made."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bateia.core import DataError, format_duration, format_time, parse_duration
from bateia.core.events import Floats, Ints
from bateia.sources.candles import NEEDED, OPTIONAL, as_bars
from bateia.sources.importing import table_of
from bateia.sources.postgres.connection import connect
from bateia.sources.postgres.layout import Rows, listed, literal, named, quoted
from bateia.sources.postgres.table import WINDOW, Table

if TYPE_CHECKING:
    import polars as pl

_FIGURES = (*NEEDED[1:], *OPTIONAL)
_MADE_BY = ("source", "market")
_ALSO = {"value": ("quote_volume",), "trades": ("count",)}
CANDLES = Rows(
    name="candles",
    clock="open_time",
    needed={"symbol": "symbol", **{name: name for name in NEEDED}},
    optional={name: (name, *_ALSO.get(name, ())) for name in (*OPTIONAL, "length", *_MADE_BY)},
    numbers=_FIGURES,
)


@dataclass(frozen=True)
class CandleTable:
    """A table of candles, of which those of `interval` are meant. `columns` maps our names to its own,
    where they are others; `only` says what columns of its own hold in the rows that are meant."""

    url: str
    interval: str
    table: str = "candles"
    columns: Mapping[str, str] = field(default_factory=dict)
    only: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parse_duration(self.interval)

    @cached_property
    def _rows(self) -> Table:
        return Table(self.url, self.table, CANDLES, self.columns, self.only)

    @cached_property
    def step(self) -> int:
        """Length of a candle, microseconds."""
        return parse_duration(self.interval)

    def span(self, symbol: str) -> tuple[int, int]:
        """From the first candle's start to the last one's end, microseconds.

        DataError for a symbol that is not there, and where candles of several makers are meant.
        """
        first, last = self._rows.ends(symbol)
        self._check_maker(symbol)
        return first, last + self.step

    def windows(self, symbol: str, start: int, end: int, rows: int = WINDOW) -> Iterator[pl.DataFrame]:
        """Candles that open from `start` to before `end` (microseconds) and are whole by now.

        All windows see the table as it was when the first was read. DataError for candles without a price,
        and for two that lie another time apart than `interval` or many of them.
        """
        layout = self._rows.layout
        columns = {name: quoted(theirs) for name, theirs in layout.names.items()}
        select = {"open_time": layout.zoned("open_time")}
        select |= {name: f"{columns[name]}::float8" for name in _FIGURES if name in columns}
        end = min(end, int(time.time() * 1e6) - self.step + 1)
        last = np.empty(0, np.int64)
        order = f"t.{columns['open_time']}"
        for found in self._rows.windows(select, order, self._where(symbol), start, end, rows):
            opened = np.array(found["open_time"].dt.epoch("us").to_numpy(), np.int64)
            self._check_grid(np.concatenate([last, opened]))
            last = opened[-1:]
            yield table_of([as_bars(_figures(found, opened, self.table), self.step, "open")])

    def _where(self, symbol: str) -> str:
        """Of this length, where the table tells it; a candle table of one length need not."""
        where = self._rows.where(symbol)
        length = self._rows.layout.names.get("length")
        return f"{where} AND {quoted(length)} = {literal(self.interval)}" if length else where

    def _check_maker(self, symbol: str) -> None:
        names = self._rows.layout.names
        makers = {name: names[name] for name in _MADE_BY if name in names}
        if not makers:
            return
        head = ", ".join(quoted(theirs) for theirs in makers.values())
        sql = f"SELECT DISTINCT {head} FROM {named(self.table)} WHERE {self._where(symbol)}"
        with connect(self.url) as db:
            known = [
                ",".join(f"{name}={word}" for name, word in zip(makers.values(), row, strict=True))
                for row in db.execute(sql)
            ]
        if not known:
            raise DataError(
                f"the table {self.table!r} has no candles of {self.interval} of {symbol!r}",
                hint="another length, as its column names it",
            )
        if len(known) > 1:
            raise DataError(
                f"candles of {symbol!r} in {self.table!r} are of {len(known)} makers",
                allowed=listed(known),
                hint=f"only {min(known)}",
            )

    def _check_grid(self, opened: Ints) -> None:
        """DataError for the first candle that is not one or many lengths after the one before it."""
        steps = np.diff(opened)
        bad = np.flatnonzero((steps % self.step != 0) | (steps == 0))
        if len(bad):
            moment, apart = format_time(int(opened[bad[0] + 1])), int(steps[bad[0]])
            told = format_duration(apart) if apart else "no time"
            raise DataError(
                f"the candle of {self.table!r} at {moment} is {told} after the one before it",
                allowed=f"candles of {self.interval}, each once",
                hint="which rows are meant: --only COLUMN=VALUE, or the column of lengths: length=COLUMN",
            )


def _figures(found: pl.DataFrame, opened: Ints, name: str) -> dict[str, Floats | Ints]:
    """Columns by our names, NaN where nothing is told; DataError for a candle without a price or volume."""
    figures: dict[str, Floats | Ints] = {"open_time": opened}
    for column in _FIGURES:
        if column not in found.columns:
            figures[column] = np.full(len(found), np.nan)
            continue
        nothing = found[column].is_null()
        if column in NEEDED and nothing.any():
            moment = format_time(int(opened[int(nothing.arg_max() or 0)]))
            raise DataError(
                f"the candle of {name!r} at {moment} has no {column}", allowed="a number in every row"
            )
        figures[column] = np.array(found[column].fill_null(float("nan")).to_numpy(), np.float64)
    return figures
