"""Sections of a backtest's JSON as columns, whichever of the usual names and shapes they come in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bateia.core import DataError, nearest
from bateia.core.events import Bytes, Floats, Ints
from bateia.sources.columns import Clock, numbers

SECTIONS = {
    "metadata": ("metadata", "meta"),
    "prices": ("price_series", "prices", "price_data", "candles", "ohlcv"),
    "indicators": ("indicators",),
    "signals": ("signals",),
    "trades": ("trades",),
    "metrics": ("metrics",),
}
"""Our name of a section -> the names that it may have."""
COLUMNS = {
    "time": ("time", "timestamp", "open_time", "datetime", "date"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "v"),
    "side": ("side", "direction", "signal", "type", "action"),
    "price": ("price",),
    "entry_time": ("entry_time", "open_time", "opened_at", "entry_date"),
    "exit_time": ("exit_time", "close_time", "closed_at", "exit_date"),
    "entry_price": ("entry_price", "open_price"),
    "exit_price": ("exit_price", "close_price"),
    "size": ("size", "quantity", "qty", "amount"),
    "profit": ("profit", "pnl", "net_profit", "profit_loss"),
    "fees": ("fees", "fee", "commission"),
}
"""Our name of a column -> the names that it may have."""
_ARRAYS = ("time", "open", "high", "low", "close", "volume")
_SIDES = {"buy": 1, "long": 1, "1": 1, "sell": -1, "short": -1, "-1": -1, "hold": 0, "neutral": 0, "0": 0}


def read_json(path: Path) -> dict[str, Any]:
    """The sections of a file by our names; DataError where it is no JSON of a backtest."""
    try:
        whole = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON: {error}", hint="is the file whole?") from None
    if not isinstance(whole, dict):
        raise DataError(f"{path} is a JSON {type(whole).__name__}", allowed="an object with sections")
    found = {ours: whole[name] for ours, names in SECTIONS.items() for name in names[::-1] if name in whole}
    if "prices" not in found:
        names = SECTIONS["prices"]
        raise DataError(
            f"{path} has no {names[0]!r}, only {', '.join(map(repr, whole)) or 'nothing'}",
            allowed=", ".join(names),
            hint=nearest(names[0], whole),
        )
    return found


class Section:
    """A section with rows: a list of objects or arrays, or an object of lists."""

    def __init__(self, rows: Any, name: str, path: Path) -> None:
        self.where = f"{name} of {path}"
        self._rows = self._as_columns([] if rows is None else rows)
        lengths = {name: len(column) for name, column in self._rows.items()}
        if len(set(lengths.values())) > 1:
            raise DataError(f"{self.where} have columns of unequal length: {lengths}", allowed="one length")
        self.length = next(iter(lengths.values()), 0)

    def _as_columns(self, rows: Any) -> dict[str, list[Any]]:
        if isinstance(rows, Mapping) and all(isinstance(column, list) for column in rows.values()):
            return dict(rows)
        if isinstance(rows, list) and all(isinstance(row, Mapping) for row in rows):
            names = dict.fromkeys(name for row in rows for name in row)
            return {name: [row.get(name) for row in rows] for name in names}
        if isinstance(rows, list) and all(isinstance(row, list) and len(row) == len(_ARRAYS) for row in rows):
            return {name: [row[k] for row in rows] for k, name in enumerate(_ARRAYS)}
        raise DataError(
            f"{self.where} are neither rows nor columns",
            allowed=f"a list of objects, an object of lists, or lists of {', '.join(_ARRAYS)}",
        )

    def has(self, ours: str) -> bool:
        """Whether there is such a column."""
        return any(name in self._rows for name in COLUMNS[ours])

    def times(self, ours: str) -> Ints:
        """A column of moments, int64 microseconds; DataError names the row that has none."""
        import polars as pl

        if not self.length:
            return np.empty(0, np.int64)
        name, values = self._column(ours)
        return Clock(self.where).read(pl.Series(name, values, strict=False))

    def figures(self, ours: str, missing: float | None = None) -> Floats:
        """A column of numbers, `missing` where there is no such column; DataError names the row of none."""
        import polars as pl

        if not self.length or (missing is not None and not self.has(ours)):
            return np.full(self.length, np.nan if missing is None else missing)
        name, values = self._column(ours)
        return numbers(pl.Series(name, values, strict=False), self.where)

    def directions(self) -> Bytes:
        """The column of sides, 1, -1 or 0; DataError names the row of another word."""
        if not self.length:
            return np.empty(0, np.int8)
        name, values = self._column("side")
        words = [str(value).strip().lower().removesuffix(".0") for value in values]
        for row, word in enumerate(words):
            if word not in _SIDES:
                raise DataError(
                    f"row {row} of {name!r} in {self.where}, {values[row]!r}, is no side",
                    allowed=", ".join(_SIDES),
                )
        return np.array([_SIDES[word] for word in words], np.int8)

    def _column(self, ours: str) -> tuple[str, list[Any]]:
        for name in COLUMNS[ours]:
            if name in self._rows:
                return name, self._rows[name]
        raise DataError(
            f"{self.where} have no {ours!r}, only {', '.join(map(repr, self._rows)) or 'nothing'}",
            allowed=", ".join(COLUMNS[ours]),
            hint=nearest(ours, self._rows),
        )
