"""From trades to bars: by time, number of trades, volume or value."""

from bateia.bars.component import (
    AnyBars,
    BarKind,
    BarStream,
    DollarBars,
    TickBars,
    TimeBars,
    VolumeBars,
    parse_bars,
)

__all__ = [
    "AnyBars",
    "BarKind",
    "BarStream",
    "DollarBars",
    "TickBars",
    "TimeBars",
    "VolumeBars",
    "parse_bars",
]
