"""Trades from Parquet and CSV files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bateia.core import ConfigError, DataError, Trades, nearest
from bateia.sources.columns import clock, numbers, sides

if TYPE_CHECKING:
    import polars as pl

NEEDED = ("time", "price", "size")
OPTIONAL = ("known_at", "side")
SUFFIXES = (".parquet", ".csv", ".csv.gz")


def read_trades(
    path: str | Path, columns: Mapping[str, str] | None = None, rows: int | None = None
) -> Trades:
    """Trades of a `.parquet`, `.csv` or `.csv.gz` file, in the file's order; the first `rows` if given.

    Columns are `time`, `price`, `size` and, where there are any, `known_at` (else it is `time`) and `side`
    (else 0); `columns` maps these names to the file's own. Times are datetimes (naive ones are UTC), ISO 8601
    text or numbers since 1970, whose unit is told from the column's largest: s below 1e11 (the year 5138), ms
    below 1e14, us below 1e17, ns below 1e20 (whole ones are rounded down to the microsecond). `side` is the
    aggressor: 1/-1 or buy/sell; under the name `trade_type` 2 is a buyer and 3 a seller. Raises DataError
    naming what is wrong with the file, and in which row, from 0.

    >>> from bateia.samples import sample_path
    >>> len(read_trades(sample_path("es-trades-2013-09"), rows=1000))
    1000
    """
    if rows is not None and rows < 1:
        raise ConfigError(f"{rows} rows of {path}", allowed="1 or more, or None for all")
    frame = read_table(existing(path), rows)
    mapping = _mapping(frame, path, columns or {})
    if not len(frame):
        raise DataError(f"{path} holds no trades", allowed="at least one row")
    time = clock(frame[mapping["time"]], path)
    return Trades(
        time=time,
        known_at=clock(frame[mapping["known_at"]], path) if "known_at" in mapping else time,
        price=numbers(frame[mapping["price"]], path),
        size=numbers(frame[mapping["size"]], path),
        side=sides(frame[mapping["side"]], path) if "side" in mapping else np.zeros(len(time), np.int8),
    )


def existing(path: str | Path) -> Path:
    """The path, if a file lies there; DataError with the nearest name where none does."""
    path = Path(path)
    if not path.is_file():
        folder = path.parent if path.parent.is_dir() else Path()
        close = nearest(path.name, [p.name for p in folder.iterdir() if p.is_file()])
        where = None if close or path.is_absolute() else f"a path from {Path.cwd()}, or a whole one"
        raise DataError(f"no file {str(path)!r}", hint=str(folder / close) if close else where)
    return path


def _mapping(frame: pl.DataFrame, path: str | Path, columns: Mapping[str, str]) -> dict[str, str]:
    """Our name -> the file's, each of them there."""
    ours = (*NEEDED, *OPTIONAL)
    unknown = [name for name in columns if name not in ours]
    if unknown:
        raise DataError(
            f"trades have no column {unknown[0]!r}", allowed=", ".join(ours), hint=nearest(unknown[0], ours)
        )
    mapping = {name: name for name in ours if name in NEEDED or name in frame.columns}
    if "side" not in mapping and "trade_type" in frame.columns:
        mapping["side"] = "trade_type"
    mapping.update(columns)
    absent = {name: theirs for name, theirs in mapping.items() if theirs not in frame.columns}
    if absent:
        spare = set(frame.columns) - set(mapping.values())
        told = [f"{name}: {nearest(theirs, spare) or '…'}" for name, theirs in absent.items()]
        raise DataError(
            f"{path} has no column {' or '.join(map(repr, absent.values()))} (for {' and '.join(absent)})",
            allowed=", ".join(frame.columns),
            hint=f"columns: {{{', '.join(told)}}}",
        )
    return mapping


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
        raise DataError(f"cannot write {path}: {error.strerror or error}", hint="another folder") from None
    finally:
        part.unlink(missing_ok=True)


def read_table(path: Path, rows: int | None = None) -> pl.DataFrame:
    """A Parquet or CSV file as it is, the first `rows` if given; DataError where it cannot be read."""
    import polars as pl

    if not path.name.lower().endswith(SUFFIXES):
        raise DataError(f"{path} is neither Parquet nor CSV", allowed=", ".join(SUFFIXES))
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty", allowed="a file with a header and rows")
    try:
        if path.suffix.lower() == ".parquet":
            return pl.read_parquet(path, n_rows=rows)
        try:
            return pl.read_csv(path, n_rows=rows)
        except pl.exceptions.ComputeError:
            # Types are told from the first rows; a later row was of another, so look at all of them.
            return pl.read_csv(path, n_rows=rows, infer_schema_length=None)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise DataError(
            f"cannot read {path}: {reason}", hint="is the file whole, of its kind, and with commas?"
        ) from None
