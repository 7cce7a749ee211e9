"""Parsed messages of one symbol in a compact file: written once, read back bit for bit.

A file is a header of `HEADER` bytes, then records in the order of the lines. The header is `MAGIC`, the
length and the CRC-32 of a JSON text, and that text: the form's version, `Facts`, how many bytes the records
have and a hash of their checksums. A record is its kind (0 messages, 1 a malformed line), the lengths of a
zstd frame and of what is in it, and that frame. Messages are columns of whole numbers, ticks, times and ids
as the change from the row before, sizes as decimals; of each, all lowest bytes come first, then the next.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from bateia.book.bybit import Malformed
from bateia.book.messages import Messages
from bateia.book.packed_columns import joined, pack, unpack
from bateia.core import DataError

SUFFIX = ".packed"
MAGIC = b"BATEIAL2"
VERSION = 1
HEADER = 4096
LEVEL = -1
"""Of zstd: one below 1 leaves bytes that do not repeat as they are, which is read twice as fast."""
_START = struct.Struct("<8sII")
_RECORD = struct.Struct("<BII")
_MESSAGES, _MALFORMED = range(2)
_TOGETHER, _LEVELS = 1 << 13, 1 << 16
"""Messages and levels at which a record ends."""
_LARGEST = 1 << 31


@dataclass(frozen=True)
class Facts:
    """What a file says of itself: whose messages it holds, and what was counted when they were parsed.

    `messages` and `malformed` are counted by the writer.
    """

    symbol: str
    depth: int
    """Levels a side that the topic promises."""
    tick_size: float
    lines: int = 0
    unusual: int = 0
    others: int = 0
    early: int = 0
    messages: int = 0
    malformed: int = 0
    """Lines that were no message; they are kept, with their numbers."""
    source: dict[str, Any] = field(default_factory=dict)
    """What it was made from."""


class PackedWriter:
    """A packed file in the making; it takes its name when `finish` was called, else nothing stays.

    >>> from tempfile import TemporaryDirectory
    >>> from bateia.book.component import Book, single
    >>> message = single(Book(tick_size=0.1), 5, 1, [[9.9, 1.5]], [], snapshot=True)
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "day.packed"
    ...     with PackedWriter(path) as file:
    ...         file.add(message)
    ...         facts = file.finish(Facts("X", depth=1, tick_size=0.1))
    ...     packed = PackedMessages(path)
    ...     [again] = packed.parts()
    >>> packed.symbol, again.ticks.tolist(), again.sizes.tolist()
    ('X', [99], [1.5])
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._part = self.path.with_name(f".{self.path.name}.part")
        self._frames = _zstd(self.path).ZstdCompressor(LEVEL, write_checksum=True)
        self._held: list[Messages] = []
        self._hash = blake2b(digest_size=16)
        self._bytes = 0
        self.messages = self.malformed = 0

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = self._part.open("wb")
        self._file.write(bytes(HEADER))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._part.unlink(missing_ok=True)

    def add(self, part: Messages | Malformed) -> None:
        """The next messages, or a line that was none."""
        if isinstance(part, Malformed):
            self._flush()
            self.malformed += 1
            self._record(_MALFORMED, json.dumps([part.line, part.what]).encode())
            return
        if not len(part):
            return
        self.messages += len(part)
        self._held.append(part)
        levels = sum(int(held.first[-1] - held.first[0]) for held in self._held)
        if levels >= _LEVELS or sum(map(len, self._held)) >= _TOGETHER:
            self._flush()

    def finish(self, facts: Facts) -> Facts:
        """Write the header and put the file in place, over an older one of its name; the facts, counted."""
        self._flush()
        facts = replace(facts, messages=self.messages, malformed=self.malformed)
        text = json.dumps(
            {"version": VERSION, "facts": asdict(facts), "bytes": self._bytes, "hash": self._hash.hexdigest()}
        ).encode()
        if len(text) > HEADER - _START.size:
            raise DataError(
                f"{self.path}: a header of {len(text)} bytes", allowed=f"{HEADER - _START.size} at most"
            )
        self._file.seek(0)
        self._file.write(_START.pack(MAGIC, len(text), zlib.crc32(text)) + text)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self.path)
        return facts

    def _flush(self) -> None:
        if self._held:
            messages, self._held = joined(self._held), []
            self._record(_MESSAGES, pack(messages))

    def _record(self, kind: int, data: bytes) -> None:
        if len(data) > _LARGEST:
            raise DataError(f"{self.path}: a message of {len(data)} bytes", allowed=f"{_LARGEST} at most")
        frame = self._frames.compress(data)
        head = _RECORD.pack(kind, len(frame), len(data))
        self._file.write(head)
        self._file.write(frame)
        self._bytes += len(head) + len(frame)
        self._hash.update(head + frame[-4:])


