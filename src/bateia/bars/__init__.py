"""From trades to bars: by time, number of trades, volume or value."""

from bateia.bars.candles import BookBarsStream, Books, Candles, CandleStream
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

AnyBarStream = BarStream | CandleStream | BookBarsStream

__all__ = [
    "AnyBarStream",
    "AnyBars",
    "BarKind",
    "BarStream",
    "BookBarsStream",
    "Books",
    "CandleStream",
    "Candles",
    "DollarBars",
    "TickBars",
    "TimeBars",
    "VolumeBars",
    "parse_bars",
]
