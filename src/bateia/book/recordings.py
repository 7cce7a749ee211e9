"""Raw recordings of Binance's streams, message by message in the order they came."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator
from heapq import merge
from pathlib import Path
from typing import Any, NoReturn

from bateia.book.binance import Depth, Diff, Message, parse_message, read_message
from bateia.core import DataError
from bateia.core.clock import SECOND

Received = tuple[int, str, Message]
"""Our clock at receipt (microseconds UTC), the message's kind, the message."""
Told = Callable[[DataError], object]
_SYMBOL = re.compile(r"[?&]symbol=([A-Z0-9_]+)")


def read_recording(*paths: str | Path, broken: Told | None = None) -> Iterator[Received]:
    """The messages of one recording, or of several that follow each other.

    A path is one of: a `.gz` of lines, each our clock in nanoseconds, a space and the message; a client
    session, `.jsonl.zst` or `.jsonl`, of HTTP answers and frames; a folder of `update.json.zst`,
    `snapshot.json.zst` and `trades.json.zst` without our clock, where Binance's stands in for it and the
    snapshot follows the first diff that ends after it; or one of such files. Kinds that `parse_message`
    does not read are left out. DataError, with file and line, for what is missing, empty, cut short or
    unreadable. Where `broken` is given, it is called with the error of each bad line instead, and the next
    line is read.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "day.gz"
    ...     size = path.write_bytes(gzip.compress(b'5000 {"u":4,"s":"A","b":"1","B":"2","a":"3","A":"4"}'))
    ...     print([(received, kind, row.bid) for received, kind, row in read_recording(path)])
    [(5, 'ticker', 1.0)]
    """
    told = broken or _stop
    for path in map(Path, paths):
        count = 0
        for count, one in enumerate(_read(path, told), 1):  # noqa: B007
            yield one
        if not count:
            raise DataError(f"{path} holds no market message", allowed="a recording of Binance's streams")


def _stop(error: DataError) -> NoReturn:
    raise error


def _read(path: Path, told: Told) -> Iterator[Received]:
    if path.is_dir():
        return _folder(path)
    if path.name.endswith((".jsonl", ".jsonl.zst")):
        return _rows(path, told, _framed)
    if path.suffix == ".gz":
        return _rows(path, told, _stamped)
    if path.name.endswith((".json", ".json.zst")):
        return _list(path)
    raise DataError(f"{path} is no recording", allowed="a .gz, a .jsonl, a .jsonl.zst or a folder")


def _rows(path: Path, told: Told, read: Callable[[str], tuple[int, Message | None]]) -> Iterator[Received]:
    for number, line in _lines(path, told):
        try:
            received, message = read(line)
        except (ValueError, KeyError, TypeError, AttributeError, DataError) as error:
            told(
                _broken(
                    path, number, str(error) if isinstance(error, ValueError | DataError) else repr(error)
                )
            )
            continue
        if message is not None:
            yield received, message.kind, message


def _stamped(line: str) -> tuple[int, Message | None]:
    stamp, _, text = line.partition(" ")
    try:
        received = int(stamp) // 1000
    except ValueError:
        raise ValueError(f"{stamp[:40]!r} is no time in nanoseconds") from None
    return received, parse_message(text)


def _framed(line: str) -> tuple[int, Message | None]:
    frame = json.loads(line)
    kind, symbol = frame["t"], ""
    if kind == "http":
        asked = _SYMBOL.search(frame["url"])
        kind = "recv" if asked and "/depth?" in frame["url"] else kind
        symbol = asked[1] if asked else ""
    if kind != "recv":
        return 0, None
    return round(frame["ts"] * SECOND), parse_message(frame["data"], symbol)


def frames(path: str | Path) -> Iterator[tuple[str, bytes]]:
    """What came over the sockets of a client session of any exchange: the connection's name, the text.

    DataError, with file and line, for a frame that is none.
    """
    for number, line in _lines(Path(path), _stop):
        try:
            frame = json.loads(line)
            if frame["t"] == "recv":
                yield str(frame["conn"]), str(frame["data"]).encode()
        except (ValueError, KeyError, TypeError) as error:
            raise _broken(Path(path), number, repr(error)) from None


def _folder(path: Path) -> Iterator[Received]:
    books, trades = _book(path), _table(path, "trades")
    return merge(books, trades, key=lambda one: one[0])


def _book(path: Path) -> Iterator[Received]:
    snapshots = list(_table(path, "snapshot"))
    for received, kind, diff in _table(path, "update"):
        yield received, kind, diff
        while snapshots and isinstance(diff, Diff) and diff.last > _last(snapshots[0][2]):
            yield received, "depth", snapshots.pop(0)[2]


def _last(message: Message) -> int:
    assert isinstance(message, Depth)
    return message.last


def _table(path: Path, name: str) -> Iterator[Received]:
    """The messages of one file of a folder, none where the file is absent."""
    for file in sorted(path.glob(f"{name}.json*"))[:1]:
        yield from _list(file)


def _list(file: Path) -> Iterator[Received]:
    """The messages of a JSON list, or the one message of a file."""
    text = "\n".join(line for _, line in _lines(file, _stop))
    try:
        rows: Any = json.loads(text)
        for row in rows if isinstance(rows, list) else [rows]:
            message = read_message(row)
            if message is not None:
                yield message.time or 0, message.kind, message
    except (ValueError, DataError) as error:
        raise DataError(f"{file}: {error}", allowed="a JSON list of market messages") from None


def _lines(path: Path, told: Told) -> Iterator[tuple[int, str]]:
    number = 0
    try:
        for number, line in enumerate(_text(path), 1):
            if line.strip():
                yield number, line
    except FileNotFoundError:
        raise DataError(f"there is no file {path}", allowed="a recording") from None
    except (EOFError, OSError, zlib.error, UnicodeDecodeError) as error:
        told(_broken(path, number + 1, str(error)))


def _text(path: Path) -> Iterator[str]:
    if path.suffix == ".zst":
        yield from _zstd(path)
    elif path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from lines
    else:
        with path.open(encoding="utf-8") as lines:
            yield from lines


def _zstd(path: Path) -> Iterator[str]:
    """Lines of a zstd file, read whole: Polars is the one dependency that unpacks it on Python 3.11."""
    import polars as pl

    try:
        frame = pl.read_csv(path, has_header=False, separator="\x01", quote_char=None, infer_schema=False)
    except pl.exceptions.NoDataError:
        return
    except pl.exceptions.PolarsError as error:
        raise OSError(str(error)) from None
    yield from (line or "" for line in frame.to_series(0))


def _broken(path: Path, number: int, why: str) -> DataError:
    return DataError(f"{path}, line {number}: {why}", allowed="a whole recording", hint="record it again")
