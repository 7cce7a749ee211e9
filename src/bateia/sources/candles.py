"""Candles that somebody else made: Binance's archive, or any table with open, high, low and close."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from bateia.core import Bars, DataError, format_duration
from bateia.core.events import Floats, Ints
from bateia.sources.columns import Clock, numbers
from bateia.sources.files import check_names, mapped
from bateia.sources.formats import PLAIN, Format
from bateia.sources.symbols import Chosen
from bateia.sources.tables import files_of, open_table

if TYPE_CHECKING:
    import polars as pl

NEEDED = ("open_time", "open", "high", "low", "close", "volume")
OPTIONAL = ("value", "vwap", "trades", "taker_buy_volume", "sell_volume", "signed_volume")
OURS = (*NEEDED, *OPTIONAL, "symbol")
BINANCE = (
    *("open_time", "open", "high", "low", "close", "volume", "close_time"),
    *("quote_volume", "count", "taker_buy_volume", "taker_buy_quote_volume", "ignore"),
)
"""Columns of Binance's kline files, in order; some have this header, some have none."""
_THEIRS = {"value": "quote_volume", "trades": "count"}
Stamp = Literal["open", "close"]
"""What a file's times say of a candle: when it opens, or when it closes."""


@dataclass(frozen=True)
class CandleLayout:
    """How candles lie in a file."""

    columns: Mapping[str, str]
    interval: int | None = None
    form: Format = PLAIN
    symbol: str | None = None
    stamp: Stamp = "open"


def read_candles(
    path: str | Path,
    columns: Mapping[str, str] | None = None,
    interval: int | None = None,
    *,
    form: Format = PLAIN,
    symbol: str | None = None,
    stamp: Stamp = "open",
) -> Bars:
    """Candles of a CSV, Parquet, Feather or Binance `.zip` file, or of all that `path` with * names.

    Columns are open_time, open, high, low, close, volume and, where there are any, value (or quote_volume),
    vwap, trades (or count), taker_buy_volume, sell_volume, signed_volume and symbol; `columns` maps these
    names to the file's own, `form` says how they are written, `symbol` which rows are meant. Files are joined
    by open_time. A candle's `time`, when it is whole, is its open_time and `interval` (microseconds; by
    default the shortest step between two in the first piece of the first file); with `stamp` "close" it is
    the file's time itself. What a table does not tell is NaN, but for value, which is then volume at vwap or
    at the mean of high, low and close. Raises DataError naming file and row.
    """
    layout = CandleLayout(columns or {}, interval, form, symbol, stamp)
    return Bars.concat(list(candle_pieces(path, layout)))


def candle_pieces(path: str | Path, layout: CandleLayout) -> Iterator[Bars]:
    """The same candles as `read_candles` gives, a piece of some 100,000 rows at a time."""
    check_names("candles", layout.columns, OURS)
    files = files_of(path)
    if len(files) > 1:
        firsts = {file: int(next(_tables(file, layout))["open_time"][0]) for file in files}
        files.sort(key=lambda file: firsts[file])
    grid = _Grid(path, layout.interval)
    kept: list[dict[str, Floats | Ints]] = []
    for table in (table for file in files for table in _tables(file, layout)):
        kept.append(table)
        stamps = np.concatenate([np.asarray(one["open_time"], np.int64) for one in kept])
        if grid.told(stamps):
            yield from (as_bars(one, grid.step, layout.stamp) for one in kept)
            kept = []
    if kept:
        raise DataError(f"{len(kept)} candles of {path} do not tell how long one is", hint="interval: 5m")


