"""Our events as hftbacktest takes them, and its simulator with a broker's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bateia.core import ConfigError, DataError
from bateia.core.book_events import FRESH, TRADE, BookEvents

if TYPE_CHECKING:
    from bateia.trading.book_broker import BookBroker

NANOS = 1000
"""Nanoseconds in a microsecond."""
EVENT = np.dtype(
    [
        *(("ev", "u8"), ("exch_ts", "i8"), ("local_ts", "i8"), ("px", "f8"), ("qty", "f8")),
        *(("order_id", "u8"), ("ival", "i8"), ("fval", "f8")),
    ],
    align=True,
)
"""One event of hftbacktest 2."""
_BOTH_CLOCKS = 1 << 31 | 1 << 30
_BUY, _SELL = 1 << 29, 1 << 28
_LEVEL, _TRADE, _FRESH = 1, 2, 4


def event_array(events: BookEvents) -> npt.NDArray[Any]:
    """Rows of `EVENT`, times in nanoseconds; DataError for clocks that fall back or a size below 0.

    >>> event_array(BookEvents.empty()).shape
    (0,)
    """
    for name, clock in (("time", events.time), ("known_at", events.known_at)):
        if (clock[1:] < clock[:-1]).any():
            raise DataError(f"the {name} of a book's events falls back", allowed="clocks that rise")
    if (events.known_at < events.time).any():
        raise DataError("an event known before it happened", allowed="known_at not before time")
    good = (events.price > 0) & (events.size >= 0) & np.isfinite(events.price) & np.isfinite(events.size)
    if not good.all():
        raise DataError("a price not above 0, or a size below 0", allowed="prices above 0, sizes from 0")
    out = np.zeros(len(events), EVENT)
    kind = np.where(events.kind == TRADE, _TRADE, np.where(events.kind == FRESH, _FRESH, _LEVEL))
    out["ev"] = _BOTH_CLOCKS | np.where(events.side > 0, _BUY, _SELL) | kind
    out["exch_ts"], out["local_ts"] = events.time * NANOS, events.known_at * NANOS
    out["px"], out["qty"] = events.price, events.size
    return out


def hftbacktest() -> Any:
    """The library; ConfigError where it is not installed."""
    try:
        import hftbacktest as library
    except ImportError as error:
        raise ConfigError(
            f"fills on the book need hftbacktest ({error})",
            allowed="the extra fills",
            hint='pip install "bateia[fills]" in an environment of its own: it holds numpy below 2.3',
        ) from None
    return library


def open_market(broker: BookBroker, rows: npt.NDArray[Any]) -> Any:
    """The simulator before its first event; it reads `rows`, which must outlive it."""
    library = hftbacktest()
    asset = (
        library.BacktestAsset()
        .data(rows)
        .linear_asset(broker.multiplier)
        .constant_order_latency(broker.latency * NANOS, broker.answer * NANOS)
        .partial_fill_exchange()
        .trading_value_fee_model(broker.maker_bps * 1e-4, broker.taker_bps * 1e-4)
        .tick_size(broker.tick)
        .lot_size(broker.lot)
    )
    if broker.queue == "risk_averse":
        asset = asset.risk_adverse_queue_model()
    elif broker.queue == "power":
        asset = asset.power_prob_queue_model(broker.power)
    else:
        asset = asset.log_prob_queue_model()
    return library.HashMapMarketDepthBacktest([asset])


def resting_levels(
    rows: npt.NDArray[Any], time: int, side: int, tick: float, before: bool
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Ticks and sizes of one side at the exchange after `time` (nanoseconds), or just `before` it."""
    stop = int(np.searchsorted(rows["exch_ts"], time, side="left" if before else "right"))
    bit = _BUY if side > 0 else _SELL
    ours = rows[:stop][((rows["ev"][:stop] & bit) > 0) & ((rows["ev"][:stop] & 0xFF) != _TRADE)]
    ticks, last = np.unique(np.rint(ours["px"][::-1] / tick).astype(np.int64), return_index=True)
    sizes = ours["qty"][::-1][last]
    return ticks[sizes > 0], sizes[sizes > 0]
