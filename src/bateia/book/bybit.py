"""Bybit's order book lines, of an archive or a stream, as messages: bytes in any pieces in, columns out."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from bateia.book.bybit_line import Line, coarsest_tick, finer_tick, read_line
from bateia.book.component import grid
from bateia.book.messages import Messages
from bateia.core import DataError
from bateia.core.events import Bytes, Floats, Ints
from bateia.kernels import book_lines as kernels

LONGEST = 1 << 24
"""Bytes of a line, at most: a snapshot of 1000 levels has some 50 thousand."""
_LINES = 1 << 12
_LEVELS = 1 << 16


@dataclass(frozen=True)
class Malformed:
    """A line that is no order book message: its number, from 1, and what is wrong with it."""

    line: int
    what: str


class BybitLines:
    """Lines of one symbol's order book, parsed as they come; how the bytes are cut never shows.

    Lines of the archive's form are parsed by a kernel, others by a JSON library; one that is no message
    comes out as `Malformed`. Without a tick size, the coarsest that fits the first snapshot with prices is
    taken, the last place written if there are few. Lines
    of other topics are left out. DataError for a price off the tick grid, and for another symbol or depth
    unless `mixed`.

    >>> lines = BybitLines()
    >>> text = '{"topic":"orderbook.200.X","type":"snapshot","ts":5,"data":{"s":"X","b":[["9.5","2"]],"a":[],'
    >>> [messages] = lines.feed(text.encode()) + lines.feed(b'"u":1,"seq":3},"cts":4}') + lines.finish()
    >>> messages.time.tolist(), messages.ticks.tolist(), lines.tick_size
    ([5000], [95], 0.1)
    """

    def __init__(self, symbol: str = "", tick_size: float | None = None, mixed: bool = False) -> None:
        self.symbol, self.mixed, self.tick_size = symbol, mixed, tick_size
        self.depth = 0
        """Levels a side that the topic promises; 0 before the first message."""
        self.lines = 0
        """Lines so far."""
        self.unusual = 0
        """Messages that the JSON library read."""
        self.others = 0
        """Lines of other topics or, if mixed, of other symbols and depths."""
        self.early = 0
        """Changes before the first snapshot, while there was no tick size."""
        self._hold(1 << 20)
        self._held = 0
        self._forms: tuple[Bytes, ...] = ()
        self._columns = _columns(_LEVELS)

    def feed(self, piece: bytes) -> list[Messages | Malformed]:
        """What the lines that end in this piece say, in order."""
        made: list[Messages | Malformed] = []
        data = memoryview(piece)
        while data:
            room = len(self._bytes) - kernels.PAD - self._held
            end = self._held + min(room, len(data))
            self._window[self._held : end], data = data[:room], data[room:]
            stop = self._bytes.rfind(b"\n", self._held, end) + 1
            self._take(stop, made)
            self._held = end - stop
            self._bytes[: self._held] = self._bytes[stop:end]
            if self._held == len(self._bytes) - kernels.PAD:
                self._grow()
        return made

    def finish(self) -> list[Messages | Malformed]:
        """What the last line says, should it not end with a line feed."""
        return self.feed(b"\n") if self._held else []

    def _hold(self, size: int) -> None:
        self._bytes = bytearray(size + kernels.PAD)
        # A bytearray takes bytes by way of another bytearray, a view of it does not.
        self._window = memoryview(self._bytes)
        self._view = np.frombuffer(self._bytes, np.uint8)

    def _grow(self) -> None:
        if self._held >= LONGEST:
            raise DataError(
                f"line {self.lines + 1} has over {LONGEST} bytes", allowed="lines of JSON, one a message"
            )
        old = self._bytes
        self._hold(2 * len(old))
        self._bytes[: self._held] = old[: self._held]

    def _take(self, stop: int, made: list[Messages | Malformed]) -> None:
        """Parse the first `stop` bytes, which are whole lines."""
        at = 0
        while at < stop:
            rows, status = 0, kernels.UNUSUAL
            if self._forms:
                at, rows, status = self._parse(at, stop)
            if rows:
                made.append(self._messages(rows))
            elif status == kernels.FULL:
                self._columns = _columns(2 * len(self._columns[-1]))
            if status in {kernels.UNUSUAL, kernels.OFF_GRID}:
                end = self._bytes.index(b"\n", at)
                self.lines += 1
                found = self._unusual(bytes(self._bytes[at:end]).strip())
                made += [] if found is None else [found]
                at = end + 1

    def _parse(self, at: int, stop: int) -> tuple[int, int, int]:
        assert self.tick_size is not None
        multiple, places = grid(self.tick_size)
        written = (kernels.POWERS, places, multiple)
        columns = (self._view, at, stop, *self._forms, *written, *self._columns)
        at, rows, status = kernels.bybit_lines(*columns)
        return at, rows, status

    def _messages(self, rows: int) -> Messages:
        """The rows that the kernel made, copied: the next block goes to the same columns."""
        time, ids, kinds, first, middle, ticks, sizes = self._columns
        levels = first[rows]
        line = np.arange(self.lines + 1, self.lines + rows + 1)
        self.lines += rows
        return Messages(
            time=time[:rows].copy(),
            ids=ids[:rows].copy(),
            kinds=kinds[:rows].copy(),
            first=first[: rows + 1].copy(),
            middle=middle[:rows].copy(),
            ticks=ticks[:levels].copy(),
            sizes=sizes[:levels].copy(),
            line=line,
        )

    def _unusual(self, text: bytes) -> Messages | Malformed | None:
        if not text:
            return None
        try:
            read = read_line(text)
        except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError) as error:
            missing = isinstance(error, KeyError)
            return Malformed(self.lines, f"it has no {error}" if missing else str(error))
        if read is None or not self._ours(read):
            self.others += 1
            return None
        if self.tick_size is None:
            if not read.snapshot or not (read.bids or read.asks):
                self.early += 1
                return None
            self.tick_size = coarsest_tick(read)
        if not self._forms:
            self._forms = _forms(read.depth, read.symbol)
        self.unusual += 1
        try:
            return self._single(read, self.tick_size)
        except OverflowError as error:
            return Malformed(self.lines, str(error))

    def _ours(self, read: Line) -> bool:
        symbol, depth = self.symbol or read.symbol, self.depth or read.depth
        if (symbol, depth) == (read.symbol, read.depth):
            self.symbol, self.depth = symbol, depth
            return True
        if self.mixed:
            return False
        raise DataError(
            f"line {self.lines}: {read.symbol} of {read.depth} levels in a book of {symbol}"
            + (f" of {depth}" if self.depth else ""),
            allowed="one symbol and depth in a file",
            hint=f"--symbol {symbol} --mixed, to leave out the others",
        )

    def _single(self, read: Line, tick_size: float) -> Messages:
        levels = [*read.bids, *read.asks]
        return Messages(
            time=np.array([read.time]),
            ids=np.array([read.number]),
            kinds=np.array([int(read.snapshot)], np.int8),
            first=np.array([0, len(levels)]),
            middle=np.array([len(read.bids)]),
            ticks=np.array([self._tick(price, tick_size) for price, _ in levels], np.int64),
            sizes=np.array([size for _, size in levels], np.float64),
            line=np.array([self.lines]),
        )

    def _tick(self, price: Decimal, tick_size: float) -> int:
        multiple, places = grid(tick_size)
        parts = price.scaleb(places)
        if parts >= kernels.EXACT:
            raise OverflowError(f"no book of ticks of {tick_size!r} has a price of {price}")
        ticks = parts / multiple
        if ticks != int(ticks):
            raise DataError(
                f"line {self.lines}: the price {price} is off the tick grid",
                allowed=f"a multiple of the tick size {tick_size!r}",
                hint=f"a tick size of {finer_tick(tick_size, price)!r}",
            )
        return int(ticks)


def _columns(levels: int) -> tuple[Any, ...]:
    """Room for the kernel: time, ids, kinds, first, middle, ticks, sizes."""
    ints: list[Ints] = [np.empty(n, np.int64) for n in (_LINES, _LINES, _LINES + 1, _LINES, levels)]
    sizes: Floats = np.empty(levels)
    return ints[0], ints[1], np.empty(_LINES, np.int8), ints[2], ints[3], ints[4], sizes


def _forms(depth: int, symbol: str) -> tuple[Bytes, ...]:
    """What the kernel looks for between the numbers of a line."""
    texts = (
        f'{{"topic":"orderbook.{depth}.{symbol}","type":"',
        f',"data":{{"s":"{symbol}","b":[',
        'snapshot","ts":',
        'delta","ts":',
        ',"a":[',
        ',"u":',
        ',"seq":',
        ',"cts":',
    )
    return tuple(np.frombuffer(text.encode(), np.uint8) for text in texts)
