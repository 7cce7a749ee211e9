"""From decision to market: nothing, a duration, or a distribution with a draw of its own for each order."""

from __future__ import annotations

import math
import re
from statistics import NormalDist
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    WithJsonSchema,
    model_validator,
)

from bateia.core import Component, ConfigError, format_duration, parse_duration
from bateia.core.component import INT32
from bateia.core.events import Floats, Ints

_ZERO = re.compile(r"0+(\.0+)?\s*(us|ms|s|m|h|d|w)?")


def parse_latency(text: str) -> int:
    """Microseconds in a duration that may be zero: `"0"`, `"0ms"`, `"250ms"`; ConfigError otherwise.

    >>> parse_latency("0"), parse_latency("250ms")
    (0, 250000)
    """
    return 0 if _ZERO.fullmatch(text.strip()) else parse_duration(text)


def format_latency(latency: AnyLatency) -> str:
    """The text that `parse_latency` reads back; a distribution in words.

    >>> format_latency(0), format_latency(250_000)
    ('0', '250ms')
    >>> format_latency(LognormalLatency(median="80ms", p99="400ms"))
    'lognormal with median 80ms and p99 400ms'
    """
    if isinstance(latency, UniformLatency):
        return f"uniform between {format_latency(latency.low)} and {format_latency(latency.high)}"
    if isinstance(latency, LognormalLatency):
        median, p99 = format_latency(latency.median), format_latency(latency.p99)
        return f"lognormal with median {median} and p99 {p99}"
    return format_duration(latency) if latency else "0"


def _read_latency(value: Any) -> int:
    # YAML reads a bare 0 as a number; any other bare number has no unit and is refused.
    if isinstance(value, int) and not isinstance(value, bool) and value == 0:
        return 0
    if isinstance(value, str):
        try:
            return parse_latency(value)
        except ConfigError as error:
            raise ValueError(str(error)) from error
    raise ValueError(f'{value!r} is not a latency; allowed: "0" or text with a unit; try: "250ms"')


Latency = Annotated[
    int,
    BeforeValidator(_read_latency),
    PlainSerializer(format_latency, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["0", "250ms"]}),
]
"""A pydantic field: written `"0"` or `"250ms"` in a recipe, int microseconds in Python."""


class UniformLatency(Component):
    """Each order takes from `low` to `high`, all equally likely."""

    kind: Literal["uniform"] = "uniform"
    low: Latency
    high: Latency
    seed: int = Field(default=0, ge=0, le=INT32)
    """Another seed, other draws; an order's draw depends on it and on the decision's row alone."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _in_order("low", self.low, "high", self.high)
        return self

    def draw(self, row: Ints) -> Ints:
        """Microseconds for the orders of these decision rows."""
        return np.rint(self.low + (self.high - self.low) * uniforms(self.seed, row)).astype(np.int64)


class LognormalLatency(Component):
    """Half the orders take less than `median`, one in a hundred more than `p99`."""

    kind: Literal["lognormal"] = "lognormal"
    median: Latency
    p99: Latency
    seed: int = Field(default=0, ge=0, le=INT32)
    """Another seed, other draws; an order's draw depends on it and on the decision's row alone."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.median:
            raise ValueError(str(ConfigError("median is 0", allowed="a duration", hint='median: "50ms"')))
        _in_order("median", self.median, "p99", self.p99)
        return self

    def draw(self, row: Ints) -> Ints:
        """Microseconds for the orders of these decision rows."""
        normal = NormalDist()
        width = math.log(self.p99 / self.median) / normal.inv_cdf(0.99)
        scores = np.array([normal.inv_cdf(u) for u in uniforms(self.seed, row)], np.float64)
        # The far tail of a wide one would not fit an int64.
        draws: Ints = np.rint(self.median * np.exp(np.minimum(width * scores, 20.0))).astype(np.int64)
        return draws


def uniforms(seed: int, row: Ints) -> Floats:
    """Numbers within (0, 1), one for each row, from the row's number alone (splitmix64).

    Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA (2014).
    """
    golden = np.uint64(0x9E3779B97F4A7C15)
    with np.errstate(over="ignore"):
        z = (np.asarray(row, np.int64).astype(np.uint64) + np.uint64(1) + np.uint64(seed) * golden) * golden
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return ((z >> np.uint64(12)).astype(np.float64) + 0.5) / 2.0**52


def draw_latency(latency: AnyLatency, row: Ints) -> Ints:
    """Microseconds for the orders of these decision rows, whatever kind of latency."""
    if isinstance(latency, UniformLatency | LognormalLatency):
        return latency.draw(row)
    return np.full(len(row), latency, np.int64)


def _in_order(low: str, smaller: int, high: str, larger: int) -> None:
    if smaller > larger:
        given = f"{low} {format_latency(smaller)} with {high} {format_latency(larger)}"
        raise ValueError(str(ConfigError(given, allowed=f"{low} <= {high}", hint="the other way round")))


def _kind_of(value: Any) -> str | None:
    if isinstance(value, dict):
        kind = value.get("kind")
        return str(kind) if kind is not None else None
    return str(getattr(value, "kind", "constant"))


AnyLatency = Annotated[
    Annotated[Latency, Tag("constant")]
    | Annotated[UniformLatency, Tag("uniform")]
    | Annotated[LognormalLatency, Tag("lognormal")],
    Discriminator(_kind_of),
]
"""A duration, `{kind: uniform, low: 20ms, high: 90ms}`, or `{kind: lognormal, median: 50ms, p99: 300ms}`."""
