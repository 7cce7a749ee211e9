"""Recordings and archives of messages: what such a file holds, and every check on each part of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from bateia.book.binance import Depth, Diff, Message, Ticker, Trade
from bateia.book.bybit_trades import bybit_trades
from bateia.book.packed import SUFFIX, PackedMessages
from bateia.book.recordings import Received, frames, read_recording
from bateia.core import DataError, Trades
from bateia.core.events import Block
from bateia.quality.books import inspect_book
from bateia.quality.quotes import Quotes, inspect_quotes
from bateia.quality.report import Check, Grade, QualityReport, about
from bateia.quality.seen import SyncedBook, see_lines, see_parts
from bateia.quality.settings import Quality
from bateia.sources.unpack import unpacked

BOOKS = re.compile(rb'"topic":\s?"(orderbook\.\d+\.[A-Za-z0-9_-]+)"')
TRADES = re.compile(rb'"topic":\s?"publicTrade\.([A-Za-z0-9_-]+)"')
ROUTES = re.compile(rb'"(/[A-Za-z0-9/]+)":')
LOOK = 1 << 16
"""Bytes at the start of a file that tell what it is."""
MANY = 0.001
"""Share of missing or doubled trades that blocks."""
KNOWN = Quality()
Reports = dict[str, QualityReport]


def inspect_recording(path: str | Path, quality: Quality = KNOWN) -> Reports | None:
    """A report for each part, by what it is and of which symbol; None for a file that is no recording.

    Recordings are what `read_recording` takes, lines of Bybit's topics (its archives too, packed or not) and
    sessions of either; `quality` says what is known of the grids. DataError for one that holds nothing or
    cannot be unpacked.
    """
    path = Path(path)
    if path.is_dir():
        return _binance(path, quality) if list(path.glob("*.json*")) else None
    if path.suffix == SUFFIX:
        packed = PackedMessages(path)
        return {f"{packed.symbol} book": inspect_book(see_parts(packed, packed.parts()), quality.lot)}
    if path.suffix not in {".gz", ".zip", ".zst", ".jsonl", ".json", ".data"} or ".csv" in path.name:
        return None
    return _told_by(next(iter(unpacked(path, LOOK)))[:LOOK], path, quality)


def _told_by(start: bytes, path: Path, quality: Quality) -> Reports | None:
    """The reports of a file that begins so."""
    if start.startswith(b'{"topic"'):
        return _bybit(lambda: unpacked(path), quality) or _nothing(path)
    if start.startswith(b'{"t":') and b'"exchange":"BYBIT"' in start.replace(b" ", b""):
        return _session(path, quality)
    if re.match(rb'\s*\{\s*"/', start):
        routes = [route.decode() for route in ROUTES.findall(start)[:3]]
        raise DataError(
            f"{path} holds REST answers by route ({', '.join(routes)}, …), no series of events",
            allowed="recordings of messages, archives, tables of trades or candles",
        )
    stamped = re.match(rb"\d{16,20} \{", start)
    if stamped or start.startswith(b'{"t":') or path.name.endswith((".json", ".json.zst")):
        return _binance(path, quality)
    return None


def _session(path: Path, quality: Quality) -> Reports:
    """The parts of each connection: Bybit's markets use one symbol for several, on a connection each."""
    names = dict.fromkeys(name for name, _ in frames(path))
    made: Reports = {}
    for name in names:

        def texts(name: str = name) -> Iterator[bytes]:
            return (text + b"\n" for connection, text in frames(path) if connection == name)

        label = f" ({name})" if len(names) > 1 else ""
        made |= {part + label: report for part, report in _bybit(texts, quality).items()}
    return made or _nothing(path)


def _bybit(pieces: Callable[[], Iterator[bytes]], quality: Quality) -> Reports:
    """Books and trades of each symbol; a file of one topic, as archives are, is read once, in pieces."""
    books: dict[bytes, None] = {}
    traded: dict[bytes, None] = {}
    for piece in pieces():
        books.update(dict.fromkeys(BOOKS.findall(piece)))
        traded.update(dict.fromkeys(TRADES.findall(piece)))
    made: Reports = {}
    for topic in books:
        _, depth, symbol = topic.decode().split(".", 2)
        alone = len(books) == 1 and not traded
        lines = pieces() if alone else _only(pieces(), topic)
        made[f"{symbol} book of {depth}"] = inspect_book(see_lines(lines, symbol, quality.tick), quality.lot)
    for name in (topic.decode() for topic in traded):
        made[f"{name} trades"] = quality.inspect(bybit_trades(_lines(pieces()), name))
    return made


