"""What the store knows of its data: a small JSON file for each day or month of a series."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from bateia.core import ConfigError, DataError
from bateia.core.coverage import Coverage, Stretch
from bateia.core.period import Unit

if TYPE_CHECKING:
    import polars as pl

DATA, CATALOGUE = "data", "catalogue"
CLOCKS = ("open_time", "time")
"""Columns that say when a row is: the first of them that a table has."""
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, order=True)
class Series:
    """What belongs together: one kind of data of one symbol of one market of one source.

    >>> Series("binance", "um", "BTCUSDT", "candles-5m").folder
    'source=binance/market=um/symbol=BTCUSDT/kind=candles-5m'
    """

    source: str
    market: str
    symbol: str
    kind: str
    """`candles-5m`, `agg_trades`, …; candles are cut by month, everything else by day."""

    def __post_init__(self) -> None:
        for part, word in vars(self).items():
            if not _WORD.fullmatch(word):
                allowed = "letters, digits and _.-, at most 64"
                raise ConfigError(f"{part} {word!r} of a series", allowed=allowed, hint="BTCUSDT")

    def __str__(self) -> str:
        return "/".join(vars(self).values())

    @classmethod
    def parse(cls, text: str) -> Series:
        """From its four words with slashes; ConfigError for anything else."""
        words = text.strip("/").split("/")
        if len(words) != 4:
            raise ConfigError(
                f"{text!r} is no series",
                allowed="source/market/symbol/kind, as `bateia data status` lists them",
                hint="binance/um/BTCUSDT/candles-5m",
            )
        return cls(*words)

    @property
    def folder(self) -> str:
        """Where its data lies, in a form that DuckDB and Polars read as columns."""
        return "/".join(f"{part}={word}" for part, word in vars(self).items())

    @property
    def unit(self) -> Unit:
        """How its files are cut."""
        return "month" if self.kind.startswith("candles") else "day"


class Origin(BaseModel):
    """A file or service that data came from."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    sha256: str = ""


class Part(BaseModel):
    """One day or month of a series: its file, what it is known to cover, and what the source itself lacks."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
    period: str
    file: str
    """Parquet, or a file as its source made it; empty where there is nothing to keep."""
    sha256: str
    size: int
    """Bytes of the file."""
    rows: int
    """Of a file as its source made it: messages."""
    first: int | None
    """Clock of the first row, microseconds; None where there is no row."""
    last: int | None
    covered: tuple[Stretch, ...]
    """Stretches of which every row that the source has is here."""
    absent: tuple[Stretch, ...] = ()
    """Stretches within `covered` in which the source has no row, though one was due."""
    origin: tuple[Origin, ...] = ()

    @property
    def coverage(self) -> Coverage:
        """`covered`, to reckon with."""
        return Coverage(self.covered)

    def to_json(self) -> bytes:
        """Always the same bytes for the same part."""
        return (self.model_dump_json(indent=1) + "\n").encode()

    @classmethod
    def read(cls, data: bytes, where: str) -> Self:
        """From its JSON; DataError where that is not one."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise DataError(
                f"{where} is no entry of a store's catalogue: {error.errors()[0]['msg']}",
                hint="delete it and fetch again",
            ) from None


def clock_of(frame: pl.DataFrame) -> str:
    """The column that says when a row is."""
    for name in CLOCKS:
        if name in frame.columns:
            return name
    raise DataError("a table without a clock", allowed=" or ".join(CLOCKS))


def digest_of(data: bytes) -> str:
    """SHA-256, hex."""
    return hashlib.sha256(data).hexdigest()


def entry_of(series: Series, period: str) -> str:
    """Name of the entry of a day or month."""
    return f"{CATALOGUE}/{series}/{period}.json"
