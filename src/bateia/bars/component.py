"""Time, tick, volume and dollar bars: each its frozen size, and a stream that keeps the open bar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from bateia.core import Bars, Component, DataError, Duration, Trades
from bateia.core.events import Floats, Ints
from bateia.kernels import bars as kernels

Snapshot = Mapping[str, npt.NDArray[Any]]
MOST_AT_ONCE = 1 << 16
"""Bars that one kernel call has room for; a block that makes more takes several calls."""


class BarKind(Component):
    """What every kind of bar can do; see the kinds for their sizes.

    Source: Lopez de Prado, "Advances in Financial Machine Learning" (2018), section 2.3. The trade that
    reaches the size closes the bar, is never split, and the next bar counts from 0.
    """

    def start(self) -> BarStream:
        """A fresh stream with no bar open."""
        return BarStream(self)

    def restore(self, snapshot: Snapshot) -> BarStream:
        """The stream as it was when `snapshot()` was taken."""
        return BarStream(self, snapshot)

    def run(self, trades: Trades) -> Bars:
        """The bars of a whole history; an unfinished last bar is left out."""
        return self.start().run(trades)


class TimeBars(BarKind):
    """Bars of a fixed duration on the clock's grid (UTC); a stretch without trades makes no bar.

    >>> trades = Trades(*(np.array(c) for c in ([0, 5, 11], [0, 5, 11])), np.array([9.0, 8.0, 7.0]),
    ...                 np.ones(3), np.zeros(3, np.int8))
    >>> TimeBars(size="10us").run(trades).close.tolist()
    [8.0]
    """

    kind: Literal["time"] = "time"
    size: Duration
    """Length of a bar, such as `"1m"`."""


class TickBars(BarKind):
    """Bars of a fixed number of trades."""

    kind: Literal["tick"] = "tick"
    size: int = Field(ge=1)
    """Trades in a bar."""


class VolumeBars(BarKind):
    """Bars of a fixed traded volume."""

    kind: Literal["volume"] = "volume"
    size: float = Field(gt=0.0)
    """Volume that closes a bar, in units of the instrument."""


class DollarBars(BarKind):
    """Bars of a fixed traded value."""

    kind: Literal["dollar"] = "dollar"
    size: float = Field(gt=0.0)
    """Price * size that closes a bar, before any contract multiplier."""


AnyBars = Annotated[TimeBars | TickBars | VolumeBars | DollarBars, Field(discriminator="kind")]
"""Every kind of bar that a recipe can name by its `kind`."""

_KERNELS: dict[type[BarKind], Callable[..., tuple[int, int]]] = {
    TimeBars: kernels.time_bars,
    TickBars: kernels.tick_bars,
    VolumeBars: kernels.volume_bars,
    DollarBars: kernels.dollar_bars,
}


class BarStream:
    """Bars in the making: trades in blocks of any length in, the bars that they close out.

    A trade whose side is 0 takes the direction of the last price change (the tick rule; up before the
    first). The cut of the input never shows in the bars.
    """

    def __init__(self, kind: BarKind, snapshot: Snapshot | None = None) -> None:
        self.kind = kind
        self._ints = np.array([0, 0, 0, 0, 1, 0, 0], np.int64)
        self._floats = np.array([0.0] * 6 + [np.nan])
        if snapshot is not None:
            self._ints = np.array(snapshot["ints"], np.int64)
            self._floats = np.array(snapshot["floats"], np.float64)

    def run(self, trades: Trades) -> Bars:
        """The bars that these trades close, often none."""
        columns = tuple(np.ascontiguousarray(column) for column in trades.columns().values())
        run, limit = _KERNELS[type(self.kind)], self.kind.size  # type: ignore[attr-defined]
        made: list[Bars] = []
        row = 0
        while row < len(trades):
            room = min(len(trades) - row + 1, MOST_AT_ONCE)
            ints, floats = _output(room)
            row, count = run(limit, row, *columns, self._ints, self._floats, ints, floats)
            if count:
                # Copied, so that a few bars do not keep a whole block's room alive.
                made.append(_bars(ints[:, :count].copy(), floats[:, :count].copy()))
        return made[0] if len(made) == 1 else Bars.concat(made)

    def advance(self, now: int) -> Bars:
        """Close a time bar by the clock: the open bar, if it was due at `now` (microseconds).

        DataError for bars that do not close by the clock.
        """
        if not isinstance(self.kind, TimeBars):
            raise DataError(f"{type(self.kind).__name__} cannot close by the clock", allowed="TimeBars")
        if self._ints[kernels.COUNT] == 0 or now < self._ints[kernels.DUE]:
            return Bars.empty()
        ints, floats = _output(1)
        beat = _heartbeat(now)
        _KERNELS[TimeBars](self.kind.size, 0, *beat, self._ints, self._floats, ints, floats)
        return _bars(ints, floats)

    def snapshot(self) -> dict[str, npt.NDArray[Any]]:
        """The open bar as arrays."""
        return {"ints": self._ints.copy(), "floats": self._floats.copy()}

    @property
    def open_trades(self) -> int:
        """Trades in the open bar."""
        return int(self._ints[kernels.COUNT])

    @property
    def open_volume(self) -> float:
        """Volume of the open bar."""
        return float(self._floats[3]) if self.open_trades else 0.0


def _output(room: int) -> tuple[Ints, Floats]:
    return np.empty((kernels.OUT_INTS, room), np.int64), np.empty((kernels.OUT_FLOATS, room))


def _heartbeat(now: int) -> tuple[npt.NDArray[Any], ...]:
    """One row whose time closes the bar; the kernel stops before it trades, its room being full."""
    moment = np.array([now], np.int64)
    return moment, moment, np.ones(1), np.ones(1), np.zeros(1, np.int8)


def _bars(ints: Ints, floats: Floats) -> Bars:
    return Bars(*ints, *floats)


def parse_bars(kind: str, size: str) -> AnyBars:
    """Bars from words, as the command line gives them; ConfigError for what makes no sense.

    >>> parse_bars("time", "5m")
    TimeBars(kind='time', size=300000000)
    """
    from pydantic import TypeAdapter, ValidationError

    from bateia.core import ConfigError, nearest

    kinds = {
        "time": "a duration such as 5m",
        "tick": "a whole number of trades",
        "volume": "a volume above 0",
    }
    kinds |= {"dollar": "a value (price * size) above 0"}
    if kind not in kinds:
        raise ConfigError(f"no bars of kind {kind!r}", allowed=", ".join(kinds), hint=nearest(kind, kinds))
    adapter: TypeAdapter[AnyBars] = TypeAdapter(AnyBars)
    try:
        return adapter.validate_python({"kind": kind, "size": size})
    except ValidationError:
        raise ConfigError(f"{kind} bars of size {size!r}", allowed=kinds[kind]) from None
