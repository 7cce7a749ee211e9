"""What every label shares: the answers, the horizon, and the bars it accepts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol

import numpy as np
from pydantic import BeforeValidator

from bateia.core import (
    INT32,
    Bars,
    ConfigError,
    DataError,
    Spans,
    format_duration,
    format_time,
    parse_duration,
)
from bateia.core.events import Bools, Floats, Ints
from bateia.kernels.barriers import average_uniqueness, horizon_ends

Task = Literal["class", "return"]


@dataclass(frozen=True, eq=False)
class Labels:
    """One answer for each bar, as arrays of shape (bars,): what a model is to predict at `span.t0`.

    Where the answer is not in the data (or cannot be asked yet) `value` and `ret` are NaN, `weight` is 0
    and `span.t1` is the last bar's time.
    """

    value: Floats
    """The target: a class of -1, 0, +1, or a log return."""
    weight: Floats
    """Average uniqueness, in (0, 1]: about 1 / (k + 1) where k other labels share its returns."""
    ret: Floats
    """Log return from the bar's close to the label's exit."""
    span: Spans
    """t0 is the bar's time, t1 the moment from which the answer is known."""

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, rows: slice | Ints | Bools) -> Labels:
        return Labels(self.value[rows], self.weight[rows], self.ret[rows], self.span[rows])

    @property
    def valid(self) -> Bools:
        """Where there is an answer: shape (bars,)."""
        return ~np.isnan(self.value)


class Label(Protocol):
    """A component that asks every bar the same question about its future."""

    @property
    def task(self) -> Task:
        """What `value` is: a class of -1, 0, +1, or a log return."""

    def make(self, bars: Bars) -> Labels:
        """The answers; DataError where the bars cannot be labelled."""


def _read_horizon(given: Any) -> int | str:
    if isinstance(given, str):
        try:
            return format_duration(parse_duration(given))
        except ConfigError as error:
            raise ValueError(str(error)) from error
    if isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= INT32:
        return given
    wrong = ConfigError(
        f"the horizon is {given!r}",
        allowed=f"a whole number of bars from 1 to {INT32}, or a duration as text",
        hint='120, or "5m"',
    )
    raise ValueError(str(wrong))


Horizon = Annotated[int | str, BeforeValidator(_read_horizon)]
"""A pydantic field: a number of bars as int, or a duration as its shortest text, such as `"1m30s"`."""


def ends(horizon: int | str, time: Ints) -> tuple[Ints, Ints, Bools]:
    """Last bar, moment and whether it has come, of each row's horizon; arrays like `time`.

    >>> time = np.array([0, 4, 11, 12]) * 1_000_000
    >>> [column.tolist() for column in ends("5s", time)]
    [[1, 1, 3, 3], [5000000, 9000000, 12000000, 12000000], [True, True, False, False]]
    """
    bars, micros = (0, parse_duration(horizon)) if isinstance(horizon, str) else (horizon, 0)
    n = len(time)
    end, due, closed = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.bool_)
    horizon_ends(time, bars, micros, end, due, closed)
    return end, due, closed


def answers(value: Floats, ret: Floats, time: Ints, end: Ints, due: Ints) -> Labels:
    """Labels with their weights, from the exits that a kernel found."""
    weight: Floats = np.empty(len(ret))
    average_uniqueness(end, ret, weight)
    return Labels(value, weight, ret, Spans(time.copy(), due))


def sign(ret: Floats, threshold: float = 0.0) -> Floats:
    """-1, 0 or +1, 0 where |ret| is below `threshold`; NaN stays NaN."""
    return np.where(np.abs(ret) < threshold, 0.0, np.sign(ret))


def rare_classes(labels: Labels, least: float) -> list[str]:
    """A sentence for each of the classes -1, 0, +1 that has less than this share of the answers.

    >>> from bateia.core import Spans
    >>> value, time = np.array([0.0, 0.0, 1.0, np.nan]), np.arange(4)
    >>> rare_classes(Labels(value, value, value, Spans(time, time)), 0.4)
    ['class -1 is 0 of 3 answers, 0.0%; each should be 40% or more',
    'class +1 is 1 of 3 answers, 33.3%; each should be 40% or more']
    """
    answered, found = int(labels.valid.sum()), []
    for side in (-1, 0, 1):
        count = int((labels.value == side).sum())
        if count < least * answered:
            share = f"{100 * count / answered:.1f}%; each should be {100 * least:g}% or more"
            found.append(
                f"class {f'{side:+d}' if side else side} is {count:,} of {answered:,} answers, {share}"
            )
    return found


def check_bars(bars: Bars, *prices: str) -> None:
    """DataError unless the clock never falls and the named prices are positive and finite."""
    falls = np.flatnonzero(bars.time[1:] < bars.time[:-1])
    if len(falls):
        row = int(falls[0]) + 1
        raise DataError(
            f"bar {row} closes at {format_time(int(bars.time[row]))}, before the bar in front of it",
            allowed="bars in time order",
            hint="sort the events before making bars",
        )
    for name in prices:
        column = getattr(bars, name)
        bad = np.flatnonzero(~((column > 0) & (column < np.inf)))
        if len(bad):
            row = int(bad[0])
            raise DataError(
                f"{name} of bar {row} is {column[row]:g} ({len(bad)} such bars), and a label is a log return",
                allowed="finite prices above 0",
                hint="clean the bars, or shift a spread's prices to lie above 0",
            )
