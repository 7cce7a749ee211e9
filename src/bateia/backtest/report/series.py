"""Long series made short enough to draw, without losing their extremes."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from bateia.core.events import Floats, Ints

POINTS = 1_200


def minmax_rows(values: Floats, limit: int = POINTS) -> Ints:
    """Rows to draw, in order, at most `limit`: the ends, and each stretch's lowest and highest value.

    >>> minmax_rows(np.array([0.0, 1.0, 9.0, 2.0, -5.0, 1.0, 1.0, 1.0]), limit=6).tolist()
    [0, 2, 4, 5, 7]
    """
    n = len(values)
    if n <= limit:
        return np.arange(n)
    edges = np.linspace(0, n, (limit - 2) // 2 + 1).astype(np.int64)
    keep = {0, n - 1}
    for begin, end in pairwise(edges.tolist()):
        stretch = values[begin:end]
        keep.update((begin + int(np.argmin(stretch)), begin + int(np.argmax(stretch))))
    return np.array(sorted(keep), np.int64)


def numbers(values: Iterable[Any]) -> list[float | None]:
    """Plain floats of seven significant digits for JSON; None where not finite."""
    return [float(f"{v:.7g}") if np.isfinite(v) else None for v in values]


def milliseconds(times: Ints) -> list[int]:
    """Microseconds UTC as the whole milliseconds that a date axis reads."""
    scaled: list[int] = np.rint(np.asarray(times) / 1000).astype(np.int64).tolist()
    return scaled
