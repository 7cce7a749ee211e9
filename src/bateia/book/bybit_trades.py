"""Bybit's lines of public trades, as its stream sends them, to columns."""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np

from bateia.core import DataError, Trades
from bateia.core.clock import MILLISECOND

_SIDES = {"Buy": 1, "Sell": -1}


def bybit_trades(lines: Iterable[bytes | str], symbol: str) -> Trades:
    """The trades of one symbol, lines of other topics left out; DataError, with its line, for a broken one.

    `known_at` is when Bybit sent the message: the lines do not say when it came.

    >>> row = '{"T": 5, "s": "X", "S": "Sell", "v": "2", "p": "9.5"}'
    >>> bybit_trades(['{"topic": "publicTrade.X", "ts": 6, "data": [' + row + ']}'], "X").side.tolist()
    [-1]
    """
    rows: list[tuple[int, int, float, float, int]] = []
    for number, line in enumerate(lines, 1):
        try:
            message = json.loads(line) if line.strip() else {}
            if message.get("topic") != f"publicTrade.{symbol}":
                continue
            sent = message["ts"] * MILLISECOND
            for one in message["data"]:
                time = one["T"] * MILLISECOND
                rows.append((time, max(sent, time), float(one["p"]), float(one["v"]), _SIDES[one["S"]]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"line {number} is no message of trades: {error!r}", allowed="Bybit's publicTrade lines"
            ) from None
    rows.sort(key=lambda row: row[0])
    columns = list(zip(*rows, strict=True)) or [()] * 5
    kinds = (np.int64, np.int64, np.float64, np.float64, np.int8)
    return Trades(*(np.array(column, kind) for column, kind in zip(columns, kinds, strict=True)))
