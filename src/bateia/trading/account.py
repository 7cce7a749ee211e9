"""Several symbols in one account: one cash ledger, shared margin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from bateia.core import Component, ConfigError, DataError, Trades, nearest
from bateia.core.events import Ints
from bateia.trading.blocks import Charges, Fills, Orders
from bateia.trading.broker import SimulatedBroker
from bateia.trading.desk import DeskStream, Snapshot
from bateia.trading.margin import Margin

MOST = 100


class Account(Component):
    """A broker for each symbol, over one cash account; fee tiers go by the whole account's notional.

    >>> from bateia.trading import Costs
    >>> broker = SimulatedBroker(costs=Costs(fee_bps=4), latency="0")
    >>> Account(brokers={"BTCUSDT": broker, "ETHUSDT": broker}).symbols
    ('BTCUSDT', 'ETHUSDT')
    """

    kind: Literal["account"] = "account"
    brokers: dict[str, SimulatedBroker] = Field(min_length=1, max_length=MOST)
    margin: Margin | None = None
    """One margin for all; a broker in an account has none of its own."""

    @model_validator(mode="after")
    def _one_margin(self) -> Self:
        own = [symbol for symbol, broker in self.brokers.items() if broker.margin is not None]
        if own:
            error = ConfigError(f"{own[0]!r} has a margin of its own", allowed="one margin, the account's")
            raise ValueError(str(error))
        return self

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols; `Fills.symbol` counts into them."""
        return tuple(self.brokers)

    def start(self) -> AccountStream:
        """A fresh stream: flat, nothing in line."""
        return AccountStream(self)

    def restore(self, snapshot: Snapshot) -> AccountStream:
        """The stream as it was when `snapshot()` was taken."""
        return AccountStream(self, snapshot)


class AccountStream:
    """An account in the middle of a day; each call covers one span of time for all its symbols."""

    def __init__(self, account: Account, snapshot: Snapshot | None = None) -> None:
        self.account = account
        self._desk = DeskStream(list(account.brokers.values()), account.margin, snapshot)

    @property
    def cash(self) -> float:
        """Currency in the account: from the margin's capital, or from 0."""
        return self._desk.cash

    @property
    def positions(self) -> dict[str, float]:
        """Units held of each symbol."""
        return dict(zip(self.account.symbols, map(float, self._desk.positions), strict=True))

    @property
    def pending(self) -> dict[str, Orders]:
        """Each symbol's orders decided and not yet filled."""
        return dict(zip(self.account.symbols, self._desk.pending, strict=True))

    @property
    def charges(self) -> Charges:
        """Funding and borrowing of the last call."""
        return self._desk.charges

    @property
    def refused(self) -> int:
        """Orders that margin, lots or minimum notional left without effect, or that met a liquidation."""
        return self._desk.refused

    def snapshot(self) -> dict[str, npt.NDArray[Any]]:
        """The state as arrays."""
        return self._desk.snapshot()

    def run(self, decisions: Mapping[str, tuple[Ints, npt.ArrayLike]], trades: Mapping[str, Trades]) -> Fills:
        """The account's fills in time order, from each symbol's next decisions and trades (both optional)."""
        for symbol in (*decisions, *trades):
            self._known(symbol)
        symbols = self.account.symbols
        return self._desk.run(
            [decisions.get(symbol, (np.empty(0, np.int64), [])) for symbol in symbols],
            [trades.get(symbol, Trades.empty()) for symbol in symbols],
        )

    def close(self, symbol: str, time: int, market: float) -> Fills:
        """Bring one symbol to flat at `market`, with its costs; no fill if it is flat."""
        self._known(symbol)
        return self._desk.close(self.account.symbols.index(symbol), time, market)

    def _known(self, symbol: str) -> None:
        known = self.account.symbols
        if symbol not in known:
            raise DataError(f"no symbol {symbol!r}", allowed=", ".join(known), hint=nearest(symbol, known))
