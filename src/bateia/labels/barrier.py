"""Which comes first: the profit, the loss, or the end of patience."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from bateia.core import INT32, Bars, Component
from bateia.core.events import Floats
from bateia.kernels.barriers import ew_volatility, triple_barrier
from bateia.labels.base import Horizon, Labels, Task, answers, check_bars, ends, sign


class TripleBarrier(Component):
    """+1 where the price reaches the upper barrier first, -1 the lower, 0 neither within the horizon.

    The barriers lie `up` and `down` volatilities from the bar's close, in log price; volatility is the
    exponentially weighted deviation of log returns per bar (span `volatility_span`, causal). Rows within
    its warm-up, and rows where it is 0, have no answer. A label whose barrier was touched is answered
    even where the data end before its horizon.

    Source: Lopez de Prado, "Advances in Financial Machine Learning" (2018), sections 3.3 and 3.4.

    >>> from bateia.testing.labels import generated_bars
    >>> label = TripleBarrier(horizon="2m", up=2.0, down=1.0, volatility_span=20)
    >>> labels = label.make(generated_bars(500))
    >>> [int((labels.value == side).sum()) for side in (-1, 0, 1)], int((~labels.valid).sum())
    ([269, 3, 201], 27)
    """

    kind: Literal["triple_barrier"] = "triple_barrier"
    horizon: Horizon
    """The vertical barrier: a number of bars, or a duration such as `"5m"`."""
    up: float = Field(gt=0.0)
    """Distance of the upper barrier, in volatilities; a barrier that is out of reach is a large number."""
    down: float = Field(gt=0.0)
    """Distance of the lower barrier, in volatilities."""
    volatility_span: int = Field(default=100, ge=2, le=INT32)
    """Bars: the span of the exponential weights, and how many returns must be seen before the first label."""
    path: Literal["close", "range"] = "close"
    """Touched by closes (the exit is the touching close), or by highs and lows (the exit is the barrier).

    By highs and lows, a bar that opens beyond a barrier exits at its open, and a bar that reaches both
    barriers counts as the lower one, the worse for a buyer.
    """
    vertical: Literal["zero", "sign"] = "zero"
    """Class where neither barrier is touched: 0, or the sign of the return."""

    @property
    def task(self) -> Task:
        """Always `"class"`; the return of each exit is in `Labels.ret`."""
        return "class"

    def make(self, bars: Bars) -> Labels:
        """Labels of `bars`, arrays of shape (bars,); DataError for prices that have no logarithm."""
        if self.path == "range":
            check_bars(bars, "open", "high", "low", "close")
            first, high, low = bars.open, bars.high, bars.low
        else:
            check_bars(bars, "close")
            first = high = low = bars.close
        n = len(bars)
        volatility: Floats = np.empty(n)
        ew_volatility(bars.close, self.volatility_span, volatility)
        end, due, closed = ends(self.horizon, bars.time)
        value: Floats = np.empty(n)
        ret: Floats = np.empty(n)
        barriers = (bars.close, volatility, self.up, self.down)
        triple_barrier(first, high, low, *barriers, bars.time, closed, end, due, value, ret)
        if self.vertical == "sign":
            value = np.where(value == 0.0, sign(ret), value)
        return answers(value, ret, bars.time, end, due)
