"""Event schemas, clocks, spans and errors: what every other layer may import, and no I/O."""

from bateia.core.clock import Duration, format_duration, format_time, parse_duration
from bateia.core.component import AMOUNT, INT32, Component
from bateia.core.errors import (
    BateiaError,
    ConfigError,
    DataError,
    ExpressionError,
    RunError,
    SplitError,
    nearest,
)
from bateia.core.events import Bars, Block, BookedBars, Trades
from bateia.core.spans import Spans

__all__ = [
    "AMOUNT",
    "INT32",
    "Bars",
    "BateiaError",
    "Block",
    "BookedBars",
    "Component",
    "ConfigError",
    "DataError",
    "Duration",
    "ExpressionError",
    "RunError",
    "Spans",
    "SplitError",
    "Trades",
    "format_duration",
    "format_time",
    "nearest",
    "parse_duration",
]
