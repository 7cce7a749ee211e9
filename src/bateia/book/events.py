"""Messages of a book and trades as one series of events, level by level."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from bateia.book.binance import Depth, Diff, Message, Trade
from bateia.book.bybit import BybitLines, Malformed
from bateia.book.component import Book, grid
from bateia.book.messages import Messages
from bateia.book.sync import Synchroniser
from bateia.core import DataError, Trades
from bateia.core.book_events import FRESH, LEVEL, TRADE, BookEvents
from bateia.core.events import Floats

_WHOLE = "a recording without a gap from its first snapshot on"


def bybit_events(pieces: Iterable[bytes], trades: Trades, symbol: str = "", delay: int = 0) -> BookEvents:
    """The book lines of one symbol, in any pieces, joined with its trades, from the first snapshot on.

    Such lines do not say when they came: they are known `delay` microseconds after Bybit sent them. Lines
    of other symbols are left out where `symbol` is given. DataError for a gap, a crossed book, a line that is
    no message, prices off the grid, or no snapshot.
    """
    lines = BybitLines(symbol, mixed=bool(symbol))
    writer: _Writer | None = None
    last = 0
    for part in (part for piece in [*pieces, None] for part in _fed(lines, piece)):
        if isinstance(part, Malformed):
            raise DataError(f"line {part.line}: {part.what}", allowed=_WHOLE)
        if writer is None:
            assert lines.tick_size is not None
            writer = _Writer(Book(tick_size=lines.tick_size))
        for i in range(len(part)):
            number = int(part.ids[i])
            if not part.kinds[i] and number != last + 1:
                gap = f"line {part.line[i]}: messages are missing: the id jumps from {last} to {number}"
                raise DataError(gap, allowed=_WHOLE)
            last, time = number, int(part.time[i])
            writer.write(time, time + delay, *_levels(part, i, writer.kind), fresh=bool(part.kinds[i]))
            if writer.book.crossed:
                raise DataError(f"line {part.line[i]}: the book is crossed", allowed=_WHOLE)
    return _Writer.joined(writer, trades, delay)


def binance_events(
    messages: Iterable[tuple[int, str, Message]],
    market: Literal["spot", "futures"],
    tick_size: float,
    symbol: str = "",
) -> BookEvents:
    """A recording's diffs, snapshot and trades, as `read_recording` gives them, once the book is in sync.

    Where our clock was behind Binance's, so that messages came before they were sent, it is set forward until
    none did. DataError for what loses sync, or if it is never reached.
    """
    writer = _Writer(Book(tick_size=tick_size))
    sync = Synchroniser(market=market).start(writer)
    rows: list[tuple[int, int, float, float, int]] = []
    for number, (received, _, message) in enumerate(messages, 1):
        if symbol and message.symbol not in ("", symbol):
            continue
        if isinstance(message, Trade) and message.size > 0.0:
            rows.append((message.time, received, message.price, message.size, message.side))
        elif isinstance(message, Diff | Depth):
            writer.received = received
            take = sync.on_diff if isinstance(message, Diff) else sync.on_snapshot
            for event in take(message, received):  # type: ignore[arg-type]
                if event.kind in ("gap", "reset", "crossed", "stale"):
                    raise DataError(f"message {number}: {event.kind}: {event.detail}", allowed=_WHOLE)
            writer.flush(sync.time)
    columns = list(zip(*rows, strict=True)) or [()] * 5
    kinds = (np.int64, np.int64, np.float64, np.float64, np.int8)
    trades = Trades(*(np.array(column, kind) for column, kind in zip(columns, kinds, strict=True)))
    return _Writer.joined(writer, trades, 0)


def _fed(lines: BybitLines, piece: bytes | None) -> list[Messages | Malformed]:
    return lines.finish() if piece is None else lines.feed(piece)


def _levels(messages: Messages, i: int, kind: Book) -> tuple[Floats, Floats]:
    """Bids and asks of one message, rows of price and size."""
    multiple, places = grid(kind.tick_size)
    first, middle, stop = int(messages.first[i]), int(messages.middle[i]), int(messages.first[i + 1])
    prices = messages.ticks[first:stop] * multiple / 10.0**places
    rows = np.stack([prices, messages.sizes[first:stop]], axis=1)
    return rows[: middle - first], rows[middle - first :]


@dataclass(eq=False)
class _Writer:
    """A book that writes down what happens to it; for Binance it is what the synchroniser keeps."""

    kind: Book
    received: int = 0
    made: list[BookEvents] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.book = self.kind.start()
        self._waiting: list[tuple[Floats, Floats, bool]] = []

    def write(self, time: int, known_at: int, bids: Floats, asks: Floats, fresh: bool) -> None:
        """One message: levels that go before those that come, so that no state in between is crossed."""
        sides = [bids, asks]
        if fresh:
            # A snapshot removes the levels that it does not name.
            sides = [_with_gone(self.book.snapshot()[n], new) for n, new in (("bids", bids), ("asks", asks))]
            self.book.apply_snapshot(bids, asks)
        else:
            self.book.apply_delta(bids, asks)
        rows = np.concatenate(sides)
        side = np.repeat(np.array([1, -1], np.int8), [len(sides[0]), len(sides[1])])
        order = np.argsort(rows[:, 1] > 0.0, kind="stable")
        kind = np.full(len(rows), FRESH if fresh else LEVEL, np.int8)
        at, known = (np.full(len(rows), clock, np.int64) for clock in (time, known_at))
        self.made.append(BookEvents(at, known, kind, side[order], rows[order, 0], rows[order, 1]))

    def apply_snapshot(self, bids: Floats, asks: Floats) -> None:
        """For the synchroniser, as the next two; written when a diff has met it."""
        self._waiting = [(bids, asks, True)]

    def apply_delta(self, bids: Floats, asks: Floats) -> None:
        """For the synchroniser."""
        self._waiting.append((bids, asks, False))

    @property
    def crossed(self) -> bool:
        """For the synchroniser; a snapshot's own state is looked at once it is written."""
        return self.book.crossed

    def flush(self, time: int) -> None:
        """Write what waits, if more than a snapshot does."""
        if self._waiting and not self._waiting[-1][2]:
            for bids, asks, fresh in self._waiting:
                self.write(time, self.received, bids, asks, fresh)
            self._waiting = []
            if self.book.crossed:
                raise DataError("the book is crossed", allowed=_WHOLE)

    @staticmethod
    def joined(writer: _Writer | None, trades: Trades, delay: int) -> BookEvents:
        """All of it by the exchange's time, a trade before the changes of its very moment."""
        if writer is None or not writer.made:
            raise DataError("no snapshot of a book in sync", allowed=_WHOLE, hint="more of the recording")
        book = BookEvents.concat(writer.made)
        writer.kind.ticks(trades.price)
        ours: Any = trades[trades.time >= book.time[0]]
        kind = np.full(len(ours), TRADE, np.int8)
        both = BookEvents.concat(
            [BookEvents(ours.time, ours.known_at + delay, kind, ours.side, ours.price, ours.size), book]
        )
        both = both[np.argsort(both.time, kind="stable")]
        behind = max(0, int((both.time - both.known_at).max()))
        return BookEvents(
            both.time, np.maximum.accumulate(both.known_at + behind), *list(both.columns().values())[2:]
        )


def _with_gone(old: Floats, new: Floats) -> Floats:
    gone = old[~np.isin(old[:, 0], new[:, 0])]
    return np.concatenate([np.stack([gone[:, 0], np.zeros(len(gone))], axis=1), new])