class PackedMessages:
    """A packed file: what was parsed, as `BybitLines` gave it, and its counts; iterated once.

    DataError for a file that is none, of a newer form, cut short or changed since it was written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.facts, self._bytes, self._hash = self._opened()
        self.symbol, self.depth, self.tick_size = (
            self.facts.symbol,
            self.facts.depth,
            self.facts.tick_size,
        )
        self.unusual, self.others, self.early = self.facts.unusual, self.facts.others, self.facts.early
        self.lines = 0
        """Lines so far, of the file that was packed."""

    def parts(self) -> Iterator[Messages | Malformed]:
        """The messages in blocks, whose cut is the file's own, and the lines that were none."""
        zstd = _zstd(self.path)
        frames = zstd.ZstdDecompressor()
        digest, left = blake2b(digest_size=16), self._bytes
        with self.path.open("rb") as file:
            file.seek(HEADER)
            while left:
                head = file.read(_RECORD.size)
                if len(head) < _RECORD.size:
                    raise self._broken("it ends in the middle")
                kind, size, whole = _RECORD.unpack(head)
                left -= len(head) + size
                frame = file.read(size) if left >= 0 else b""
                digest.update(head + frame[-4:])
                try:
                    if len(frame) != size or zstd.get_frame_parameters(frame).content_size != whole:
                        raise ValueError("a record's length is wrong")
                    part = self._part(kind, frames.decompress(frame))
                except (zstd.ZstdError, ValueError, TypeError, MemoryError) as error:
                    raise self._broken(str(error)) from None
                self.lines = int(part.line if isinstance(part, Malformed) else part.line[-1])
                yield part
        if digest.hexdigest() != self._hash:
            raise self._broken("its hash does not hold")
        self.lines = self.facts.lines

    def _part(self, kind: int, data: bytes) -> Messages | Malformed:
        if kind == _MALFORMED:
            line, what = json.loads(data)
            return Malformed(int(line), str(what))
        if kind != _MESSAGES:
            raise ValueError(f"a record of kind {kind}")
        return unpack(data)

    def _opened(self) -> tuple[Facts, int, str]:
        try:
            with self.path.open("rb") as file:
                start = file.read(HEADER)
                size = os.fstat(file.fileno()).st_size
        except FileNotFoundError:
            raise DataError(f"there is no file {self.path}", allowed="a packed order book") from None
        if start[: len(MAGIC)] != MAGIC:
            raise DataError(
                f"{self.path} is no packed order book",
                allowed=f"a {SUFFIX} file of `bateia book pack`",
            )
        if len(start) < HEADER:
            raise self._broken("it ends in the middle")
        _, length, checksum = _START.unpack(start[: _START.size])
        text = start[_START.size : _START.size + length]
        if zlib.crc32(text) != checksum:
            raise self._broken("the checksum of its header does not hold")
        found: dict[str, Any] = json.loads(text)
        if found["version"] != VERSION:
            raise DataError(
                f"{self.path} is packed in form {found['version']}",
                allowed=f"form {VERSION}",
                hint="a newer Bateia, or packing it again",
            )
        if size != HEADER + found["bytes"]:
            raise self._broken(f"it has {size} bytes of {HEADER + found['bytes']}")
        try:
            return Facts(**found["facts"]), int(found["bytes"]), str(found["hash"])
        except (KeyError, TypeError) as error:
            raise self._broken(f"its header has no {error}") from None

    def _broken(self, why: str) -> DataError:
        return DataError(f"{self.path} is damaged: {why}", allowed="a whole file", hint="packing it again")


def _zstd(path: Path) -> Any:
    try:
        import zstandard
    except ImportError:
        raise DataError(
            f"{path} is packed with zstd, which is not installed", hint="pip install 'bateia[book]'"
        ) from None
    return zstandard
