"""Is this data real and whole? Asked before anything trains."""

from bateia.quality.checks import validate_bars, validate_trades

__all__ = ["validate_bars", "validate_trades"]
