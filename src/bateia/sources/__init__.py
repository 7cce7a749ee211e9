"""Where market events come from."""

from bateia.runs import file_hash
from bateia.sources.component import AnySource, FileSource, SampleSource, open_source
from bateia.sources.files import read_trades, write_table

__all__ = [
    "AnySource",
    "FileSource",
    "SampleSource",
    "file_hash",
    "open_source",
    "read_trades",
    "write_table",
]
