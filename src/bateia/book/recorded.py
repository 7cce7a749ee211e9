"""A recording of Binance's streams to sampled books, as the builder reads files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from bateia.book.binance import Message
from bateia.book.component import Book
from bateia.book.recordings import read_recording
from bateia.book.samples import Samples
from bateia.book.sync import Synchroniser
from bateia.book.synced import SyncedReplay
from bateia.core import Component, DataError, Duration
from bateia.core.clock import MINUTE, SECOND

TOGETHER = 256
"""Messages a block."""
BOOK = ("diff", "depth")
"""Kinds of message that make a book."""
SHOWN = 10


class RecordingReader(Component):
    """How a recording of Binance's depth diffs becomes samples."""

    market: Literal["spot", "futures"]
    """`spot`, or `futures` for USD-M and COIN-M alike."""
    symbol: str = ""
    """Whose messages are read; empty for a recording of one symbol."""
    tick_size: float = Field(gt=0.0)
    """Smallest step of the price."""
    depth: int = Field(default=200, ge=1, le=10_000)
    """Best levels of each side in a sample."""
    every: Duration = SECOND
    """Time between two samples, on the aligned moment."""
    silence: Duration = MINUTE
    """A longest stretch without messages that is sampled."""
    policy: Literal["resync", "stop"] = "resync"
    """After a gap, a crossed book or an unreadable line: `resync` at the next snapshot, `stop` ends."""

    def find(self, source: Path) -> list[Path]:
        """The recording itself, a file or a folder; DataError where there is none."""
        if not source.exists():
            raise DataError(f"there is no recording {source}")
        if source.is_dir() and not list(source.glob("update.json*")):
            raise DataError(
                f"the folder {source} is no recording",
                allowed="a .gz, a .jsonl, a .jsonl.zst, or a folder of update.json.zst and snapshot.json.zst",
                hint="one of the files in it",
            )
        return [source]

    def named(self, path: Path) -> RecordingReader:
        """Nothing is told from a recording's name."""
        return self

    def open(self, path: str | Path) -> RecordingSamples:
        """The recording as samples to be iterated once."""
        return RecordingSamples(self, Path(path))


@dataclass(eq=False)
class RecordingSamples:
    """A recording being read: samples as they come, and what was counted so far."""

    reader: RecordingReader
    path: Path
    _block: list[tuple[int, str, Message]] = field(default_factory=list)
    _books: dict[str, None] = field(default_factory=dict)
    """Symbols whose books it holds, in the order that they came."""

    def __post_init__(self) -> None:
        reader = self.reader
        kind = Book(tick_size=reader.tick_size, depth=reader.depth)
        sync = Synchroniser(market=reader.market)
        self.synced = SyncedReplay(sync, kind, reader.every, reader.silence, reader.policy)

    @property
    def symbol(self) -> str:
        """The book's symbol, once a message named it."""
        return self.reader.symbol or self.synced.sync.symbol

    def __iter__(self) -> Iterator[Samples]:
        """Blocks of samples, to the first moment after the last message; DataError as `SyncedReplay`."""
        replay = self.synced.replay
        try:
            block = self._block
            broken = self._unreadable if self.reader.policy == "resync" else None
            for row in read_recording(self.path, broken=broken):
                if self._ours(row[2]):
                    block.append(row)
                if len(block) == TOGETHER:
                    yield self.synced.run(block)
                    block.clear()
            yield self.synced.run(block)
            block.clear()
            if not self.synced.sync.stats.messages:
                raise self._none()
            if replay.whole:
                yield replay.advance(replay.last_time + self.reader.every)
        except DataError as error:
            listed = self.synced.replay.faults.listed
            if listed and not (self.synced.read or self._books):
                raise DataError(f"{self.path}, {listed[0].what}", allowed=error.allowed) from None
            if str(self.path) in error.given:
                raise
            named = f"{self.path}, message {self.synced.read}: {error.given}"
            raise DataError(named, allowed=error.allowed, hint=error.hint) from None

    def _ours(self, message: Message) -> bool:
        """Whether it is of the symbol that is read; DataError for a second book where none was asked for."""
        asked, symbol = self.reader.symbol, message.symbol
        if symbol and message.kind in BOOK:
            self._books.setdefault(symbol)
            if not asked and len(self._books) > 1:
                first, second = self._books
                raise DataError(
                    f"{self.path} holds books of {first} and {second}",
                    allowed="one of them at a time",
                    hint=f"--symbol {first}",
                )
        return "" in (asked, symbol) or asked == symbol

    def _none(self) -> DataError:
        books = ", ".join(list(self._books)[:SHOWN])
        return DataError(
            f"{self.path} holds no book of {self.reader.symbol or 'any symbol'}",
            allowed=books or "a recording of depth diffs",
            hint=f"--symbol {next(iter(self._books))}" if books else None,
        )

    def _unreadable(self, error: DataError) -> None:
        """Only counted: if it was a diff, the next one shows that it is missing."""
        where = error.given.removeprefix(f"{self.path}, ")
        waiting = sum(kind in BOOK for _, kind, _ in self._block)
        self.synced.replay.faults.add("unreadable", self.synced.read + waiting + 1, where)

    def summary(self) -> dict[str, Any]:
        """Counts for a report."""
        synced, stats = self.synced, self.synced.sync.stats
        faults = synced.replay.faults
        return {
            "lines": synced.read,
            "messages": stats.applied,
            "skipped": stats.dropped,
            "tick_size": self.reader.tick_size,
            "faults": faults.counts,
            "listed": [f"message {fault.line}: {fault.what}" for fault in faults.listed],
        }
