"""The return after a fixed horizon, or its sign."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from bateia.core import Bars, Component, ConfigError
from bateia.core.events import Floats
from bateia.kernels.barriers import fixed_horizon
from bateia.labels.base import Horizon, Labels, Task, answers, check_bars, ends, sign


class FixedHorizon(Component):
    """Log return from a bar's close to the close `horizon` later, or its sign.

    A horizon in bars exits at bar i + horizon and is known at its time. A horizon in time exits at the
    last close at or before t0 + horizon, and is known at that moment, once some bar is as late.

    Source: Lopez de Prado, "Advances in Financial Machine Learning" (2018), section 3.2.

    >>> from bateia.testing.labels import generated_bars
    >>> labels = FixedHorizon(horizon=5).make(generated_bars(100))
    >>> len(labels), int(labels.valid.sum()), sorted(set(labels.value[:95].tolist()))
    (100, 95, [-1.0, 0.0, 1.0])
    """

    kind: Literal["fixed_horizon"] = "fixed_horizon"
    horizon: Horizon
    """How far ahead: a number of bars, or a duration such as `"30s"`."""
    target: Literal["sign", "return"] = "sign"
    """The class -1, 0, +1, or the log return itself."""
    threshold_bps: float = Field(default=0.0, ge=0.0)
    """Returns smaller than this, in basis points, are class 0."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.target == "return" and self.threshold_bps > 0:
            error = ConfigError(
                f"threshold_bps {self.threshold_bps:g} with target 'return', which has no classes",
                allowed="threshold_bps 0, or target 'sign'",
                hint="target: sign",
            )
            raise ValueError(str(error))
        return self

    @property
    def task(self) -> Task:
        """`"class"` for target `"sign"`, else `"return"`."""
        return "class" if self.target == "sign" else "return"

    def make(self, bars: Bars) -> Labels:
        """Labels of `bars`, arrays of shape (bars,); DataError for prices that have no logarithm."""
        check_bars(bars, "close")
        end, due, closed = ends(self.horizon, bars.time)
        ret: Floats = np.empty(len(bars))
        fixed_horizon(bars.close, end, closed, ret)
        value = sign(ret, self.threshold_bps * 1e-4) if self.target == "sign" else ret.copy()
        return answers(value, ret, bars.time, end, due)
