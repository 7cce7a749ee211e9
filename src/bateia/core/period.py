"""Days and months of UTC: how data is cut into files, and how people name a stretch of time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from bateia.core.clock import DAY, SECOND
from bateia.core.coverage import Coverage
from bateia.core.errors import ConfigError

Unit = Literal["day", "month"]
_NAMED = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Period:
    """A day (`2024-01-31`), a month (`2024-01`) or a year (`2024`), from `start` to before `end`.

    >>> Period.parse("2024-02").days[-1]
    Period(name='2024-02-29')
    """

    name: str

    @classmethod
    def parse(cls, text: str) -> Period:
        """The period that a text names; ConfigError for anything else."""
        period = cls(text)
        try:
            period.start, period.end  # noqa: B018
        except (ValueError, OverflowError):
            raise ConfigError(
                f"{text!r} is no day, month or year", allowed="YYYY, YYYY-MM or YYYY-MM-DD", hint="2024-01"
            ) from None
        return period

    @property
    def coverage(self) -> Coverage:
        """All of its time."""
        return Coverage.of([(self.start, self.end)])

    @classmethod
    def at(cls, moment: int, unit: Unit) -> Period:
        """The day or month that holds a moment."""
        day = datetime.fromtimestamp(moment // SECOND, UTC)
        return cls(day.strftime("%Y-%m" if unit == "month" else "%Y-%m-%d"))

    @classmethod
    def covering(cls, start: int, end: int, unit: Unit) -> list[Period]:
        """The days or months that hold all moments from `start` to before `end`, in order."""
        found = []
        while start < end:
            found.append(cls.at(start, unit))
            start = found[-1].end
        return found

    @property
    def start(self) -> int:
        """Its first microsecond."""
        return _micros(self._first(0))

    @property
    def end(self) -> int:
        """The first microsecond after it."""
        return _micros(self._first(1))

    @property
    def days(self) -> list[Period]:
        """Its days."""
        return Period.covering(self.start, self.end, "day")

    def _first(self, later: int) -> datetime:
        """Midnight of the first day, `later` periods on."""
        match = _NAMED.fullmatch(self.name)
        if not match:
            raise ValueError(self.name)
        year, month, day = (int(part) if part else None for part in match.groups())
        assert year is not None
        if day and month:
            first = datetime(year, month, day, tzinfo=UTC)
            return datetime.fromtimestamp(first.timestamp() + later * DAY // SECOND, UTC)
        if month is not None:
            datetime(year, month, 1, tzinfo=UTC)
            return datetime(year + (month - 1 + later) // 12, (month - 1 + later) % 12 + 1, 1, tzinfo=UTC)
        return datetime(year + later, 1, 1, tzinfo=UTC)


def _micros(moment: datetime) -> int:
    between = moment - _EPOCH
    return between.days * DAY + between.seconds * SECOND + between.microseconds


def parse_edge(text: str, *, last: bool = False) -> int:
    """Where a stretch of time begins or, with `last`, ends: microseconds; ConfigError for no date.

    A day, month or year begins with its first moment and ends with its last; a moment is itself.

    >>> parse_edge("2024-12", last=True) == parse_edge("2025") == parse_edge("2025-01-01T00:00")
    True
    """
    text = text.strip()
    if _NAMED.fullmatch(text):
        period = Period.parse(text)
        return period.end if last else period.start
    try:
        moment = datetime.fromisoformat(text)
        return _micros(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise ConfigError(
            f"{text!r} is no date",
            allowed="YYYY, YYYY-MM, YYYY-MM-DD or a moment of UTC",
            hint="2024-01, 2024-01-31 or 2024-01-31T12:00",
        ) from None
