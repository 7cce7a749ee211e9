"""What the synchroniser tells: one event a happening, and counts for a log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bateia.core.clock import MILLISECOND, format_duration

Kind = Literal[
    "applied",
    "dropped",
    "wanted",
    "in sync",
    "ignored",
    "gap",
    "reset",
    "crossed",
    "stale",
    "overflow",
    "silence",
    "unreadable",
]


@dataclass(frozen=True, slots=True)
class Event:
    """What one message did.

    `applied`: the book is now as of `update_id`. `dropped`: the diff is old, said twice or late. `wanted`: a
    REST snapshot is due. `in sync`: the book is good from here on. `ignored`: a snapshot nobody needs. The
    others say what was wrong; `gap`, `reset`, `crossed` and `stale` leave the book to be built anew.
    """

    kind: Kind
    received: int
    """Our clock, microseconds UTC."""
    update_id: int
    """Of the message that it is about; 0 where that could not be read."""
    detail: str = ""


@dataclass(slots=True)
class Stats:
    """Counts since the start; durations in microseconds."""

    messages: int = 0
    applied: int = 0
    dropped: int = 0
    gaps: int = 0
    resets: int = 0
    crossed: int = 0
    stale: int = 0
    overflows: int = 0
    silences: int = 0
    unreadable: int = 0
    synced: int = 0
    """Times that the book came into sync."""
    lag: int = 0
    """Of the last diff: our clock at receipt less Binance's at sending."""
    lag_total: int = 0
    lag_most: int = -(2**63)
    silence_most: int = 0
    """Longest time between two diffs, by our clock."""
    received: int | None = None
    """When the last diff came."""

    @property
    def rebuilt(self) -> int:
        """Times that the book had to be built anew."""
        return max(self.synced - 1, 0)

    @property
    def lag_mean(self) -> float:
        """Mean of `lag` over all diffs; NaN before the first."""
        return self.lag_total / self.messages if self.messages else float("nan")

    def silence(self, now: int) -> int:
        """Time without a diff until `now`; 0 before the first."""
        return 0 if self.received is None else max(now - self.received, 0)

    def line(self, now: int | None = None) -> str:
        """One line for a log; `now` adds the time since the last diff.

        >>> Stats(messages=4, applied=2, dropped=2, synced=1, lag=7000, lag_total=28000, lag_most=9000).line()
        'messages 4, applied 2, dropped 2, gaps 0, resets 0, crossed 0, stale 0, unreadable 0, rebuilt 0,
        lag 7.0 ms (mean 7.0, most 9.0), longest silence 0us'
        """
        parts = [f"{name} {getattr(self, name)}" for name in _COUNTED]
        if self.messages:
            last, mean, most = (one / MILLISECOND for one in (self.lag, self.lag_mean, self.lag_most))
            parts.append(f"lag {last:.1f} ms (mean {mean:.1f}, most {most:.1f})")
        parts.append(f"longest silence {format_duration(self.silence_most)}")
        if now is not None:
            parts.append(f"silent for {format_duration(self.silence(now))}")
        return ", ".join(parts)


_COUNTED = ("messages", "applied", "dropped", "gaps", "resets", "crossed", "stale", "unreadable", "rebuilt")
