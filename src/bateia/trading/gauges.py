"""What cost models and exits measure on the market itself: volatility, volume, spread and range, causally."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import model_validator

from bateia.core import Component, ConfigError, Duration, Trades, format_duration
from bateia.core.clock import DAY, HOUR, MINUTE
from bateia.core.events import Floats, Ints
from bateia.kernels.gauges import gauges, intervals

LONGEST = 1_000_000
COLUMNS = ("volatility", "volume", "half_spread", "range")


class Market(Component):
    """The clock's intervals over which volatility, volume, spread and range are measured from trades.

    Intervals without a trade are left out, so that a window may reach over a closed market; volatility and
    volume go by calendar time all the same. A trade meets what the intervals that ended before it say.
    """

    every: Duration = MINUTE
    window: Duration = HOUR
    """Of volatility, spread and mean true range, counted in intervals that traded."""
    volume_window: Duration = DAY
    """Of the volume traded a day."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for name, length in (("window", self.window), ("volume_window", self.volume_window)):
            count = length // self.every
            if length % self.every or not (2 if name == "window" else 1) <= count <= LONGEST:
                given = f"{name} {format_duration(length)} of intervals of {format_duration(self.every)}"
                allowed = f"a whole number of intervals, from 2 to {LONGEST:,}"
                hint = f"{name}: {format_duration(60 * self.every)}"
                raise ValueError(str(ConfigError(given, allowed=allowed, hint=hint)))
        return self

    def start(self, roll: bool = False) -> GaugeStream:
        """A fresh stream; `roll` for Roll's spread, else Corwin and Schultz's."""
        return GaugeStream(self, roll)

    def describe(self) -> str:
        """The windows in words."""
        return f"measured over {format_duration(self.window)} of {format_duration(self.every)} intervals"


class GaugeStream:
    """The market's gauges in the middle of a day, the same for any cut of the trades."""

    def __init__(self, market: Market, roll: bool, snapshot: Mapping[str, npt.NDArray[Any]] | None = None):
        self.market, self.roll = market, roll
        self._window, self._volume = market.window // market.every, market.volume_window // market.every
        self._state = {
            "open": np.full(8, np.nan),
            "begun": np.zeros(1, np.int64),
            "ring": np.zeros((max(self._window, self._volume) + 1, 8)),
            "sums": np.zeros(6),
            "seen": np.zeros(1, np.int64),
            "before": np.full(3, np.nan),
        }
        if snapshot is not None:
            self._state = {name: np.array(snapshot[name]) for name in self._state}

    def snapshot(self) -> dict[str, npt.NDArray[Any]]:
        """The state as arrays."""
        return {name: column.copy() for name, column in self._state.items()}

    def run(self, trades: Trades) -> tuple[Ints, Floats]:
        """Rows of the trades from which each new set of gauges holds, and the sets (rows, 4): volatility a
        day, units traded a day, half spread and mean true range in price units; NaN while unknown."""
        s, every = self._state, self.market.every
        time = np.ascontiguousarray(trades.time)
        number = time // every
        ended = int(np.count_nonzero(np.diff(number))) + 1 if len(time) else 0
        at, start, found = np.empty(ended, np.int64), np.empty(ended, np.int64), np.empty((ended, 6))
        price, size = np.ascontiguousarray(trades.price), np.ascontiguousarray(trades.size)
        made = intervals(s["open"], s["begun"], every, time, price, size, at, start, found)
        out = np.empty((made, len(COLUMNS)))
        gauges(
            s["ring"],
            s["sums"],
            s["seen"],
            s["before"],
            self._window,
            self._volume,
            every,
            self.roll,
            start[:made],
            found[:made],
            out,
        )
        return at[:made], out
