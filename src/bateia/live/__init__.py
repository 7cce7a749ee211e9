"""Markets as they happen: streams that stay, books in sync, history and the present without a seam."""

from bateia.live.candles import LiveCandles
from bateia.live.depth import LiveBook
from bateia.live.follow import Follower
from bateia.live.keep import Keeper
from bateia.live.place import Place
from bateia.live.prints import NumberedTrades
from bateia.live.tickers import LiveTickers
from bateia.live.trades import LiveTrades
from bateia.live.unbroken import Unbroken

__all__ = [
    "Follower",
    "Keeper",
    "LiveBook",
    "LiveCandles",
    "LiveTickers",
    "LiveTrades",
    "NumberedTrades",
    "Place",
    "Unbroken",
]
