"""Bybit's streams: where they are, how they are asked for, and what their server says of that."""

from __future__ import annotations

import json
from dataclasses import dataclass

from bateia.core import ConfigError
from bateia.live.bybit_candles import BybitCandles
from bateia.live.feed import CandleFeed
from bateia.live.reach import Reach
from bateia.sources.bybit.rest import MARKETS, REST, Rest, market_of
from bateia.sources.socket import Heard, Socket, Talk

STREAM = "wss://stream.bybit.com"
BEAT = '{"op":"ping"}'


def hear(text: str | bytes) -> Heard:
    """What a message of Bybit is; ConfigError for a subscription that is refused.

    >>> hear('{"success":true,"ret_msg":"","op":"subscribe"}'), hear('{"ret_msg":"pong","op":"ping"}').name
    (<Heard.ANSWER: 'that what was said has been heard: the stream is open'>, 'PONG')
    """
    if ('"topic"' if isinstance(text, str) else b'"topic"') in text:  # type: ignore[operator]
        return Heard.MARKET
    try:
        said = json.loads(text)
    except ValueError:
        return Heard.MARKET
    if not isinstance(said, dict):
        return Heard.MARKET
    if said.get("success") is False:
        raise ConfigError(
            f"Bybit refuses the stream: {said.get('ret_msg')}",
            allowed="a symbol of the market",
            hint=f"another --market: {', '.join(MARKETS)}",
        )
    words = {"subscribe": Heard.ANSWER, "ping": Heard.PONG, "pong": Heard.PONG}
    return words.get(str(said.get("op")), Heard.MARKET)


@dataclass
class BybitPlace(Reach):
    """Bybit's streams and REST interface of one market: `linear`, `inverse` or `spot`.

    >>> BybitPlace().socket("publicTrade.BTCUSDT").url
    'wss://stream.bybit.com/v5/public/linear'
    """

    market: str = "linear"

    def socket(self, topic: str) -> Socket:
        """One stream, by its topic."""
        url = f"{(self.stream or STREAM).rstrip('/')}/v5/public/{market_of(self.market)}"
        say = json.dumps({"op": "subscribe", "args": [topic]})
        return Socket(url, talk=Talk([say], BEAT, hear), clock=self.clock, **self.patience)

    def interface(self) -> Rest:
        """The REST interface."""
        return Rest(self.open_web(), self.rest or REST, market_of(self.market))

    def candles(self, symbol: str, interval: str) -> CandleFeed:
        """Closed candles of a symbol."""
        return BybitCandles(self, symbol, interval)
