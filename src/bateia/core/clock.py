"""One clock: int64 microseconds since 1970-01-01 UTC, exact in a float64 until the year 2255."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from bateia.core.errors import ConfigError

MICROSECOND = 1
MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
YEAR = 365.25 * DAY
LONGEST = 36_525 * DAY
"""A century: whatever is added to a moment must stay an int64, and exact in a float64."""

UNITS = {
    "us": MICROSECOND,
    "ms": MILLISECOND,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
    "d": DAY,
    "w": WEEK,
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s|m|h|d|w)")


def parse_duration(text: str) -> int:
    """Microseconds in a duration such as `"5m"` or `"1h30m"`; ConfigError for anything else.

    >>> parse_duration("1h30m")
    5400000000
    """
    pieces = _DURATION.findall(text)
    if not pieces or _DURATION.sub("", text).strip():
        raise ConfigError(
            f"{text!r} is not a duration",
            allowed="a number and a unit of us, ms, s, m, h, d, w",
            hint='"30s", "5m" or "1h30m"',
        )
    micros = int(sum(Decimal(number) * UNITS[unit] for number, unit in pieces))
    if micros <= 0:
        raise ConfigError(f"the duration {text!r} is zero", allowed="more than nothing", hint='"1ms"')
    if micros > LONGEST:
        raise ConfigError(f"the duration {text!r} is longer than a century", allowed="at most 36525d")
    return micros


def format_duration(micros: int) -> str:
    """The shortest text that `parse_duration` reads back to the same microseconds.

    >>> format_duration(5_400_000_000)
    '1h30m'
    """
    parts, rest = [], micros
    for unit in ("w", "d", "h", "m", "s", "ms", "us"):
        count, rest = divmod(rest, UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0us"


def format_time(micros: int) -> str:
    """ISO 8601 in UTC, for messages and reports.

    >>> format_time(0)
    '1970-01-01T00:00:00Z'
    """
    moment = datetime.fromtimestamp(micros // SECOND, UTC).replace(microsecond=micros % SECOND)
    return moment.isoformat().replace("+00:00", "Z")


def _read_duration(value: Any) -> int:
    if isinstance(value, str):
        try:
            return parse_duration(value)
        except ConfigError as error:
            raise ValueError(str(error)) from error
    raise ValueError(f'{value!r} is not a duration; allowed: text with a unit; try: "30s"')


Duration = Annotated[
    int,
    BeforeValidator(_read_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["30s", "5m"]}),
]
"""A pydantic field: written `"5m"` in a recipe, int microseconds in Python."""
