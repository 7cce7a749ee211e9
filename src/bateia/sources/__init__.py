"""Where market events come from."""

from bateia.sources.component import AnySource, FileSource, SampleSource
from bateia.sources.files import read_trades

__all__ = ["AnySource", "FileSource", "SampleSource", "read_trades"]
