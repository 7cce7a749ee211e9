"""The source section of a recipe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from bateia.core import Bars, Component, ConfigError, Duration, Trades
from bateia.runs import content_hash, file_hash
from bateia.samples import SAMPLES, sample_path
from bateia.sources.blocks import BLOCK, recut
from bateia.sources.books import BookSource
from bateia.sources.bybit import BybitSource
from bateia.sources.candles import CandleLayout, Stamp, candle_pieces
from bateia.sources.files import trade_pieces
from bateia.sources.formats import Format, PresetName, resolve
from bateia.sources.kryporacle import KrypOracleSource
from bateia.sources.postgres.source import PostgresSource
from bateia.sources.stored import StoreSource
from bateia.sources.tables import files_of


class FileSource(Component):
    """Trades of CSV, Parquet or Feather files; see `read_trades` for what they may look like."""

    kind: Literal["file"] = "file"
    gives: ClassVar[Literal["trades"]] = "trades"
    path: str
    """A file, or many by `*`, relative to the working folder."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Our name -> the file's own, for columns that are called otherwise."""
    format: Format | None = None
    """How the file is written, where that is not with commas, points and UTC."""
    symbol: str | None = None
    """Which rows are meant, by the column `symbol`: a name, or many by `*`."""

    def read(self) -> Trades:
        """All trades."""
        return Trades.concat(list(self.blocks()))

    def blocks(self, rows: int = BLOCK) -> Iterator[Trades]:
        """The trades in blocks of `rows`, in memory that the block bounds."""
        form, columns = resolve(None, self.format, self.columns)
        return recut(trade_pieces(self.path, columns, form=form, symbol=self.symbol), rows)

    def hash(self) -> str:
        """Hash of the files' bytes and of how they are read, hex."""
        files = [file_hash(path) for path in files_of(self.path)]
        return content_hash([files[0] if len(files) == 1 else files, self.columns, *_said(self)])


class SampleSource(Component):
    """Real trades that ship with the package.

    >>> SampleSource(name="es-trades-2013-09").read().price[0]
    np.float64(1640.25)
    """

    kind: Literal["sample"] = "sample"
    gives: ClassVar[Literal["trades"]] = "trades"
    name: str
    """A name in `bateia.samples.SAMPLES`."""

    def read(self) -> Trades:
        """All trades of the sample."""
        return Trades.concat(list(self.blocks()))

    def blocks(self, rows: int = BLOCK) -> Iterator[Trades]:
        """The trades in blocks of `rows`."""
        return recut(trade_pieces(sample_path(self.name)), rows)

    def hash(self) -> str:
        """Hash of the sample's bytes, hex."""
        return content_hash([file_hash(sample_path(self.name)), {}])


class CandleSource(Component):
    """Candles of one file or of many, for bars of kind `candles`; see `read_candles` for what they may be."""

    kind: Literal["candles"] = "candles"
    gives: ClassVar[Literal["candles"]] = "candles"
    path: str
    """A file, or many by `*`, relative to the working folder: `data/BTCUSDT-5m-*.zip`."""
    preset: PresetName | None = None
    """A format by name: `etapa6`, the CSV of B3 futures in times of Sao Paulo."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Our name -> the file's own, for columns that are called otherwise."""
    format: Format | None = None
    """How the file is written, where that is not with commas, points and UTC, nor as the preset's."""
    symbol: str | None = None
    """Which rows are meant, by the column `symbol`: a name, or many by `*`, contracts in turn."""
    interval: Duration | None = None
    """Length of a candle, such as `"5m"`; by default the shortest step between two of the first ones."""
    stamp: Stamp = "open"
    """What the file's times say of a candle: when it opens, or when it closes. If in doubt, `open`: a candle
    that is believed to be older than it is would show the future."""

    def read(self) -> Bars:
        """All candles, as bars."""
        return Bars.concat(list(self.blocks()))

    def blocks(self, rows: int = BLOCK) -> Iterator[Bars]:
        """The candles in blocks of `rows`, in memory that the block bounds."""
        form, columns = resolve(self.preset, self.format, self.columns)
        layout = CandleLayout(columns, self.interval, form, self.symbol, self.stamp)
        return recut(candle_pieces(self.path, layout), rows)

    def hash(self) -> str:
        """Hash of the files' bytes and of how they are read, hex."""
        return content_hash([[file_hash(path) for path in files_of(self.path)], self.columns, *_said(self)])


AnySource = Annotated[
    FileSource
    | SampleSource
    | CandleSource
    | StoreSource
    | PostgresSource
    | BybitSource
    | KrypOracleSource
    | BookSource,
    Field(discriminator="kind"),
]
"""Every source that a recipe can name by its `kind`; what it `gives` is candles, read as bars, or trades."""


def _said(source: Component) -> list[dict[str, Any]]:
    """What of a source's reading is not as it is by default: nothing, for hashes known before it could be."""
    ours = {"preset", "format", "symbol", "stamp"}
    told = source.model_dump(mode="json", include=ours, exclude_defaults=True)
    return [told] if told else []


def open_source(name: str, columns: str = "") -> FileSource | SampleSource:
    """A source from words, as the command line gives them: a bundled sample's name, or a file.

    `columns` names a file's own columns; ConfigError where it cannot be read.

    >>> open_source("es-trades-2013-09").kind
    'sample'
    >>> open_source("mine.csv", "time=ts, price=px").columns
    {'time': 'ts', 'price': 'px'}
    """
    pairs = columns_of(columns)
    if name not in SAMPLES:
        return FileSource(path=name, columns=pairs)
    if pairs:
        raise ConfigError(f"columns {columns!r} of the sample {name!r}", allowed="columns of a file only")
    return SampleSource(name=name)


def columns_of(text: str) -> dict[str, str]:
    """Our name -> the file's, from words as the command line gives them; ConfigError for other words."""
    pairs = [[word.strip() for word in pair.split("=", 1)] for pair in text.split(",") if pair.strip()]
    if any(len(pair) != 2 or not all(pair) for pair in pairs):
        raise ConfigError(
            f"columns {text!r}", allowed="our name = the file's, with commas", hint="time=ts,price=px"
        )
    return dict(pairs)
