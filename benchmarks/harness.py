"""Time ours beside a peer in one run; every figure is a median, every goal a ratio or a bound."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of `make bench`: ours and a peer's time in `unit`, the ratio peer/ours, and the goal."""

    work: str
    unit: str
    ours: float
    peer: str
    theirs: float
    goal: str
    met: bool | None
    """Whether the goal holds in this run; None where the goal is another row's."""


def median_time(run: Callable[[], object], repeats: int = 5, warmup: int = 1) -> float:
    """Median wall seconds of `run()` over `repeats` calls after `warmup` uncounted ones."""
    for _ in range(warmup):
        run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def paired_times(
    ours: Callable[[], object], theirs: Callable[[], object], repeats: int = 5
) -> tuple[float, float]:
    """Median seconds of both, run in turn (A B A B …) so that a drifting machine is fair to both."""
    ours(), theirs()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for run, kept in zip((ours, theirs), times, strict=True):
            start = time.perf_counter()
            run()
            kept.append(time.perf_counter() - start)
    return statistics.median(times[0]), statistics.median(times[1])
