"""Is this data real and whole? Asked before anything trains."""

from bateia.quality.checks import validate_bars, validate_trades
from bateia.quality.inspection import inspect_bars, inspect_trades
from bateia.quality.report import Check, Grade, QualityReport, enforce
from bateia.quality.settings import Quality

__all__ = [
    "Check",
    "Grade",
    "Quality",
    "QualityReport",
    "enforce",
    "inspect_bars",
    "inspect_trades",
    "validate_bars",
    "validate_trades",
]
