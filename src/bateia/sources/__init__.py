"""Where market events come from."""

from bateia.runs import file_hash
from bateia.sources.bybit import BybitSource
from bateia.sources.candles import read_candles
from bateia.sources.component import AnySource, CandleSource, FileSource, SampleSource, open_source
from bateia.sources.files import read_trades
from bateia.sources.kryporacle import KrypOracleSource
from bateia.sources.postgres.source import PostgresSource
from bateia.sources.stored import StoreSource
from bateia.sources.writing import write_blocks, write_table

__all__ = [
    "AnySource",
    "BybitSource",
    "CandleSource",
    "FileSource",
    "KrypOracleSource",
    "PostgresSource",
    "SampleSource",
    "StoreSource",
    "file_hash",
    "open_source",
    "read_candles",
    "read_trades",
    "write_blocks",
    "write_table",
]
