"""Trades from Parquet and CSV files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bateia.core import DataError, Trades, nearest

if TYPE_CHECKING:
    import polars as pl

NEEDED = ("time", "price", "size")
OPTIONAL = ("known_at", "side")
_SIDES = {"buy": 1, "b": 1, "bid": 1, "1": 1, "sell": -1, "s": -1, "ask": -1, "-1": -1, "": 0, "0": 0}
_UNITS = ((10**11, "s", 1_000_000.0), (10**14, "ms", 1_000.0), (10**17, "us", 1.0), (10**20, "ns", 0.001))


def read_trades(path: str | Path, columns: Mapping[str, str] | None = None) -> Trades:
    """Trades of a `.parquet`, `.csv` or `.csv.gz` file, in the file's order.

    Columns are `time`, `price`, `size` and, where there are any, `known_at` and `side`; `columns` maps
    these names to the file's own. Times are datetimes (naive ones are UTC) or numbers since 1970, whose
    unit (s, ms, us, ns) is told from their magnitude. `side` is the aggressor: 1/-1 or buy/sell; under the
    name `trade_type` 2 is a buyer and 3 a seller. Raises DataError naming what is wrong with the file.

    >>> from bateia.samples import sample_path
    >>> len(read_trades(sample_path("es-trades-2013-09")))
    500000
    """
    frame = _read(Path(path))
    mapping = {name: name for name in (*NEEDED, *OPTIONAL) if name in frame.columns} | dict(columns or {})
    if "side" not in mapping and "trade_type" in frame.columns:
        mapping["side"] = "trade_type"
    unknown = sorted(set(mapping) - {*NEEDED, *OPTIONAL})
    if unknown:
        raise DataError(f"no such columns of trades: {unknown}", allowed=", ".join((*NEEDED, *OPTIONAL)))
    for name in NEEDED:
        mapping.setdefault(name, name)
    for name, theirs in mapping.items():
        if theirs not in frame.columns:
            close = nearest(theirs, frame.columns)
            raise DataError(
                f"{path} has no column {theirs!r} (for {name})",
                allowed=", ".join(frame.columns),
                hint=f"columns: {{{name}: {close or frame.columns[0]}}}",
            )
    if not len(frame):
        raise DataError(f"{path} holds no trades", allowed="at least one row")
    time = _clock(frame[mapping["time"]], path)
    return Trades(
        time=time,
        known_at=_clock(frame[mapping["known_at"]], path) if "known_at" in mapping else time,
        price=_numbers(frame[mapping["price"]], path),
        size=_numbers(frame[mapping["size"]], path),
        side=_sides(frame[mapping["side"]], path) if "side" in mapping else np.zeros(len(time), np.int8),
    )


def write_table(frame: pl.DataFrame, path: str | Path) -> None:
    """Write a table as `.parquet` or `.csv`, whole or not at all; DataError where it cannot."""
    path = Path(path)
    if path.suffix not in {".parquet", ".csv"}:
        raise DataError(f"cannot write {path}", allowed="a name that ends in .parquet or .csv")
    part = path.with_name(f".{path.name}.part")
    try:
        frame.write_parquet(part) if path.suffix == ".parquet" else frame.write_csv(part)
        part.replace(path)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}", hint="another folder") from None
    finally:
        part.unlink(missing_ok=True)


def _read(path: Path) -> pl.DataFrame:
    import polars as pl

    readers: dict[str, Callable[[Path], pl.DataFrame]] = {
        ".parquet": pl.read_parquet,
        ".csv": pl.read_csv,
        ".gz": pl.read_csv,
    }
    if not path.is_file():
        folder = path.parent if path.parent.is_dir() else Path()
        close = nearest(path.name, [p.name for p in folder.iterdir()])
        raise DataError(f"no file {str(path)!r}", hint=close and str(folder / close))
    if path.suffix not in readers:
        raise DataError(f"{path} is neither Parquet nor CSV", allowed=".parquet, .csv, .csv.gz")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty", allowed="a file with a header and rows")
    try:
        return readers[path.suffix](path)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise DataError(f"cannot read {path}: {reason}", hint="is the file whole, and of its kind?") from None


def _clock(column: pl.Series, path: str | Path) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """int64 microseconds since 1970 UTC."""
    import polars as pl

    if column.dtype == pl.String:
        try:
            column = column.str.to_datetime(time_unit="us")
        except pl.exceptions.PolarsError:
            raise DataError(
                f"times in {column.name!r} of {path} are not understood, such as {column[0]!r}",
                allowed="ISO 8601, or numbers since 1970",
                hint="2024-01-31T12:00:00.000",
            ) from None
    if column.null_count():
        row = int(column.is_null().arg_max() or 0)
        raise DataError(f"row {row} of {path} has no time ({column.name!r})", allowed="a time in every row")
    if isinstance(column.dtype, pl.Datetime):
        return column.dt.epoch("us").to_numpy().astype(np.int64)
    if not column.dtype.is_numeric():
        raise DataError(f"{column.name!r} of {path} is {column.dtype}", allowed="datetimes or numbers")
    values = column.to_numpy()
    largest = float(np.nanmax(np.abs(values)))
    for below, _, factor in _UNITS:
        if largest < below:
            if values.dtype.kind in "iu" and factor >= 1:
                return values.astype(np.int64) * int(factor)
            return np.round(values.astype(np.float64) * factor).astype(np.int64)
    raise DataError(
        f"times such as {largest:g} in {path} are no moments", allowed="s, ms, us or ns since 1970"
    )


def _numbers(column: pl.Series, path: str | Path) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    import polars as pl

    if not column.dtype.is_numeric():
        raise DataError(
            f"{column.name!r} of {path} is {column.dtype}, such as {column[0]!r}", allowed="numbers"
        )
    return np.ascontiguousarray(column.cast(pl.Float64).fill_null(float("nan")).to_numpy())


def _sides(column: pl.Series, path: str | Path) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    import polars as pl

    words = column.cast(pl.String).fill_null("").str.to_lowercase().str.replace(r"\.0$", "")
    known = {"2": 1, "3": -1} if column.name == "trade_type" else _SIDES
    strange = sorted(set(words.unique().to_list()) - set(known) - {"", "0"})
    if strange:
        raise DataError(
            f"{column.name!r} of {path} holds {strange[0]!r}", allowed="1/-1, buy/sell; trade_type 2/3"
        )
    return words.replace_strict({"": 0, "0": 0} | known, return_dtype=pl.Int8).to_numpy().astype(np.int8)
