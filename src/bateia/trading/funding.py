"""What perpetuals pay for being held: a constant rate, or a table of times and rates."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from bateia.core import Component, ConfigError, DataError, Duration, format_duration, format_time
from bateia.core.clock import HOUR
from bateia.core.events import Floats, Ints
from bateia.runs import file_hash


def _read_moment(value: Any) -> int:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise ValueError(f'{error}; allowed: ISO 8601; try: "2024-01-01T08:00:00Z"') from error
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return (
            int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000 + moment.microsecond
        )
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError(f'{value!r} is not a moment; allowed: ISO 8601, UTC; try: "2024-01-01T08:00:00Z"')


Moment = Annotated[
    int,
    BeforeValidator(_read_moment),
    PlainSerializer(format_time, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["2024-01-01T08:00:00Z"]}),
]
"""A pydantic field: written `2024-01-01T08:00:00Z` in a recipe, int microseconds UTC in Python."""


class FixedFunding(Component):
    """The same rate at every whole multiple of `every` since 1970 UTC: 00:00, 08:00, 16:00 for 8h.

    >>> FixedFunding(rate_bps=1).describe()
    'funding 1 bp every 8h'
    """

    kind: Literal["fixed"] = "fixed"
    rate_bps: float = Field(ge=-10_000, le=10_000)
    """Basis points of the notional; longs pay shorts where it is positive."""
    every: Duration = 8 * HOUR

    def table(self) -> tuple[Ints, Floats]:
        """No table: the kernel counts the hours itself."""
        return np.empty(0, np.int64), np.empty(0)

    def check(self, first: int, last: int) -> None:
        """Any moment will do."""

    def describe(self) -> str:
        """The funding in words."""
        return f"funding {self.rate_bps:g} bp every {format_duration(self.every)}"


class Rate(Component):
    """One row of a table of funding."""

    time: Moment
    rate_bps: float = Field(ge=-10_000, le=10_000)
    """Basis points of the notional; longs pay shorts where it is positive."""


class FundingTable(Component):
    """Rates at the times that the recipe says."""

    kind: Literal["table"] = "table"
    rates: tuple[Rate, ...] = Field(min_length=1)
    """Oldest first."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        times = [rate.time for rate in self.rates]
        if times != sorted(set(times)):
            raise ValueError(str(ConfigError("funding times that go back or repeat", allowed="oldest first")))
        return self

    def table(self) -> tuple[Ints, Floats]:
        """Times and rates (fractions)."""
        time = np.array([rate.time for rate in self.rates], np.int64)
        return time, np.array([rate.rate_bps * 1e-4 for rate in self.rates])

    def check(self, first: int, last: int) -> None:
        """DataError unless the table reaches over these trades."""
        _covers(self.table()[0], first, last)

    def describe(self) -> str:
        """The funding in words."""
        return f"funding by a table of {len(self.rates):,} rates"


class FundingFile(Component):
    """Rates from a CSV or Parquet file with columns `time` and `rate` (a fraction), oldest first.

    The file's hash is part of the recipe: with another file it is another experiment.
    """

    kind: Literal["file"] = "file"
    path: Path
    sha256: str
    """Of the file, hex; an error shows the one that was found."""

    def table(self) -> tuple[Ints, Floats]:
        """Times and rates; ConfigError where the file is missing or another one, DataError for bad rows."""
        import polars as pl

        from bateia.sources.columns import clock, numbers

        if not self.path.is_file():
            raise ConfigError(
                f"no file of funding rates {str(self.path)!r}", hint=f"a path from {Path.cwd()}"
            )
        found = file_hash(self.path)
        if found != self.sha256:
            raise ConfigError(f"{self.path} is another file than the recipe's", hint=f"sha256: {found}")
        read = pl.read_parquet if self.path.suffix == ".parquet" else pl.read_csv
        frame = read(self.path)
        if not {"time", "rate"} <= set(frame.columns):
            raise DataError(f"{self.path} has columns {', '.join(frame.columns)}", allowed="time, rate")
        time, rate = clock(frame["time"], self.path), numbers(frame["rate"], self.path)
        if not len(time) or not np.isfinite(rate).all() or (np.diff(time) <= 0).any():
            allowed = "a rate in every row, oldest first, no time twice"
            raise DataError(f"{self.path} is no table of funding rates", allowed=allowed)
        return time, rate

    def check(self, first: int, last: int) -> None:
        """DataError unless the table reaches over these trades."""
        _covers(self.table()[0], first, last)

    def describe(self) -> str:
        """The funding in words."""
        return f"funding by {self.path.name}"


AnyFunding = Annotated[FixedFunding | FundingTable | FundingFile, Field(discriminator="kind")]
"""Every funding a broker can name by its `kind`."""


def _covers(time: Ints, first: int, last: int) -> None:
    """DataError where trades lie further beyond the table's ends than its rows lie apart."""
    step = int(np.median(np.diff(time))) if len(time) > 1 else 0
    if time[0] - step > first or time[-1] + step < last:
        raise DataError(
            f"funding rates from {format_time(int(time[0]))} to {format_time(int(time[-1]))}",
            allowed=f"rates over all the trades, {format_time(first)} to {format_time(last)}",
            hint="more rates, or kind: fixed",
        )
