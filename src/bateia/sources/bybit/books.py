"""Bybit's archive of order books for the store: a zip of messages a day, kept as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bateia.core import ConfigError, DataError
from bateia.core.clock import MILLISECOND, MINUTE
from bateia.core.period import Period
from bateia.sources.unpack import unpacked
from bateia.store import Origin, Writer

BOOKS = "https://quote-saver.bycsi.com"
KIND = re.compile(r"ob([1-9]\d{0,3})")
"""Of a series: how many levels a side."""
LONGEST = 1 << 24
"""Bytes of a line, at most."""
SLACK = MINUTE
"""How far a day's messages may reach into the days beside it."""


@dataclass(frozen=True)
class Day:
    """What a day's file holds: how many messages, from when to when (microseconds)."""

    messages: int
    first: int
    last: int


class BookFiles:
    """`2024-12-01_XRPUSDT_ob500.data.zip`: the days of one symbol and depth, beside those of other depths."""

    def __init__(self, market: str, symbol: str, kind: str) -> None:
        self._market, self._symbol, self._kind = market, symbol, kind
        self._name = re.compile(rf"(\d{{4}}-\d{{2}}-\d{{2}})_{re.escape(symbol)}_(ob\d+)\.data\.zip")
        self._others: dict[Period, str] = {}
        """The day of each file of another depth, and that depth's kind."""
        self._told: dict[str, list[str]] = {}
        """Another depth's kind -> the days of it for which this one has nothing."""

    def listed(self, names: Iterable[str]) -> tuple[Mapping[Period, str], int]:
        """See `Files`; ConfigError where there are files of other depths alone."""
        found = [match for match in map(self._name.fullmatch, names) if match]
        self._others = {Period(match[1]): match[2] for match in found if match[2] != self._kind}
        mine = {Period(match[1]): match[0] for match in found if match[2] == self._kind}
        if self._others and not mine:
            kinds = sorted(set(self._others.values()))
            raise ConfigError(
                f"Bybit's archive has no {self._kind} of {self._symbol}",
                allowed=", ".join(kinds),
                hint=f"bateia fetch bybit {self._symbol} {kinds[0]} --market {self._market}",
            )
        return mine, max((day.end for day in (*mine, *self._others)), default=0)

    def check(self, path: Path) -> Day:
        """See `Files`: every byte unpacked, its checksum held, the first and the last message read."""
        match = self._name.fullmatch(path.name)
        assert match is not None
        count, first, last = _lines(path)
        ends = [self._moment(path, line) for line in (first, last)]
        day = Period(match[1])
        for moment in ends:
            if not day.start - SLACK <= moment < day.end + SLACK:
                raise DataError(
                    f"{path} has a message of {Period.at(moment, 'day').name}", allowed=f"those of {day.name}"
                )
        return Day(count, *ends)

    def put(self, writer: Writer, found: Day, path: Path, day: Period, origin: Origin) -> int:
        """See `Files`."""
        writer.keep(day, path.name, path.read_bytes(), found.messages, (found.first, found.last))
        return found.messages

    def nothing(self, writer: Writer, day: Period) -> None:
        """See `Files`."""
        writer.lacks(day)
        if day in self._others:
            self._told.setdefault(self._others[day], []).append(day.name)

    def notes(self) -> list[str]:
        """See `Files`."""
        return [
            f"days without {self._kind} that have {kind}: {len(days)}, {days[0]} to {days[-1]}; "
            f"bateia fetch bybit {self._symbol} {kind} --market {self._market}"
            for kind, days in sorted(self._told.items())
        ]

    def _moment(self, path: Path, line: bytes) -> int:
        """When a message was sent; DataError for what is none of this book."""
        topic = f"orderbook.{self._kind.removeprefix('ob')}.{self._symbol}"
        try:
            message = json.loads(line)
            told, moment = message["topic"], int(message["ts"]) * MILLISECOND
        except (ValueError, KeyError, TypeError):
            raise DataError(
                f"{path} has no message of a book: {line[:80]!r}", allowed=f"lines of {topic}"
            ) from None
        if told != topic:
            raise DataError(f"{path} holds {told}", allowed=topic)
        return moment


def _lines(path: Path) -> tuple[int, bytes, bytes]:
    """How many lines, the first and the last of them; DataError for a file that is not whole."""
    count, first, last, rest = 0, b"", b"", b""
    for piece in unpacked(path):
        done, end, after = piece.rpartition(b"\n")
        if not end:
            rest += piece
            if len(rest) > LONGEST:
                raise DataError(f"{path} has a line of over {LONGEST} bytes", allowed="one message a line")
            continue
        done, rest = rest + done, after
        first = first or done.partition(b"\n")[0]
        last = done.rpartition(b"\n")[2]
        count += done.count(b"\n") + 1
    return (count + 1, first or rest, rest) if rest else (count, first, last)
