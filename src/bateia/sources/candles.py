"""Candles that somebody else made: Binance's archive, or any table with open, high, low and close."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bateia.core import Bars, DataError, format_duration, nearest
from bateia.core.events import Floats, Ints
from bateia.sources.columns import clock, numbers
from bateia.sources.files import existing, read_table

if TYPE_CHECKING:
    import polars as pl

NEEDED = ("open_time", "open", "high", "low", "close", "volume")
OPTIONAL = ("value", "trades", "taker_buy_volume", "signed_volume")
BINANCE = (
    *("open_time", "open", "high", "low", "close", "volume", "close_time"),
    *("quote_volume", "count", "taker_buy_volume", "taker_buy_quote_volume", "ignore"),
)
"""Columns of Binance's kline files, in order; some have this header, some have none."""
_THEIRS = {"value": "quote_volume", "trades": "count"}


def read_candles(
    path: str | Path, columns: Mapping[str, str] | None = None, interval: int | None = None
) -> Bars:
    """Candles of a `.parquet`, `.csv`, `.csv.gz` or Binance `.zip` file, or of all that `path` with * names.

    Columns are open_time, open, high, low, close, volume and, where there are any, value (or quote_volume),
    trades (or count), taker_buy_volume or signed_volume; `columns` maps these names to the file's own. Files
    are joined by open_time. A candle's `time`, when it is whole, is its open_time and `interval`
    (microseconds; by default the shortest step between two). What a table does not tell is NaN, but for
    value, which is then volume at the mean of high, low and close. Raises DataError naming file and row.
    """
    paths = _paths(path)
    parts = [_table(one, columns or {}) for one in paths]
    parts.sort(key=lambda part: int(part["open_time"][0]))
    table = {name: np.concatenate([part[name] for part in parts]) for name in (*NEEDED, *OPTIONAL)}
    opened = np.asarray(table["open_time"], np.int64)
    step = interval or _step(opened, path)
    volume, signed = table["volume"], table["signed_volume"]
    typical = (table["high"] + table["low"] + table["close"]) / 3
    value = np.where(np.isnan(table["value"]), volume * typical, table["value"])
    vwap = np.divide(value, volume, out=table["close"].copy(), where=volume > 0)
    unknown = np.full(len(opened), np.nan)
    return Bars(
        open_time=opened,
        time=opened + step,
        known_at=opened + step,
        **{name: table[name] for name in ("open", "high", "low", "close", "volume")},
        signed_volume=np.where(np.isnan(signed), 2 * table["taker_buy_volume"] - volume, signed),
        value=value,
        vwap=vwap,
        trades=table["trades"],
        up_ticks=unknown,
        down_ticks=unknown.copy(),
    )


def candle_files(path: str | Path) -> list[Path]:
    """The files that a path with or without * names, in order of name; DataError where there are none."""
    return _paths(path)


def _paths(path: str | Path) -> list[Path]:
    if not any(sign in str(path) for sign in "*?["):
        return [existing(path)]
    pattern = Path(path)
    matches = Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor)))
    found = sorted(match for match in matches if match.is_file())
    if not found:
        raise DataError(f"no file matches {str(path)!r}", hint="data/BTCUSDT-5m-*.zip")
    return found


def _table(path: Path, columns: Mapping[str, str]) -> dict[str, Floats | Ints]:
    frame = _read(path)
    if not len(frame):
        raise DataError(f"{path} holds no candles", allowed="at least one row")
    unknown = [name for name in columns if name not in (*NEEDED, *OPTIONAL)]
    if unknown:
        ours = (*NEEDED, *OPTIONAL)
        hint = nearest(unknown[0], ours)
        raise DataError(f"candles have no column {unknown[0]!r}", allowed=", ".join(ours), hint=hint)
    mapping = {name: columns.get(name, _theirs(name, frame.columns)) for name in (*NEEDED, *OPTIONAL)}
    absent = [n for n in (*NEEDED, *columns) if mapping[n] not in frame.columns]
    if absent:
        raise DataError(
            f"{path} has no column {mapping[absent[0]]!r} (for {absent[0]})",
            allowed=", ".join(frame.columns),
            hint=f"columns: {{{absent[0]}: {nearest(absent[0], frame.columns) or '…'}}}",
        )
    table: dict[str, Floats | Ints] = {"open_time": clock(frame[mapping["open_time"]], path)}
    for name in (*NEEDED[1:], *OPTIONAL):
        known = mapping[name] in frame.columns
        table[name] = numbers(frame[mapping[name]], path) if known else np.full(len(frame), np.nan)
    return table


def _theirs(name: str, known: list[str]) -> str:
    return _THEIRS[name] if name in _THEIRS and name not in known else name


def _read(path: Path) -> pl.DataFrame:
    if path.suffix.lower() != ".zip":
        return read_table(path)
    import polars as pl

    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.lower().endswith(".csv")]
            if len(names) != 1:
                raise DataError(f"{path} holds {len(names)} CSV files", allowed="one")
            data = archive.read(names[0])
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise DataError(f"cannot read {path}: {error}", hint="is the file whole? download it again") from None
    headed = data[:1].isalpha()
    try:
        columns = None if headed else list(BINANCE)
        return pl.read_csv(io.BytesIO(data), has_header=headed, new_columns=columns, infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise DataError(f"cannot read {path}: {reason}", allowed="a CSV of candles") from None


def _step(opened: Ints, path: str | Path) -> int:
    steps = np.diff(opened)
    steps = steps[steps > 0]
    if not len(steps):
        raise DataError(f"{len(opened)} candles of {path} do not tell how long one is", hint="interval: 5m")
    step = int(steps.min())
    odd = int((steps % step > 0).sum())
    if odd:
        raise DataError(
            f"candles of {path} lie {format_duration(step)} apart, but {odd:,} of them off that grid",
            allowed="candles of one length",
            hint="interval: 5m",
        )
    return step