class _Grid:
    """How long a candle is: as said, or the shortest step between two of the first ones; all others fit."""

    def __init__(self, path: str | Path, interval: int | None) -> None:
        self._path, self._said, self._last = path, interval is not None, np.empty(0, np.int64)
        self.step = interval or 0

    def told(self, stamps: Ints) -> bool:
        """Whether the length is known with these; DataError where one is off the grid."""
        if self._said:
            return True
        steps = np.diff(np.concatenate([self._last, stamps]))
        steps = steps[steps > 0]
        self.step = self.step or (int(steps.min()) if len(steps) else 0)
        if not self.step:
            return False
        self._last = stamps[-1:]
        odd = int((steps % self.step > 0).sum())
        if odd:
            raise DataError(
                f"candles of {self._path} lie {format_duration(self.step)} apart, "
                f"but {odd:,} of them off that grid",
                allowed="candles of one length",
                hint="interval: 5m",
            )
        return True


def as_bars(table: Mapping[str, Floats | Ints], step: int, stamp: Stamp) -> Bars:
    """Bars from columns by our names, `open_time` among them; what a column does not tell is NaN there."""
    stamps = np.asarray(table["open_time"], np.int64)
    opened = stamps if stamp == "open" else stamps - step
    told: dict[str, Floats] = {name: np.asarray(column, np.float64) for name, column in table.items()}
    volume, bought, sold = (told[name] for name in ("volume", "taker_buy_volume", "sell_volume"))
    signed = np.where(np.isnan(sold), 2 * bought - volume, bought - sold)
    signed = np.where(np.isnan(told["signed_volume"]), signed, told["signed_volume"])
    typical = (told["high"] + told["low"] + told["close"]) / 3
    value = volume * np.where(np.isnan(told["vwap"]), typical, told["vwap"])
    value = np.where(np.isnan(told["value"]), value, told["value"])
    vwap = np.divide(value, volume, out=told["close"].copy(), where=volume > 0)
    unknown = np.full(len(opened), np.nan)
    return Bars(
        open_time=opened,
        time=opened + step,
        known_at=opened + step,
        **{name: told[name] for name in ("open", "high", "low", "close", "volume", "trades")},
        signed_volume=signed,
        value=value,
        vwap=np.where(np.isnan(told["vwap"]), vwap, told["vwap"]),
        up_ticks=unknown,
        down_ticks=unknown.copy(),
    )


def _tables(path: Path, layout: CandleLayout) -> Iterator[dict[str, Floats | Ints]]:
    """Pieces with at least one row each, and at least one of them."""
    zipped = path.suffix.lower() == ".zip" and not layout.form.names
    table = open_table(path, layout.form, BINANCE if zipped else ())
    mapping = _mapping(table.names, path, layout)
    clock, chosen, row, some = Clock(path, layout.form), Chosen(path, layout.symbol), 0, False
    figures = [mapping[name] for name in mapping if name not in {"open_time", "symbol"}]
    for frame in table.pieces(list(dict.fromkeys(mapping.values())), figures):
        piece = _piece(frame, mapping, path, clock, row)
        if "symbol" in mapping:
            meant = chosen.rows(frame[mapping["symbol"]])
            piece = piece if meant.all() else {name: column[meant] for name, column in piece.items()}
        row += len(frame)
        if len(piece["open_time"]):
            some = True
            yield piece
    if not row:
        raise DataError(f"{path} holds no candles", allowed="at least one row")
    if not some:
        chosen.end()


def _piece(
    frame: pl.DataFrame, mapping: Mapping[str, str], path: Path, clock: Clock, row: int
) -> dict[str, Floats | Ints]:
    piece: dict[str, Floats | Ints] = {"open_time": clock.read(frame[mapping["open_time"]], row)}
    for name in (*NEEDED[1:], *OPTIONAL):
        known = name in mapping
        piece[name] = numbers(frame[mapping[name]], path, row) if known else np.full(len(frame), np.nan)
    return piece


def _mapping(names: list[str], path: Path, layout: CandleLayout) -> dict[str, str]:
    mapping = {name: name for name in NEEDED}
    for name in (*OPTIONAL, "symbol"):
        theirs = _THEIRS[name] if name in _THEIRS and name not in names else name
        if theirs in names:
            mapping[name] = theirs
    if layout.symbol is not None:
        mapping["symbol"] = "symbol"
    return mapped(names, mapping | dict(layout.columns), path)
