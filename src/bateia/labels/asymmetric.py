"""Does the price rise far enough, or fall half as far, in an hour without a gap?"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from bateia.core import Bars, Component, Duration
from bateia.core.clock import MINUTE
from bateia.core.events import Bools, Floats, Ints
from bateia.kernels.barriers import fixed_horizon
from bateia.labels.base import Horizon, Labels, Task, answers, check_bars, ends


class AsymmetricHorizon(Component):
    """+1 where the return over the horizon is above `up_bps`, -1 where it is below -`down_bps`, else 0.

    The return is the sum of the log returns of the bars after this one, up to the horizon's end; a row from
    which that sum would cross a gap has no answer, nor have the last rows. The defaults are those of
    `quantgod` on one-minute bars: 60 bars, +0.8% and -0.4%, where its classes 2, 1 and 0 are +1, 0 and -1.

    >>> from bateia.testing.labels import generated_bars
    >>> label = AsymmetricHorizon(horizon=20, up_bps=20, down_bps=10, gap="10s")
    >>> labels = label.make(generated_bars(500))
    >>> [int((labels.value == side).sum()) for side in (-1, 0, 1)], int((~labels.valid).sum())
    ([67, 263, 81], 89)
    """

    kind: Literal["asymmetric_horizon"] = "asymmetric_horizon"
    horizon: Horizon = 60
    """How far ahead: a number of bars, or a duration such as `"1h"`."""
    up_bps: float = Field(default=80.0, ge=0.0)
    """Log return, in basis points, above which the class is +1."""
    down_bps: float = Field(default=40.0, ge=0.0)
    """Log return below 0, in basis points, below which the class is -1."""
    gap: Duration = MINUTE
    """A longer time between two bars is a gap: one bar of time bars, much more of others."""
    least_share: float = Field(default=0.03, ge=0.0, lt=1 / 3)
    """Share of the answers that each class should have; a run warns of a class with fewer."""

    @property
    def task(self) -> Task:
        """Always `"class"`; the return itself is in `Labels.ret`."""
        return "class"

    def make(self, bars: Bars) -> Labels:
        """Labels of `bars`, arrays of shape (bars,); DataError for prices that have no logarithm."""
        check_bars(bars, "close")
        end, due, closed = ends(self.horizon, bars.time)
        whole, until = self._whole(bars.time, end, due)
        ret: Floats = np.empty(len(bars))
        fixed_horizon(bars.close, end, closed & whole, ret)
        value = np.where(ret > self.up_bps * 1e-4, 1.0, np.where(ret < -self.down_bps * 1e-4, -1.0, 0.0))
        value[np.isnan(ret)] = np.nan
        due = np.where(whole, due, bars.time[-1:])
        # A row that a gap cuts off shares the returns before it, as a row does whose horizon is still open:
        # no weight may tell of a gap that comes after it.
        return answers(value, ret, bars.time, until, due)

    def _whole(self, time: Ints, end: Ints, due: Ints) -> tuple[Bools, Ints]:
        """Whether no gap lies from each row to the end of its horizon, and the last bar before one."""
        after = np.append(np.flatnonzero(np.diff(time) > self.gap) + 1, len(time))
        rows = np.arange(len(time))
        until = np.minimum(end, after[np.searchsorted(after, rows, side="right")] - 1)
        return (until == end) & (due - time[end] <= self.gap), until
