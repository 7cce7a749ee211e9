"""Columns of a file as ours: clocks in microseconds, numbers in float64, sides in -1, 0, 1."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bateia.core import DataError
from bateia.core.events import Bytes, Floats, Ints

if TYPE_CHECKING:
    import polars as pl

# "bid" and "ask" are not here: some feeds mean the aggressor by them, others the side that was hit.
_SIDES = {"buy": 1, "b": 1, "1": 1, "sell": -1, "s": -1, "-1": -1, "": 0, "0": 0}
_TRADE_TYPES = {"2": 1, "3": -1, "": 0, "0": 0}
_UNITS = ((10**11, 1_000_000_000), (10**14, 1_000_000), (10**17, 1_000), (10**20, 1))
"""Numbers below the first are in units of the second, in nanoseconds."""
_FIRST, _END = -62_135_596_800_000_000, 253_402_300_800_000_000


def clock(column: pl.Series, path: str | Path) -> Ints:
    """int64 microseconds since 1970 UTC, of the years 1 to 9999; DataError names the first bad row."""
    import polars as pl

    micros = _micros(column, path)
    strange = pl.Series((micros < _FIRST) | (micros >= _END))
    # In microseconds: Python could not show the moment itself either.
    shown = pl.Series(column.name, micros)
    _refuse(strange, shown, path, "microseconds from 1970, is no date", "the years 1 to 9999")
    return micros


def _micros(column: pl.Series, path: str | Path) -> Ints:
    import polars as pl

    _refuse(column.is_null(), column, path, "has no time", "a time in every row")
    if column.dtype == pl.String:
        column = _moments(column, path)
    if isinstance(column.dtype, pl.Datetime):
        return np.array(column.dt.epoch("us").to_numpy(), np.int64)
    if not column.dtype.is_numeric():
        raise DataError(f"{column.name!r} of {path} is {column.dtype}", allowed="datetimes or numbers")
    if column.dtype.is_integer():
        if column.dtype in (pl.Int128, pl.UInt128):
            narrow = column.cast(pl.Int64, strict=False)
            _refuse(narrow.is_null(), column, path, "is no time", "s, ms, us or ns since 1970")
            column = narrow
        return _whole(column.to_numpy(), column, path)
    column = column.cast(pl.Float64)
    _refuse(~column.is_finite(), column, path, "is no time", "numbers since 1970")
    values = column.to_numpy()
    # Rounded: a float64 of seconds is up to 0.12 us beside the decimal number that was meant.
    return np.round(values * (_unit(values, column, path) / 1000)).astype(np.int64)


def numbers(column: pl.Series, path: str | Path) -> Floats:
    """float64, NaN where there is nothing; DataError names the first row that is no number."""
    import polars as pl

    if column.dtype == pl.String:
        bad = column.is_not_null() & column.cast(pl.Float64, strict=False).is_null()
        _refuse(bad, column, path, "is no number", "numbers")
    if not column.dtype.is_numeric() and column.null_count() < len(column):
        raise DataError(f"{column.name!r} of {path} is {column.dtype}", allowed="numbers")
    # Copied, since Polars gives read-only arrays, for which a kernel would compile once more.
    return np.array(column.cast(pl.Float64).fill_null(float("nan")).to_numpy(), np.float64)


def sides(column: pl.Series, path: str | Path) -> Bytes:
    """int8 aggressor, 0 where there is nothing; DataError names the first row of another word."""
    import polars as pl

    known = _TRADE_TYPES if column.name == "trade_type" else _SIDES
    if column.dtype.is_float():
        column = column.fill_nan(None)
    plain = column.fill_null(0) if column.dtype.is_numeric() else column.cast(pl.String).fill_null("")
    codes = {word: known.get(str(word).strip().lower().removesuffix(".0")) for word in plain.unique()}
    strange = [word for word, code in codes.items() if code is None]
    allowed = "2 (buyer) or 3 (seller)" if known is _TRADE_TYPES else "1/-1, buy/sell, 0 or nothing"
    _refuse(plain.is_in(strange), plain, path, "is no side of the aggressor", allowed)
    return np.array(plain.replace_strict(list(codes), list(codes.values()), return_dtype=pl.Int8), np.int8)


def _refuse(bad: pl.Series, column: pl.Series, path: str | Path, what: str, allowed: str) -> None:
    if bad.any():
        row = int(bad.arg_max() or 0)
        value = column[row]
        shown = "" if value is None else f", {value!r},"
        raise DataError(f"row {row} of {column.name!r} in {path}{shown} {what}", allowed=allowed)


def _moments(column: pl.Series, path: str | Path) -> pl.Series:
    import polars as pl

    allowed = "ISO 8601 such as 2024-01-31T12:00:00.000, all with a time zone or all without, or numbers"
    # Polars would guess at 01/02/2024.
    strange = ~column.str.contains(r"^\d{4}-\d{2}-\d{2}")
    _refuse(strange, column, path, "is not understood as a time", allowed)
    try:
        moments = column.str.to_datetime(time_unit="us", strict=False)
    except pl.exceptions.PolarsError:
        moments = pl.Series([None] * len(column), dtype=pl.Datetime("us"))
    _refuse(moments.is_null(), column, path, "is not understood as a time", allowed)
    return moments


def _whole(values: Ints, column: pl.Series, path: str | Path) -> Ints:
    """Exact, whatever the unit: a float64 could not hold nanoseconds."""
    unit = _unit(values, column, path)
    return (values // 1000).astype(np.int64) if unit == 1 else values.astype(np.int64) * (unit // 1000)


def _unit(values: Ints | Floats, column: pl.Series, path: str | Path) -> int:
    largest = max(abs(float(values.min())), abs(float(values.max())))
    for below, unit in _UNITS:
        if largest < below:
            return unit
    raise DataError(
        f"times such as {largest:g} in {column.name!r} of {path} are no moments",
        allowed="s, ms, us or ns since 1970",
    )
