"""A backtest that KrypOracle wrote, as columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bateia.core import Bars, BateiaError, Block, DataError, parse_duration
from bateia.core.events import Bytes, Floats, Ints
from bateia.sources.candles import NEEDED, OPTIONAL, as_bars
from bateia.sources.kryporacle.sections import Section, read_json
from bateia.sources.tables import existing, files_of


@dataclass(frozen=True, eq=False)
class Signals(Block):
    """What the strategy wanted at `time`: `side` 1 long, -1 short, 0 nothing; `price` is NaN if not told.

    `known_at` is the close of the candle that it falls into, whose prices it may have been made from.
    """

    time: Ints
    known_at: Ints
    side: Bytes
    price: Floats


@dataclass(frozen=True, eq=False)
class ClosedTrades(Block):
    """Trades from `time`, the entry, to `known_at`, the exit: only then is it known how one ended.

    `profit` is the file's own, or side * (exit - entry) * size - fees; `success` is 1 where it is above what
    was asked for, else 0.
    """

    time: Ints
    known_at: Ints
    side: Bytes
    size: Floats
    entry_price: Floats
    exit_price: Floats
    profit: Floats
    success: Bytes


@dataclass(frozen=True, eq=False)
class Backtest:
    """All that one file tells."""

    path: Path
    metadata: Mapping[str, Any]
    candles: Bars
    indicators: Mapping[str, Floats]
    """Name -> a value for each candle."""
    signals: Signals
    trades: ClosedTrades
    metrics: Mapping[str, Any]

    @property
    def strategy(self) -> str:
        """Its name as the metadata tells it, else the file's."""
        return str(self.metadata.get("strategy") or self.metadata.get("strategy_name") or self.path.stem)

    @property
    def symbol(self) -> str:
        """As the metadata tells it."""
        return str(self.metadata.get("symbol") or self.metadata.get("pair") or "")


def read_backtest(path: str | Path, least: float = 0.0) -> Backtest:
    """Read one JSON file; a trade is a success where its profit is above `least`.

    Sections are `price_series` and, where there are any, `metadata` (strategy, symbol, timeframe),
    `indicators`, `signals`, `trades` and `metrics`; other usual names of them are known, see `sections.py`.

    Rows come as a list of objects or as an object of lists. Times are those of `read_trades`; a candle's is
    when it opens. DataError names section, column and row of what is wrong.
    """
    path = existing(path)
    found = read_json(path)
    metadata = _object(found.get("metadata"), "metadata", path)
    prices = Section(found["prices"], "prices", path)
    if not prices.length:
        raise DataError(f"{path} holds no candles", allowed="at least one")
    candles = _candles(prices, metadata)
    return Backtest(
        path,
        metadata,
        candles,
        _indicators(found.get("indicators"), len(candles), path),
        _signals(Section(found.get("signals"), "signals", path), candles),
        _trades(Section(found.get("trades"), "trades", path), least),
        _object(found.get("metrics"), "metrics", path),
    )


def read_backtests(path: str | Path, least: float = 0.0) -> list[Backtest]:
    """The backtests of all files that a path with * names, in order of name."""
    return [read_backtest(file, least) for file in files_of(path)]


def _object(value: Any, name: str, path: Path) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise DataError(f"{name} of {path} is {type(value).__name__}", allowed="an object")
    return value


def _candles(prices: Section, metadata: Mapping[str, Any]) -> Bars:
    opened = prices.times("time")
    told = metadata.get("timeframe") or metadata.get("interval")
    steps = np.diff(opened)
    if told is not None:
        try:
            step = parse_duration(str(told))
        except BateiaError as error:
            raise DataError(f"timeframe of {prices.where}: {error}") from None
    elif len(steps[steps > 0]):
        step = int(steps[steps > 0].min())
    else:
        raise DataError(f"{prices.where} do not tell how long a candle is", hint='"timeframe": "5m"')
    unknown = {name: np.full(len(opened), np.nan) for name in OPTIONAL}
    figures = {name: prices.figures(name) for name in NEEDED[1:]}
    return as_bars({"open_time": opened, **figures, **unknown}, step, "open")


def _indicators(value: Any, rows: int, path: Path) -> dict[str, Floats]:
    found = {}
    for name, values in _object(value, "indicators", path).items():
        try:
            column = np.array([np.nan if one is None else one for one in values], np.float64)
        except (TypeError, ValueError):
            raise DataError(f"indicator {name!r} of {path} holds what is no number") from None
        if column.shape != (rows,):
            shape = " x ".join(map(str, column.shape))
            raise DataError(f"indicator {name!r} of {path} has {shape} values", allowed=f"{rows}, as candles")
        found[str(name)] = column
    return found


def _signals(rows: Section, candles: Bars) -> Signals:
    time = rows.times("time")
    candle = np.maximum(np.searchsorted(candles.open_time, time, side="right") - 1, 0)
    known = np.maximum(time, candles.known_at[candle])
    inside = (time >= candles.open_time[candle]) & (time < candles.time[candle])
    found = Signals(time, np.where(inside, known, time), rows.directions(), rows.figures("price", np.nan))
    return found[np.argsort(time, kind="stable")]


def _trades(rows: Section, least: float) -> ClosedTrades:
    entry, leave = rows.times("entry_time"), rows.times("exit_time")
    early = np.flatnonzero(leave < entry)
    if len(early):
        raise DataError(f"row {early[0]} of {rows.where} leaves before it enters", allowed="exit after entry")
    side, size = rows.directions(), rows.figures("size", 1.0)
    price, end = rows.figures("entry_price"), rows.figures("exit_price")
    profit = rows.figures("profit") if rows.has("profit") else np.full(rows.length, np.nan)
    own = side * (end - price) * size - rows.figures("fees", 0.0)
    profit = np.where(np.isnan(profit), own, profit)
    unknown = np.flatnonzero(np.isnan(profit))
    if len(unknown):
        raise DataError(f"row {unknown[0]} of {rows.where} tells no profit", allowed="profit, or both prices")
    order = np.argsort(entry, kind="stable")
    success = (profit > least).astype(np.int8)
    return ClosedTrades(entry, leave, side, size, price, end, profit, success)[order]
