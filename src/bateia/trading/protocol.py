"""What a broker is to a backtest: decisions and a market's events in, fills out."""

from __future__ import annotations

from typing import Protocol, TypeVar

import numpy.typing as npt

from bateia.core.events import Ints
from bateia.trading.blocks import Charges, Fills, Orders
from bateia.trading.margin import Margin

MarketT_contra = TypeVar("MarketT_contra", contravariant=True)
"""What orders meet: `Trades`, or the `BookEvents` of a recorded book."""


class Stream(Protocol[MarketT_contra]):
    """A broker in the middle of its work."""

    @property
    def position(self) -> float:
        """Units held."""

    @property
    def pending(self) -> Orders:
        """Orders decided and not yet filled."""

    @property
    def charges(self) -> Charges:
        """Funding and borrowing of the last call."""

    @property
    def refused(self) -> int:
        """Orders without effect."""

    def run(self, decision_time: Ints, target: npt.ArrayLike, market: MarketT_contra, /) -> Fills:
        """The fills of the next decisions and the market's next events."""

    def close(self, time: int, market: float) -> Fills:
        """Bring the position to flat at this price."""


class Broker(Protocol[MarketT_contra]):
    """Settings of a broker."""

    @property
    def quantity(self) -> float:
        """Units held at a target of 1."""

    @property
    def multiplier(self) -> float:
        """Currency per price point per unit."""

    @property
    def margin(self) -> Margin | None:
        """A margin account, if it has one."""

    def check(self, market: MarketT_contra, /) -> None:
        """DataError where the market lacks what the broker needs, before anything runs."""

    def start(self) -> Stream[MarketT_contra]:
        """A fresh stream, flat."""

    def describe(self) -> str:
        """Costs and execution in words."""
