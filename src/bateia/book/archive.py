"""One file of Bybit's order book lines, or of their packed messages, to sampled books, as it is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from bateia.book.bybit import BybitLines, Malformed
from bateia.book.component import Book
from bateia.book.messages import Messages
from bateia.book.packed import SUFFIX, PackedMessages
from bateia.book.replay import BookReplay, Faults
from bateia.book.samples import Samples
from bateia.core import Component, DataError, Duration
from bateia.core.clock import DAY, MINUTE, SECOND
from bateia.sources.unpack import unpacked

NAME = re.compile(r"(\d{4}-\d{2}-\d{2})_([A-Za-z0-9_-]+)_ob(\d+)(?:\.data(?:\.zip|\.gz|\.zst)?|\.packed)")
"""Of a day's archive: date, symbol, levels a side."""
DEEPER = 4
"""A book of this many times the levels that its topic promises is broken: levels were never removed."""


def day_start(date: str) -> int:
    """The first moment of a UTC date, microseconds.

    >>> day_start("1970-01-02")
    86400000000
    """
    return int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp()) * SECOND


class ArchiveReader(Component):
    """How a file of lines becomes samples."""

    symbol: str = ""
    """The file's symbol; empty for whatever it holds."""
    depth: int = Field(default=200, ge=1, le=10_000)
    """Best levels of each side in a sample."""
    every: Duration = SECOND
    """Time between two samples, on the aligned moment."""
    silence: Duration = MINUTE
    """A longest stretch without messages that is sampled."""
    tick_size: float | None = Field(default=None, gt=0.0)
    """Smallest step of the price; told from the first snapshot if None."""
    policy: Literal["resync", "stop"] = "resync"
    """After a malformed line, a gap or a crossed book: `resync` goes on at the next snapshot, `stop` ends."""
    mixed: bool = False
    """Leave out lines of other symbols and depths; else they are an error."""

    def find(self, source: Path) -> list[Path]:
        """The file, or every archive of the symbol in a folder and below; DataError where there is none."""
        if source.is_file():
            return [source]
        if not source.is_dir():
            raise DataError(f"there is no file or folder {source}")
        named = {path: NAME.fullmatch(path.name) for path in source.rglob("*") if path.is_file()}
        found = [path for path, name in named.items() if name and self.symbol in ("", name[2])]
        if not found:
            symbols = sorted({name[2] for name in named.values() if name})
            raise DataError(
                f"no archive of {self.symbol or 'any symbol'} in {source}",
                allowed="names such as 2024-12-01_XRPUSDT_ob500.data.zip",
                hint=f"--symbol {symbols[0]}" if symbols else None,
            )
        return sorted(found, key=lambda path: path.name)

    def named(self, path: Path) -> ArchiveReader:
        """The reader of this file: of the symbol in its name, if of none yet."""
        name = NAME.fullmatch(path.name)
        return self.model_copy(update={"symbol": name[2]}) if name and not self.symbol else self

    def parser(self, path: Path) -> BybitLines | PackedMessages:
        """What parses the file's lines, or has their messages already; DataError if not of what is asked."""
        if path.suffix != SUFFIX:
            return BybitLines(self.symbol, self.tick_size, self.mixed)
        packed = PackedMessages(path)
        for given, held, what in (
            (self.symbol, packed.symbol, "symbol"),
            (self.tick_size, packed.tick_size, "tick size"),
        ):
            if given not in {"", None, held}:
                raise DataError(
                    f"{path} has the {what} {held!r}, not {given!r}", hint="packing its source with it"
                )
        return packed

    def replay(self, lines: BybitLines | PackedMessages, faults: Faults) -> BookReplay:
        """A book for these lines, once they told their depth and tick size; DataError where it cannot be."""
        assert lines.tick_size is not None
        if self.depth > lines.depth:
            raise DataError(
                f"{self.depth} levels asked of lines of {lines.depth}",
                allowed=f"at most {lines.depth} of this file",
            )
        try:
            kind = Book(tick_size=lines.tick_size, depth=self.depth, most=DEEPER * lines.depth)
        except ValidationError as error:
            why = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise DataError(f"no book of ticks of {lines.tick_size!r}: {why}") from None
        return BookReplay(kind, self.every, self.silence, self.policy, faults)

    def open(self, path: str | Path) -> ArchiveSamples:
        """The file as samples to be iterated once."""
        return ArchiveSamples(self, Path(path))


@dataclass(eq=False)
class ArchiveSamples:
    """A file being read: samples as they come, and what was counted so far.

    DataError, with file and line, for a file that is broken, of something else, or less deep than asked.
    """

    reader: ArchiveReader
    path: Path
    faults: Faults = field(default_factory=Faults)
    messages: int = 0
    replay: BookReplay | None = None

    def __post_init__(self) -> None:
        self.lines = self.reader.parser(self.path)

    @property
    def symbol(self) -> str:
        """The book's symbol, once a line named it."""
        return self.lines.symbol

    def __iter__(self) -> Iterator[Samples]:
        """Blocks of samples, none of them empty, to the first moment after the last message.

        A day's archive that is silent at its end goes on to midnight, if that is sampled elsewhere.
        """
        try:
            for part in self._parts():
                yield from self._samples(part)
            if self.replay is None:
                raise DataError(
                    f"no snapshot of an order book in its {self.lines.lines} lines",
                    allowed="lines of Bybit's orderbook topics",
                    hint="another exchange, if it is a recording of one",
                )
            last = self.replay.advance(self._end(self.replay.last_time))
            if len(last):
                yield last
        except DataError as error:
            raise self._placed(error) from None

    def summary(self) -> dict[str, Any]:
        """Counts for a report."""
        skipped = 0 if self.replay is None else self.replay.skipped
        return {
            "lines": self.lines.lines,
            "messages": self.messages,
            "unusual": self.lines.unusual,
            "skipped": skipped + self.lines.early,
            "tick_size": self.lines.tick_size,
            "faults": self.faults.counts,
            "listed": [f"line {fault.line}: {fault.what}" for fault in self.faults.listed],
        }

    def _parts(self) -> Iterator[Messages | Malformed]:
        if isinstance(self.lines, PackedMessages):
            yield from self.lines.parts()
            return
        for piece in unpacked(self.path):
            yield from self.lines.feed(piece)
        yield from self.lines.finish()

    def _end(self, last: int) -> int:
        name = NAME.fullmatch(self.path.name)
        if name:
            midnight = day_start(name[1]) + DAY
            if 0 <= midnight - last <= self.reader.silence:
                return midnight
        return last + self.reader.every

    def _samples(self, part: Messages | Malformed) -> Iterator[Samples]:
        if isinstance(part, Malformed):
            self._broken(part)
            return
        if self.replay is None:
            self.replay = self.reader.replay(self.lines, self.faults)
        self.messages += len(part)
        yield from self.replay.blocks(part)

    def _broken(self, part: Malformed) -> None:
        if self.replay is not None:
            self.replay.broken(part.line, "malformed", part.what)
        else:
            self.faults.add("malformed", part.line, part.what)
            if self.reader.policy == "stop":
                raise DataError(f"line {part.line}: {part.what}", allowed="unbroken lines")

    def _placed(self, error: DataError) -> DataError:
        """The same error, saying in which file and how far in it."""
        named = error.given if str(self.path) in error.given else f"{self.path}: {error.given}"
        where = "" if "line" in error.given or not self.lines.lines else f" (after line {self.lines.lines})"
        return DataError(named + where, allowed=error.allowed, hint=error.hint)
