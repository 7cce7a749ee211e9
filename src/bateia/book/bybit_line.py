"""One order book line of Bybit by the JSON library: for lines that the kernel does not know."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bateia.core.clock import MILLISECOND

EXACT = 2**53
LEAST = Decimal("1e-15")
"""A price below this has no tick size."""
ENOUGH = 32
"""Prices that tell a tick size."""
_TOPIC = re.compile(r"orderbook\.(\d+)\.([A-Za-z0-9_-]{1,64})")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_SHOWN = 80


@dataclass(frozen=True)
class Line:
    """One line that JSON read: prices as they were written."""

    depth: int
    symbol: str
    snapshot: bool
    time: int
    number: int
    bids: list[tuple[Decimal, float]]
    asks: list[tuple[Decimal, float]]


def read_line(text: bytes) -> Line | None:
    """A line by the JSON library; None for another topic; ValueError and its like for no message."""
    found = json.loads(text, parse_float=str)
    if not isinstance(found, dict):
        raise ValueError(f"it is a {type(found).__name__}: {text[:_SHOWN].decode('utf-8', 'replace')}")
    if "topic" not in found and ("op" in found or "success" in found):
        return None
    topic = str(found["topic"])
    if not topic.startswith("orderbook."):
        return None
    named = _TOPIC.fullmatch(topic)
    if named is None:
        raise ValueError(f"the topic {topic[:_SHOWN]!r} names no depth and symbol")
    data, kind = found["data"], found["type"]
    if kind not in {"snapshot", "delta"}:
        raise ValueError(f"its type is {kind!r}, neither snapshot nor delta")
    if data["s"] != named[2]:
        raise ValueError(f"its topic is of {named[2]}, its data of {data['s']!r}")
    time, number = _whole(found["ts"], EXACT // 1000), _whole(data["u"], 10**18)
    bids, asks = _levels(data["b"]), _levels(data["a"])
    return Line(int(named[1]), named[2], kind == "snapshot", time * MILLISECOND, number, bids, asks)


def _whole(value: Any, limit: int) -> int:
    if type(value) is not int or not 0 <= value < limit:
        raise ValueError(f"{value!r} is no time or id")
    return value


def _levels(pairs: Any) -> list[tuple[Decimal, float]]:
    made = []
    for price, size in pairs:
        for value in (price, size):
            # Python's own reading would take 1_000, True and digits of any script.
            if type(value) not in (int, str) or not _NUMBER.fullmatch(str(value)):
                raise ValueError(f"{value!r} is no price or size")
        level = Decimal(price), float(size)
        if not (LEAST <= level[0] < EXACT and 0.0 <= level[1] < math.inf):
            raise ValueError(f"no level can be of price {price!r} and size {size!r}")
        made.append(level)
    return made


def coarsest_tick(line: Line) -> float:
    """The coarsest tick that all prices of a message are multiples of; of a few, the last place written.

    A handful of prices may all be even by chance: of `ENOUGH` that is not to be feared.
    """
    prices = [price for price, _ in (*line.bids, *line.asks)]
    places = max((-int(price.as_tuple().exponent) for price in prices), default=0)
    if len(prices) < ENOUGH:
        return float(Decimal(1).scaleb(-max(places, 0)))
    common = math.gcd(*(int(price.scaleb(max(places, 0))) for price in prices))
    return float(Decimal(common).scaleb(-max(places, 0)))


def finer_tick(tick_size: float, price: Decimal) -> float:
    """The coarsest tick that both are multiples of.

    >>> finer_tick(0.05, Decimal("9.98"))
    0.01
    """
    tick = Decimal(repr(tick_size))
    places = max(-int(value.normalize().as_tuple().exponent) for value in (tick, price, Decimal(1)))
    return float(Decimal(math.gcd(int(tick.scaleb(places)), int(price.scaleb(places)))).scaleb(-places))
