"""Markets as they happen: streams that stay, books in sync, history and the present without a seam."""

from bateia.live.binance import live_trades
from bateia.live.follow import Follower
from bateia.live.prints import NumberedTrades
from bateia.live.unbroken import Unbroken

__all__ = ["Follower", "NumberedTrades", "Unbroken", "live_trades"]
