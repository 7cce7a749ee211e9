"""Where market events come from."""

from bateia.sources.component import AnySource, FileSource, SampleSource, open_source
from bateia.sources.files import read_trades, write_table

__all__ = ["AnySource", "FileSource", "SampleSource", "open_source", "read_trades", "write_table"]