def _nothing(path: Path) -> NoReturn:
    raise DataError(f"{path} holds no book and no trades", allowed="Bybit's orderbook or publicTrade topics")


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    held = b""
    for piece in pieces:
        *whole, held = (held + piece).split(b"\n")
        yield from whole
    if held:
        yield held


def _only(pieces: Iterator[bytes], topic: bytes) -> Iterator[bytes]:
    named = b'"' + topic + b'"'
    return (line + b"\n" for line in _lines(pieces) if named in line[:200])


@dataclass(eq=False)
class _Symbol:
    """What a recording of Binance says of one symbol."""

    book: SyncedBook
    rows: dict[type[Block], list[tuple[Any, ...]]] = field(default_factory=lambda: {Trades: [], Quotes: []})
    ids: list[int] = field(default_factory=list)
    diffs: int = 0

    def take(self, message: Message, received: int) -> None:
        """The next message."""
        if isinstance(message, Diff | Depth):
            self.diffs += 1
            self.book.take(message, received)
        elif isinstance(message, Trade):
            if message.size > 0:
                time = message.time
                row = (time, max(received, time), message.price, message.size, message.side)
                self.rows[Trades].append(row)
                self.ids.append(message.id)
        elif isinstance(message, Ticker):
            time = message.time or received
            prices = (message.bid, message.bid_size, message.ask, message.ask_size)
            self.rows[Quotes].append((time, received, message.update_id, *prices))

    def columns(self, kind: type[Block]) -> Any:
        """The rows as columns."""
        empty = kind.empty().columns().values()
        columns = zip(*self.rows[kind], strict=True)
        return kind(*(np.array(c, e.dtype) for c, e in zip(columns, empty, strict=True)))


def _binance(path: Path, quality: Quality) -> Reports:
    unreadable: list[str] = []
    messages = read_recording(path, broken=lambda error: unreadable.append(error.given))
    made = inspect_messages(messages, quality)
    return {name: _with_unreadable(report, unreadable) for name, report in made.items()}


def inspect_messages(messages: Iterable[Received], quality: Quality = KNOWN) -> Reports:
    """A report for the book, the quotes and the trades of each symbol in messages of Binance."""
    symbols: dict[str, _Symbol] = {}
    nameless: list[tuple[int, Message]] = []
    for received, _, message in messages:
        # A REST answer does not say whose it is: that of the first that does.
        name = message.symbol or next(iter(symbols), "")
        if not name:
            nameless.append((received, message))
            continue
        one = symbols.setdefault(name, _Symbol(SyncedBook(name, quality.tick)))
        for early, first in nameless:
            one.take(first, early)
        nameless = []
        one.take(message, received)
    for received, message in nameless:
        symbols.setdefault("", _Symbol(SyncedBook("", quality.tick))).take(message, received)
    made: Reports = {}
    for name, one in sorted(symbols.items()):
        if one.diffs:
            made[f"{name} book".strip()] = inspect_book(one.book.whole(), quality.lot)
        if one.rows[Quotes]:
            made[f"{name} quotes"] = inspect_quotes(one.columns(Quotes), quality.tick, quality.lot)
        if one.rows[Trades]:
            report = quality.inspect(one.columns(Trades))
            made[f"{name} trades"] = report.model_copy(update={"checks": (*report.checks, _ids(one.ids))})
    return made


def _ids(ids: list[int]) -> Check:
    """Whether trades are missing, or come twice, by their numbers."""
    step = np.diff(np.array(ids))
    lost, again = int((step[step > 1] - 1).sum()), int((step < 1).sum())
    found = f"{lost:,} trades are missing, {again:,} come twice or late"
    bad = np.flatnonzero(step != 1) + 1
    grade: Grade = "blocked" if lost + again > MANY * len(ids) else "suspect"
    return about("ids", grade, found if len(bad) else "no number is left out", bad)


def _with_unreadable(report: QualityReport, unreadable: list[str]) -> QualityReport:
    """Nobody knows of which part a line was that cannot be read: all of them say so."""
    if not unreadable:
        return report
    check = Check(name="messages", grade="blocked", found=unreadable[0], count=len(unreadable))
    rest = tuple(one for one in report.checks if one.name != "messages")
    return report.model_copy(update={"checks": (check, *rest)})
