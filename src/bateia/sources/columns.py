"""Columns of a file as ours: clocks in microseconds, numbers in float64, sides in -1, 0, 1."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bateia.core import DataError
from bateia.core.events import Bytes, Floats, Ints
from bateia.sources.formats import PLAIN, Format

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
    return Clock(path).read(column)


class Clock:
    """Reads a column of times a piece at a time; numbers have the unit that the first piece tells."""

    def __init__(self, path: str | Path, form: Format = PLAIN) -> None:
        self._path, self._form, self._unit = path, form, 0

    def read(self, column: pl.Series, row: int = 0) -> Ints:
        """int64 microseconds since 1970 UTC; `row` is the number in the file of the piece's first."""
        import polars as pl

        micros = self._micros(column, row)
        strange = pl.Series((micros < _FIRST) | (micros >= _END))
        # In microseconds: Python could not show the moment itself either.
        shown = pl.Series(column.name, micros)
        allowed = "the years 1 to 9999"
        _refuse(strange, shown, self._path, "microseconds from 1970, is no date", allowed, row)
        return micros

    def _micros(self, column: pl.Series, row: int) -> Ints:
        import polars as pl

        path = self._path
        _refuse(column.is_null(), column, path, "has no time", "a time in every row", row)
        if self._form.time_format is not None and not column.dtype.is_temporal():
            column = column.cast(pl.String)
        if column.dtype == pl.String:
            column = _moments(column, path, self._form.time_format, row)
        if isinstance(column.dtype, pl.Datetime):
            return np.array(self._utc(column, row).dt.epoch("us").to_numpy(), np.int64)
        if not column.dtype.is_numeric():
            raise DataError(f"{column.name!r} of {path} is {column.dtype}", allowed="datetimes or numbers")
        if column.dtype.is_integer():
            if column.dtype in (pl.Int128, pl.UInt128):
                narrow = column.cast(pl.Int64, strict=False)
                _refuse(narrow.is_null(), column, path, "is no time", "s, ms, us or ns since 1970", row)
                column = narrow
            return self._whole(column.to_numpy(), column, row)
        column = column.cast(pl.Float64)
        _refuse(~column.is_finite(), column, path, "is no time", "numbers since 1970", row)
        values = column.to_numpy()
        # Rounded: a float64 of seconds is up to 0.12 us beside the decimal number that was meant.
        return np.round(values * (self._unit_of(values, column, row) / 1000)).astype(np.int64)

    def _utc(self, column: pl.Series, row: int) -> pl.Series:
        zone = self._form.time_zone
        if zone == "UTC" or getattr(column.dtype, "time_zone", None):
            return column
        moments = column.dt.replace_time_zone(zone, ambiguous="null", non_existent="null")
        allowed = f"moments that {zone} had once"
        _refuse(moments.is_null(), column, self._path, f"is no moment, or two, in {zone}", allowed, row)
        return moments

    def _whole(self, values: Ints, column: pl.Series, row: int) -> Ints:
        """Exact, whatever the unit: a float64 could not hold nanoseconds."""
        unit = self._unit_of(values, column, row)
        return (values // 1000).astype(np.int64) if unit == 1 else values.astype(np.int64) * (unit // 1000)

    def _unit_of(self, values: Ints | Floats, column: pl.Series, row: int) -> int:
        if not len(values):
            return self._unit or 1
        import polars as pl

        unit = _unit(values, column, self._path)
        if self._unit and unit < self._unit:
            many = np.abs(values.astype(np.float64)) >= next(below for below, u in _UNITS if u == self._unit)
            shown = pl.Series(many)
            allowed = "one unit in the whole file"
            what = f"is in another unit than the {row:,} rows before it"
            _refuse(shown, column, self._path, what, allowed, row)
        self._unit = self._unit or unit
        return self._unit


def numbers(column: pl.Series, path: str | Path, row: int = 0) -> Floats:
    """float64, NaN where there is nothing; DataError names the first row that is no number."""
    import polars as pl

    if column.dtype == pl.String:
        column = column.str.strip_chars()
        bad = column.is_not_null() & column.cast(pl.Float64, strict=False).is_null()
        _refuse(bad, column, path, "is no number", "numbers", row)
    if not column.dtype.is_numeric() and column.null_count() < len(column):
        raise DataError(f"{column.name!r} of {path} is {column.dtype}", allowed="numbers")
    # Copied, since Polars gives read-only arrays, for which a kernel would compile once more.
    return np.array(column.cast(pl.Float64).fill_null(float("nan")).to_numpy(), np.float64)


def sides(column: pl.Series, path: str | Path, row: int = 0) -> Bytes:
    """int8 aggressor, 0 where there is nothing; DataError names the first row of another word."""
    import polars as pl

    known = _TRADE_TYPES if column.name == "trade_type" else _SIDES
    if column.dtype.is_float():
        column = column.fill_nan(None)
    plain = column.fill_null(0) if column.dtype.is_numeric() else column.cast(pl.String).fill_null("")
    codes = {word: known.get(str(word).strip().lower().removesuffix(".0")) for word in plain.unique()}
    strange = [word for word, code in codes.items() if code is None]
    allowed = "2 (buyer) or 3 (seller)" if known is _TRADE_TYPES else "1/-1, buy/sell, 0 or nothing"
    _refuse(plain.is_in(strange), plain, path, "is no side of the aggressor", allowed, row)
    return np.array(plain.replace_strict(list(codes), list(codes.values()), return_dtype=pl.Int8), np.int8)


def _refuse(
    bad: pl.Series, column: pl.Series, path: str | Path, what: str, allowed: str, row: int = 0
) -> None:
    """DataError for the first bad row; `row` is the number in the file of the column's first."""
    if bad.any():
        first = int(bad.arg_max() or 0)
        value = column[first]
        shown = "" if value is None else f", {value!r},"
        raise DataError(f"row {row + first} of {column.name!r} in {path}{shown} {what}", allowed=allowed)


def _moments(column: pl.Series, path: str | Path, written: str | None = None, row: int = 0) -> pl.Series:
    import polars as pl

    allowed = "ISO 8601 such as 2024-01-31T12:00:00.000, all with a time zone or all without, or numbers"
    if written is None:
        # Polars would guess at 01/02/2024.
        strange = ~column.str.contains(r"^\d{4}-\d{2}-\d{2}")
        _refuse(strange, column, path, "is not understood as a time", allowed, row)
    else:
        allowed = f"times written as {written}"
    try:
        moments = column.str.to_datetime(written, time_unit="us", strict=False)
    except pl.exceptions.PolarsError:
        moments = pl.Series([None] * len(column), dtype=pl.Datetime("us"))
    _refuse(moments.is_null(), column, path, "is not understood as a time", allowed, row)
    return moments


def _unit(values: Ints | Floats, column: pl.Series, path: str | Path) -> int:
    largest = max(abs(float(values.min())), abs(float(values.max())))
    for below, unit in _UNITS:
        if largest < below:
            return unit
    raise DataError(
        f"times such as {largest:g} in {column.name!r} of {path} are no moments",
        allowed="s, ms, us or ns since 1970",
    )
