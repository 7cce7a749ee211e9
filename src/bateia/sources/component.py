"""The source section of a recipe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from bateia.core import Bars, Component, ConfigError, Duration, Trades
from bateia.runs import content_hash, file_hash
from bateia.samples import SAMPLES, sample_path
from bateia.sources.candles import candle_files, read_candles
from bateia.sources.files import existing, read_trades

BLOCK = 1_000_000


class FileSource(Component):
    """Trades of one Parquet or CSV file; see `read_trades` for what it may look like."""

    kind: Literal["file"] = "file"
    path: str
    """The file, relative to the working folder."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Our name -> the file's own, for columns that are called otherwise."""

    def read(self) -> Trades:
        """All trades of the file."""
        return read_trades(self.path, self.columns)

    def blocks(self, rows: int = BLOCK) -> Iterator[Trades]:
        """The trades in blocks of `rows`."""
        return _cut(self.read(), rows)

    def hash(self) -> str:
        """Hash of the file's bytes and of how its columns are read, hex."""
        return content_hash([file_hash(existing(self.path)), self.columns])


class SampleSource(Component):
    """Real trades that ship with the package.

    >>> SampleSource(name="es-trades-2013-09").read().price[0]
    np.float64(1640.25)
    """

    kind: Literal["sample"] = "sample"
    name: str
    """A name in `bateia.samples.SAMPLES`."""

    def read(self) -> Trades:
        """All trades of the sample."""
        return read_trades(sample_path(self.name))

    def blocks(self, rows: int = BLOCK) -> Iterator[Trades]:
        """The trades in blocks of `rows`."""
        return _cut(self.read(), rows)

    def hash(self) -> str:
        """Hash of the sample's bytes, hex."""
        return content_hash([file_hash(sample_path(self.name)), {}])


class CandleSource(Component):
    """Candles of one file or of many, for bars of kind `candles`; see `read_candles` for what they may be."""

    kind: Literal["candles"] = "candles"
    path: str
    """A file, or many by `*`, relative to the working folder: `data/BTCUSDT-5m-*.zip`."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Our name -> the file's own, for columns that are called otherwise."""
    interval: Duration | None = None
    """Length of a candle, such as `"5m"`; by default the shortest step between two."""

    def read(self) -> Bars:
        """All candles, as bars."""
        return read_candles(self.path, self.columns, self.interval)

    def hash(self) -> str:
        """Hash of the files' bytes and of how their columns are read, hex."""
        return content_hash([[file_hash(path) for path in candle_files(self.path)], self.columns])


AnySource = Annotated[FileSource | SampleSource | CandleSource, Field(discriminator="kind")]
"""Every source that a recipe can name by its `kind`; candles give bars, the others trades."""


def open_source(name: str, columns: str = "") -> FileSource | SampleSource:
    """A source from words, as the command line gives them: a bundled sample's name, or a file.

    `columns` names a file's own columns; ConfigError where it cannot be read.

    >>> open_source("es-trades-2013-09").kind
    'sample'
    >>> open_source("mine.csv", "time=ts, price=px").columns
    {'time': 'ts', 'price': 'px'}
    """
    pairs = [[word.strip() for word in pair.split("=", 1)] for pair in columns.split(",") if pair.strip()]
    if any(len(pair) != 2 or not all(pair) for pair in pairs):
        raise ConfigError(
            f"columns {columns!r}", allowed="our name = the file's, with commas", hint="time=ts,price=px"
        )
    if name not in SAMPLES:
        return FileSource(path=name, columns=dict(pairs))
    if pairs:
        raise ConfigError(f"columns {columns!r} of the sample {name!r}", allowed="columns of a file only")
    return SampleSource(name=name)


def _cut(trades: Trades, rows: int) -> Iterator[Trades]:
    if rows < 1:
        raise ConfigError(f"blocks of {rows} rows", allowed="1 or more")
    return (trades[start : start + rows] for start in range(0, len(trades), rows))
