"""What a broker gives back as tables: orders in line, fills, charges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from bateia.core import Block, Trades
from bateia.core.events import Bytes, Floats, Ints
from bateia.kernels import execution

REASONS = ("order", "stop-loss", "trailing", "take-profit", "time-out", "liquidation", "end")
"""What `Fills.reason` counts into."""
CHARGES = ("funding", "borrow")
"""What `Charges.kind` counts into."""
PARTS = ("fee", "spread", "slippage", "impact", "liquidation")
"""The columns of `Fills` that add up to `cost`."""


@dataclass(frozen=True, eq=False)
class Tape(Trades):
    """What candles tell of trades; `more` is 1 where the next one is the same candle's other extreme."""

    more: Bytes


@dataclass(frozen=True, eq=False)
class Orders(Block):
    """Orders that wait for a trade: decision `time`, decision `row`, the `target` they carry, and the time
    at which they are `due` at the market."""

    time: Ints
    row: Ints
    target: Floats
    due: Ints


@dataclass(frozen=True, eq=False)
class Fills(Block):
    """Executed orders.

    `time` of the trade met, `decided` the decision's time, `row` its row (-1: no decision's, but an exit of
    ours, a liquidation or the end of data), `market` the trade's price, `price` what we paid or got,
    `quantity` signed units, `position` in units after the fill. `fee`, `spread`, `slippage`, `impact` and
    `liquidation` in currency add up to `cost`. `reason` is a number of `REASONS`, `maker` 1 for a passive
    order, `symbol` the account's, `cash` what the account has after the fill.
    """

    time: Ints
    decided: Ints
    row: Ints
    market: Floats
    price: Floats
    quantity: Floats
    position: Floats
    fee: Floats
    cost: Floats
    spread: Floats
    slippage: Floats
    impact: Floats
    liquidation: Floats
    reason: Bytes
    maker: Bytes
    symbol: Bytes
    cash: Floats


@dataclass(frozen=True, eq=False)
class Charges(Block):
    """What holding a position cost: `kind` is a number of `CHARGES`, `amount` in currency (negative: got),
    `position` the units held, `market` the price they were valued at, `cash` what the account has after."""

    time: Ints
    symbol: Bytes
    kind: Bytes
    position: Floats
    market: Floats
    amount: Floats
    cash: Floats


def fills_of(desk: execution.Desk) -> Fills:
    """The fills that the kernel wrote."""
    return Fills(*_columns(Fills, desk.fills, int(desk.account[execution.MADE])))


def charges_of(desk: execution.Desk) -> Charges:
    """The charges that the kernel wrote."""
    return Charges(*_columns(Charges, desk.charges, int(desk.account[execution.CHARGED])))


_TYPES = {"Ints": np.int64, "Floats": np.float64, "Bytes": np.int8}


def _columns(kind: type[Block], rows: Floats, made: int) -> Iterator[npt.NDArray[Any]]:
    """The first rows of a kernel's table as a block's columns, which have its order."""
    for column, field in zip(rows[:made].T, fields(kind), strict=True):
        yield column.astype(_TYPES[str(field.type)])
