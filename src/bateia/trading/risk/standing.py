"""What risk sees of the account, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np
import numpy.typing as npt

from bateia.core import Block
from bateia.core.events import Bytes, Floats
from bateia.kernels import risk as k


class Reason(IntEnum):
    """Why the allowed position is not the size wanted; a rule that goes flat outweighs one that cuts.

    >>> Reason(7).name
    'DAY_LOST'
    """

    AS_WANTED = k.AS_WANTED
    """It is."""
    NO_TARGET = k.NO_TARGET
    """The target is NaN."""
    NO_PRICE = k.NO_PRICE
    """The close is no positive number."""
    NO_EQUITY = k.NO_EQUITY
    """The account's equity is no positive number."""
    UNKNOWN = k.UNKNOWN
    """What size or stop rest on is not known: warm-up, still prices, a NaN score."""
    NOTHING = k.NOTHING
    """The sizer gives 0 units."""
    STOPPED = k.STOPPED
    """Stopped out; flat until the target leaves that side."""
    DAY_LOST = k.DAY_LOST
    """The session has lost what it may."""
    COOLING = k.COOLING
    """Waiting after a loss."""
    TOO_MANY = k.TOO_MANY
    """The session's trades are used up."""
    DRAWDOWN = k.DRAWDOWN
    """Less, for the fall from the peak."""
    LEVERED = k.LEVERED
    """Cut to the sizer's own cap."""
    TOO_LARGE = k.TOO_LARGE
    """Cut to the most units."""
    CONCENTRATION = k.CONCENTRATION
    """Cut to the symbol's share of equity."""
    EXPOSURE = k.EXPOSURE
    """Cut to what the other symbols leave."""
    KILLED = k.KILLED
    """Flat for good."""


@dataclass(frozen=True, eq=False)
class Standing(Block):
    """The account as it stands when each bar is decided on, after the bar's fills.

    `equity` in currency; `position` in units of this symbol; `profit`, this symbol's own since any moment,
    net of costs: the results of trades come from it, so money paid in or out must not show there;
    `others`, the summed absolute notional of the other symbols; `closed`, the side (1, -1; 0: none) of the
    last position that the broker left on its own since the bar before: stop, take-profit, liquidation.
    """

    equity: Floats
    position: Floats
    profit: Floats
    others: Floats
    closed: Bytes

    @classmethod
    def of(
        cls,
        equity: npt.ArrayLike,
        position: npt.ArrayLike,
        *,
        profit: npt.ArrayLike | None = None,
        others: npt.ArrayLike = 0.0,
        closed: npt.ArrayLike = 0,
    ) -> Self:
        """One symbol's account: its profit is the equity's, there are no others, the broker closes nothing.

        >>> Standing.of([1000.0, 990.0], [0.0, 1.0]).profit.tolist()
        [1000.0, 990.0]
        """
        worth = np.array(equity, np.float64, ndmin=1)

        def column(values: npt.ArrayLike) -> Floats:
            values = np.array(values, np.float64)
            return np.full(len(worth), values) if values.ndim == 0 else values

        own = worth.copy() if profit is None else column(profit)
        return cls(worth, column(position), own, column(others), column(closed).astype(np.int8))


@dataclass(frozen=True, eq=False)
class Allowed(Block):
    """What may be held: `position` in signed units, `stop` as a price (NaN: none), `reason` (a `Reason`)."""

    position: Floats
    stop: Floats
    reason: Bytes
