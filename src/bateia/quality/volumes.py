"""Volumes that stand out, are always the same, or are missing where prices move."""

from __future__ import annotations

import numpy as np

from bateia.core import Bars, Trades
from bateia.core.events import Floats, Ints
from bateia.quality.measures import local_level
from bateia.quality.report import Check, Grade, about

FAR = 1_000.0
"""Times what is usual around that no bar trades, unless its price moves with it."""
SAME = 0.5
"""Share of rows that one number may have."""
BUSY = 50.0
MANY = 0.001


def volume_check(events: Bars | Trades) -> Check:
    """The check `volume`: spikes without a move, one number throughout, nothing where much is usual."""
    none: Ints = np.empty(0, np.int64)
    if isinstance(events, Trades) or len(events) < 50:
        return about(
            "volume", "ok", "told by the other checks" if len(events) >= 50 else "too short to tell", none
        )
    volume = events.volume
    if not volume.any():
        return about("volume", "ok", "no volume is known", none)
    level = local_level(volume)
    usual = np.where(level > 0, level, np.median(volume[volume > 0]))
    spread = events.high - events.low
    wide = spread > 5 * np.maximum(local_level(spread), np.median(spread))
    spike = (volume > FAR * usual) & ~wide
    empty = (volume == 0) & _busy(events, level)
    same, number = _same(volume)
    words = [
        (spike, "volumes a thousand times those around, without a move"),
        (empty, "bars without volume among busy ones"),
        (same, f"half of all volumes are {number:g}"),
    ]
    bad = spike | empty | same
    found = "; ".join(word for mask, word in words if mask.any()) or "volumes as of a market"
    grade: Grade = "blocked" if same.any() or (spike.sum() >= 10 and spike.mean() > MANY) else "suspect"
    grade = "blocked" if empty.mean() > 0.01 else grade
    return about("volume", grade, found, bad)


def _busy(bars: Bars, level: Floats) -> np.typing.NDArray[np.bool_]:
    """Where the bars around have trades enough that none without is to be expected."""
    if np.isnan(bars.trades).all():
        return (level > 0) & (float((bars.volume == 0).mean()) < MANY)
    return local_level(np.nan_to_num(bars.trades)) > BUSY


def _same(volume: Floats) -> tuple[np.typing.NDArray[np.bool_], float]:
    traded = volume[volume > 0]
    values, counts = np.unique(traded, return_counts=True)
    most = int(np.argmax(counts))
    if counts[most] < SAME * len(traded):
        return np.zeros(len(volume), np.bool_), 0.0
    return volume == values[most], float(values[most])
