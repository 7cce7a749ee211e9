"""Markets as they happen: streams that stay, books in sync, history and the present without a seam."""

from bateia.live.bybit import BybitPlace
from bateia.live.bybit_book import BybitBook
from bateia.live.bybit_tickers import BybitTickers
from bateia.live.bybit_trades import BybitTrades
from bateia.live.candles import LiveCandles
from bateia.live.depth import LiveBook
from bateia.live.follow import Follower
from bateia.live.joined import Joined
from bateia.live.keep import Keeper
from bateia.live.place import Place
from bateia.live.prints import NumberedTrades
from bateia.live.tickers import LiveTickers
from bateia.live.trades import LiveTrades
from bateia.live.unbroken import Unbroken

__all__ = [
    "BybitBook",
    "BybitPlace",
    "BybitTickers",
    "BybitTrades",
    "Follower",
    "Joined",
    "Keeper",
    "LiveBook",
    "LiveCandles",
    "LiveTickers",
    "LiveTrades",
    "NumberedTrades",
    "Place",
    "Unbroken",
]
