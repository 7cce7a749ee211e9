"""Bybit's REST interface and streams on loopback, beside `loopback_exchange` and `loopback_stream`."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

from loopback_exchange import Exchange

SUBSCRIBED = '{"success":true,"ret_msg":"","conn_id":"x","req_id":"","op":"subscribe"}'
PONG = '{"success":true,"ret_msg":"pong","conn_id":"x","req_id":"","op":"ping"}'


class BybitExchange(Exchange):
    """`candles` are rows of REST, oldest first; `prints` are the trades so far, oldest first, of which it
    gives the last `reach`; `now` is its clock in ms."""

    def __init__(self):
        super().__init__()
        self.candles, self.prints, self.reach = [], [], 1000

    def answer(self, path):
        url = urlsplit(path)
        asked = {key: values[0] for key, values in parse_qs(url.query).items()}
        route = url.path.removeprefix("/v5/market/")
        if route == "time":
            return 200, self.said({}, time=self.now)
        if route == "recent-trade":
            return 200, self.said({"list": self.prints[-self.reach :][::-1]})
        if route == "kline":
            first, last = int(asked["start"]), int(asked["end"])
            rows = [row for row in self.candles if first <= int(row[0]) <= last]
            return 200, self.said({"list": rows[: int(asked["limit"])][::-1]})
        return super().answer(path)

    def said(self, result, **more):
        return json.dumps({"retCode": 0, "retMsg": "OK", "result": result, **more}).encode()


def as_print(row):
    """A trade of the stream as REST gives it."""
    sides = {"side": row["S"], "price": row["p"], "size": row["v"]}
    return {"execId": row["i"], "symbol": row["s"], "time": str(row["T"]), "seq": str(row["seq"]), **sides}


def generated_prints(count, symbol="XYUSDT", start=1_704_067_200_000):
    """Trades of the stream, some at the same moment; the prices mean nothing."""
    return [
        {
            "T": start + 250 * (k // 2),
            "s": symbol,
            "S": "Buy" if k % 3 else "Sell",
            "v": str(1 + k % 5),
            "p": f"{100 + k % 7}.5",
            "i": f"name-{k}",
            "seq": 1000 + k // 2,
        }
        for k in range(count)
    ]


def told(rows):
    """Trades as one message of the stream."""
    return json.dumps(
        {"topic": f"publicTrade.{rows[0]['s']}", "type": "snapshot", "ts": rows[-1]["T"], "data": rows}
    )
