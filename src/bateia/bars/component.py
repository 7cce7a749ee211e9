"""Time, tick, volume and dollar bars: each its frozen size, and a stream that keeps the open bar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from bateia.bars.candles import Books, Candles
from bateia.core import INT32, Bars, Component, DataError, Duration, Trades
from bateia.core.events import BAR_COLUMNS, Floats, Ints
from bateia.kernels import bars as kernels

Snapshot = Mapping[str, npt.NDArray[Any]]
TRADES = {"time": np.int64, "known_at": np.int64, "price": np.float64, "size": np.float64, "side": np.int8}
MOST_AT_ONCE = 1 << 16
"""Bars that one kernel call has room for; a block that makes more takes several calls."""


class BarKind(Component):
    """What every kind of bar can do; see the kinds for their sizes.

    Source: Lopez de Prado, "Advances in Financial Machine Learning" (2018), section 2.3. The trade that
    reaches the size closes the bar, is never split, and the next bar counts from 0.
    """

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that features may use."""
        return BAR_COLUMNS

    def start(self) -> BarStream:
        """A fresh stream with no bar open."""
        return BarStream(self)

    def restore(self, snapshot: Snapshot) -> BarStream:
        """The stream as it was when `snapshot()` was taken; DataError for arrays that are none of bars."""
        return BarStream(self, snapshot)

    def run(self, events: Trades | Bars) -> Bars:
        """The bars of a whole history of trades; an unfinished last bar is left out."""
        return self.start().run(events)


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
    """Bars of a fixed number of trades.

    >>> trades = Trades(np.arange(5), np.arange(5), np.array([9.0, 8.0, 8.0, 7.0, 9.0]),
    ...                 np.ones(5), np.zeros(5, np.int8))
    >>> bars = TickBars(size=2).run(trades)
    >>> bars.close.tolist(), bars.signed_volume.tolist()
    ([8.0, 7.0], [0.0, -2.0])
    """

    kind: Literal["tick"] = "tick"
    size: int = Field(ge=1, le=INT32)
    """Trades in a bar."""


class VolumeBars(BarKind):
    """Bars of a fixed traded volume.

    Volume is added up in float64, trade by trade: ten sizes of 0.1 make 0.9999999999999999.

    >>> trades = Trades(np.arange(4), np.arange(4), np.full(4, 9.0), np.array([2.0, 3.0, 1.0, 4.0]),
    ...                 np.zeros(4, np.int8))
    >>> VolumeBars(size=4).run(trades).volume.tolist()
    [5.0, 5.0]
    """

    kind: Literal["volume"] = "volume"
    size: float = Field(gt=0.0)
    """Volume that closes a bar, in units of the instrument."""


class DollarBars(BarKind):
    """Bars of a fixed traded value.

    >>> trades = Trades(np.arange(4), np.arange(4), np.full(4, 9.0), np.array([2.0, 3.0, 1.0, 4.0]),
    ...                 np.zeros(4, np.int8))
    >>> DollarBars(size=40).run(trades).value.tolist()
    [45.0, 45.0]
    """

    kind: Literal["dollar"] = "dollar"
    size: float = Field(gt=0.0)
    """Price * size that closes a bar, before any contract multiplier."""


AnyBars = Annotated[
    TimeBars | TickBars | VolumeBars | DollarBars | Candles | Books, Field(discriminator="kind")
]
"""Every kind of bar that a recipe can name by its `kind`."""

_KERNELS: dict[type[BarKind], Callable[..., tuple[int, int]]] = {
    TimeBars: kernels.time_bars,
    TickBars: kernels.tick_bars,
    VolumeBars: kernels.volume_bars,
    DollarBars: kernels.dollar_bars,
}


class BarStream:
    """Bars in the making: trades in blocks of any length in, the bars that they close out.

    A trade whose side is 0 takes the direction of the last price change (the tick rule of Lee and Ready,
    1991; up before the first). The cut of the input never shows in the bars. Trades are taken as they come:
    `bateia.quality.validate_trades` tells whether they are in order.
    """

    def __init__(self, kind: BarKind, snapshot: Snapshot | None = None) -> None:
        self.kind = kind
        self._ints = np.array([0, 0, 0, 0, 1, 0, 0], np.int64)
        self._floats = np.array([0.0] * 6 + [np.nan])
        if snapshot is not None:
            self._ints = _state(snapshot, "ints", self._ints)
            self._floats = _state(snapshot, "floats", self._floats)

    def run(self, events: Trades | Bars) -> Bars:
        """The bars that these trades close, often none; DataError for candles, or columns of another type."""
        if isinstance(events, Bars):
            raise DataError("candles where trades are due", allowed="Trades", hint="bars: {kind: candles}")
        rows = len(events)
        columns = [_column(events, name) for name in TRADES]
        run, limit = _KERNELS[type(self.kind)], self.kind.size  # type: ignore[attr-defined]
        made: list[Bars] = []
        row = 0
        while row < rows:
            ints, floats = _output(min(rows - row, MOST_AT_ONCE))
            row, count = run(limit, row, *columns, self._ints, self._floats, ints, floats)
            if count:
                # Copied, so that a few bars do not keep a whole block's room alive.
                made.append(_bars(ints[:, :count].copy(), floats[:, :count].copy()))
        if not made:
            return _NO_BARS
        return made[0] if len(made) == 1 else Bars.concat(made)

    def advance(self, now: int) -> Bars:
        """Close a time bar by the clock: the open bar, if it was due at `now` (microseconds).

        `now` promises that no trade before it is still to come: such a one would open a second bar of the
        same time. DataError for bars that do not close by the clock.
        """
        if not isinstance(self.kind, TimeBars):
            raise DataError(f"{type(self.kind).__name__} cannot close by the clock", allowed="TimeBars")
        if self._ints[kernels.COUNT] == 0 or now < self._ints[kernels.DUE]:
            return _NO_BARS
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


_NO_BARS = Bars.empty()
"""Made once: most live trades close nothing, and arrays of no rows hold nothing to change."""


def _state(snapshot: Snapshot, name: str, like: npt.NDArray[Any]) -> npt.NDArray[Any]:
    found = np.array(snapshot.get(name, ()))
    if found.shape != like.shape or found.dtype != like.dtype:
        raise DataError(
            f"the snapshot's {name!r} is {found.dtype} of shape {found.shape}",
            allowed=f"{like.dtype} of shape {like.shape}, as `BarStream.snapshot()` gives it",
        )
    return found


def _column(trades: Trades, name: str) -> npt.NDArray[Any]:
    """As the kernels are compiled for it: the same array in nearly every case."""
    column, kind = getattr(trades, name), TRADES[name]
    if column.dtype == kind and column.flags.carray:
        return column  # type: ignore[no-any-return]
    if not np.can_cast(column.dtype, kind, "same_kind"):
        raise DataError(f"{name} of the trades is {column.dtype}", allowed=f"{np.dtype(kind)}")
    return np.array(column, kind)


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
