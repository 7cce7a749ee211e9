"""A delay that may be nothing: a duration, or "0"."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from bateia.core import ConfigError, format_duration, parse_duration

_ZERO = re.compile(r"0+(\.0+)?\s*(us|ms|s|m|h|d|w)?")


def parse_latency(text: str) -> int:
    """Microseconds in a duration that may be zero: `"0"`, `"0ms"`, `"250ms"`; ConfigError otherwise.

    >>> parse_latency("0"), parse_latency("250ms")
    (0, 250000)
    """
    return 0 if _ZERO.fullmatch(text.strip()) else parse_duration(text)


def format_latency(micros: int) -> str:
    """The text that `parse_latency` reads back.

    >>> format_latency(0), format_latency(250_000)
    ('0', '250ms')
    """
    return format_duration(micros) if micros else "0"


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
