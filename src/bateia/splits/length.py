"""Lengths along the rows: a number of rows, a share of them, or a duration."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import BeforeValidator

from bateia.core import INT32, ConfigError, format_duration, parse_duration
from bateia.core.events import Ints


def _read_length(given: Any) -> int | float | str:
    if isinstance(given, str):
        try:
            return format_duration(parse_duration(given))
        except ConfigError as error:
            raise ValueError(str(error)) from error
    if isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= INT32:
        return given
    if isinstance(given, float) and 0.0 < given < 1.0:
        return given
    wrong = ConfigError(
        f"the length is {given!r}",
        allowed="a share of the rows between 0 and 1, a whole number of rows from 1, or a duration as text",
        hint='0.3, 5000 or "30d"',
    )
    raise ValueError(str(wrong))


Length = Annotated[int | float | str, BeforeValidator(_read_length)]
"""A pydantic field: a share of the rows as float, a number of rows as int, or a duration as its text."""


class Edge(NamedTuple):
    """A place between rows: `row` is the first at or after it, `time` its moment in microseconds."""

    row: int
    time: int


def edge_at(row: int, t0: Ints) -> Edge:
    """The edge before a row; `row` may lie outside the table."""
    return Edge(row, int(t0[max(row, 0)]) if row < len(t0) else int(t0[-1]) + 1)


def move(edge: Edge, length: int | float | str, t0: Ints, sign: int = 1) -> Edge:
    """The edge `length` later, or earlier for sign -1; `t0` are the starts of all rows, never falling.

    >>> t0 = np.array([0, 3, 4, 9]) * 1_000_000
    >>> move(Edge(0, 0), 2, t0), move(Edge(0, 0), 0.5, t0), move(Edge(0, 0), "5s", t0)
    (Edge(row=2, time=4000000), Edge(row=2, time=4000000), Edge(row=3, time=5000000))
    """
    if isinstance(length, str):
        time = edge.time + sign * parse_duration(length)
        return Edge(int(np.searchsorted(t0, time)), time)
    return edge_at(edge.row + sign * rows_in(length, len(t0)), t0)


def rows_in(length: int | float, n: int) -> int:
    """A number or share of `n` rows as a number of rows, rounded down."""
    return length if isinstance(length, int) else int(length * n)
