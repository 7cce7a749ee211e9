"""Archives of order books to packed files: each parsed once, in parallel, and resumable."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bateia.book.archive import NAME, ArchiveReader
from bateia.book.bybit import BybitLines
from bateia.book.packed import SUFFIX, Facts, PackedMessages, PackedWriter
from bateia.core import BateiaError, DataError
from bateia.sources.unpack import unpacked


@dataclass(frozen=True)
class PackReport:
    """What became of one archive: `error` is empty if all went well; `path` is the file that it made."""

    source: str
    path: str = ""
    messages: int = 0
    malformed: int = 0
    """Lines that were no message; they are kept, with their numbers."""
    source_bytes: int = 0
    packed_bytes: int = 0
    error: str = ""
    resumed: bool = False
    """Packed by an earlier run."""


def packed_name(path: Path, symbol: str = "") -> str:
    """What an archive is called when it is packed: an exchange's name goes on to say day, symbol and depth.

    >>> packed_name(Path("2024-12-01_XRPUSDT_ob500.data.zip")), packed_name(Path("hour.jsonl.zst"), "XUSDT")
    ('2024-12-01_XRPUSDT_ob500.packed', 'hour-XUSDT.packed')
    """
    name = NAME.fullmatch(path.name)
    if name:
        return f"{name[1]}_{name[2]}_ob{name[3]}{SUFFIX}"
    return path.name.partition(".")[0] + (f"-{symbol}" if symbol else "") + SUFFIX


def pack_file(path: Path, out: Path, reader: ArchiveReader) -> PackReport:
    """One archive to its packed file in `out`; what is wrong with it is in the report, never raised."""
    try:
        target = out / packed_name(path, reader.symbol)
        stat = path.stat()
        asked = reader.named(path)
        source: dict[str, Any] = {"name": path.name, "size": stat.st_size, "changed": stat.st_mtime_ns}
        source |= {"symbol": asked.symbol, "tick_size": asked.tick_size, "mixed": asked.mixed}
        done = _done(target, source)
        facts = _pack(path, target, asked, source) if done is None else done
        counts = facts.messages, facts.malformed, stat.st_size, target.stat().st_size
        return PackReport(str(path), str(target), *counts, resumed=done is not None)
    except (BateiaError, OSError) as error:
        return PackReport(str(path), error=str(error))


def pack(
    source: str | Path,
    out: str | Path,
    reader: ArchiveReader,
    executor: Executor | None = None,
    watch: Callable[[PackReport], object] = lambda report: None,
) -> list[PackReport]:
    """Every archive that the reader finds at `source`, packed into `out`; `watch` hears of each one done.

    With an executor files are packed at the same time. What was packed of an archive that has not changed
    is left as it is. DataError where there is no archive.
    """
    paths = [path for path in reader.find(Path(source)) if path.suffix != SUFFIX]
    if not paths:
        raise DataError(f"{source} is packed already", allowed="archives of lines")
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    reports: dict[Path, PackReport] = {}
    taken: dict[str, Path] = {}
    for path in paths:
        other = taken.setdefault(packed_name(path, reader.symbol), path)
        if other is not path:
            why = f"{path} would be packed over {other}; allowed: one archive of a name; try: one of them"
            reports[path] = PackReport(str(path), error=why)
            watch(reports[path])
    left = [path for path in paths if path not in reports]
    if executor is None:
        for path in left:
            reports[path] = pack_file(path, folder, reader)
            watch(reports[path])
    else:
        asked = {executor.submit(pack_file, path, folder, reader): path for path in left}
        for one in as_completed(asked):
            path, error = asked[one], one.exception()
            reports[path] = (
                one.result() if error is None else PackReport(str(path), error=f"{path}: {error!r}")
            )
            watch(reports[path])
    return [reports[path] for path in paths]


def _done(target: Path, source: dict[str, Any]) -> Facts | None:
    try:
        facts = PackedMessages(target).facts
    except (DataError, OSError):
        return None
    return facts if facts.source == source else None


def _pack(path: Path, target: Path, reader: ArchiveReader, source: dict[str, Any]) -> Facts:
    lines = BybitLines(reader.symbol, reader.tick_size, reader.mixed)
    try:
        with PackedWriter(target) as file:
            for piece in unpacked(path):
                for part in lines.feed(piece):
                    file.add(part)
            for part in lines.finish():
                file.add(part)
            if lines.tick_size is None or not file.messages:
                raise DataError(
                    f"no snapshot of an order book in its {lines.lines} lines",
                    allowed="lines of Bybit's orderbook topics",
                )
            counts = (lines.lines, lines.unusual, lines.others, lines.early)
            return file.finish(Facts(lines.symbol, lines.depth, lines.tick_size, *counts, source=source))
    except DataError as error:
        named = error.given if str(path) in error.given else f"{path}: {error.given}"
        raise DataError(named, allowed=error.allowed, hint=error.hint) from None
