"""Right and wrong calls of up and down, each statistic with its rows' influence (see `scores`).

A score above 0 calls up, one below 0 calls down, 0 calls nothing; every answer is up or down.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bateia.backtest.scores import Measured
from bateia.core.events import Bools, Floats


def ratio(part: npt.ArrayLike, whole: npt.ArrayLike) -> Measured:
    """Mean of `part` / mean of `whole`; NaN where the latter is 0.

    >>> ratio([1, 0, 1], [1, 1, 2])[0]
    0.5
    """
    a, b = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    base = float(b.mean()) if len(b) else 0.0
    if base == 0:
        return float("nan"), np.zeros(len(b))
    value = float(a.mean()) / base
    return value, (a - value * b) / base


def precision(called: Bools, true: Bools) -> Measured:
    """Share of the called rows that are true.

    >>> precision(np.array([True, True, False]), np.array([True, False, True]))[0]
    0.5
    """
    return ratio(called & true, called)


def recall(called: Bools, true: Bools) -> Measured:
    """Share of the true rows that were called."""
    return ratio(called & true, true)


def f1(called: Bools, true: Bools) -> Measured:
    """Harmonic mean of precision and recall; NaN where nothing is called and nothing true."""
    return ratio(2.0 * (called & true), called.astype(np.float64) + true)


def by_class(score: Floats, up: Bools) -> dict[str, Measured]:
    """Precision and recall of both calls, macro F1, and the chance that two calls in turn are right.

    >>> values = by_class(np.array([0.5, 0.2, -0.1, -0.3]), np.array([True, False, False, False]))
    >>> [round(values[name][0], 4) for name in ("precision_up", "recall_down", "f1_macro")]
    [0.5, 0.6667, 0.7333]
    """
    rising, falling = score > 0, score < 0
    right_up, right_down = precision(rising, up), precision(falling, ~up)
    f1_up, f1_down = f1(rising, up), f1(falling, ~up)
    return {
        "precision_up": right_up,
        "recall_up": recall(rising, up),
        "precision_down": right_down,
        "recall_down": recall(falling, ~up),
        "f1_macro": ((f1_up[0] + f1_down[0]) / 2, (f1_up[1] + f1_down[1]) / 2),
        "correct_round_trip": (
            right_up[0] * right_down[0],
            right_up[1] * right_down[0] + right_down[1] * right_up[0],
        ),
    }
