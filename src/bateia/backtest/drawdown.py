"""How far and how long an account was below its best."""

from __future__ import annotations

import numpy as np

from bateia.core.events import Floats, Ints


def max_drawdown(net: Floats) -> float:
    """Deepest fall from the highest point so far, the start at 0 included.

    >>> max_drawdown(np.array([1.0, 3.0, -1.0, 2.0]))
    4.0
    """
    return float(np.max(np.maximum.accumulate(np.maximum(net, 0.0)) - net))


def longest_drawdown(net: Floats, before: Ints, time: Ints) -> tuple[int, int]:
    """Longest stay below an earlier peak: bars in a row, and microseconds from the peak to its recovery.

    `before` and `time` are where each bar starts and ends; a fall that is never regained lasts to the last
    bar. The two may be of different stays. What is within rounding of the peak (1e-12 of all that the account
    moved) has regained it.

    >>> starts, ends = np.array([0, 10, 20, 30]), np.array([10, 20, 30, 40])
    >>> longest_drawdown(np.array([1.0, 0.5, 0.2, 2.0]), starts, ends)
    (2, 30)
    """
    slack = 1e-12 * float(np.sum(np.abs(np.diff(net, prepend=0.0))))
    under = net < np.maximum.accumulate(np.maximum(net, 0.0)) - slack
    edges = np.flatnonzero(np.diff(under, prepend=False, append=False))
    if not len(edges):
        return 0, 0
    first, after = edges[::2], edges[1::2]
    regained = time[np.minimum(after, len(net) - 1)]
    # The peak is the bar before the first one below it.
    return int(np.max(after - first)), int(np.max(regained - before[first]))
