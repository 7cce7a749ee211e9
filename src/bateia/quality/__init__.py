"""Is this data real and whole? Asked before anything trains."""

from bateia.quality.checks import validate_bars, validate_trades
from bateia.quality.checksum import inspect_checksum
from bateia.quality.inspection import inspect_bars, inspect_trades
from bateia.quality.recorded import inspect_recording
from bateia.quality.report import Check, Grade, QualityReport, enforce, worst
from bateia.quality.settings import Quality

__all__ = [
    "Check",
    "Grade",
    "Quality",
    "QualityReport",
    "enforce",
    "inspect_bars",
    "inspect_checksum",
    "inspect_recording",
    "inspect_trades",
    "validate_bars",
    "validate_trades",
    "worst",
]
