"""Archives of order books to Parquet files of bars, one a day: in parallel, and resumable."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from bateia.book.archive import NAME, ArchiveReader
from bateia.book.bars import BookBars, BookRows
from bateia.book.days import check_free, date_of, day_after, join_day, split_days, write_day
from bateia.book.recorded import RecordingReader
from bateia.core import BateiaError, DataError, format_duration

FORM = 1
"""Of what is written: a greater one builds every file again."""


Reader = ArchiveReader | RecordingReader


@dataclass(frozen=True)
class FileReport:
    """What became of one archive: `error` is empty if all went well; `days` are the files that it made."""

    source: str
    days: list[str] = field(default_factory=list)
    rows: int = 0
    gaps: int = 0
    """Between the bars of a day."""
    dropped: int = 0
    """Bars left out for want of samples."""
    shallow: int = 0
    """Bars left out whose book had too few levels."""
    lines: int = 0
    messages: int = 0
    unusual: int = 0
    skipped: int = 0
    """Messages without a snapshot before them."""
    tick_size: float = 0.0
    faults: dict[str, int] = field(default_factory=dict)
    listed: list[str] = field(default_factory=list)
    """The first faults, each with its line."""
    error: str = ""
    resumed: bool = False
    """Built by an earlier run."""


def build_file(path: Path, out: Path, reader: Reader, kind: BookBars) -> FileReport:
    """One archive to its days' files under `out`; what is wrong with it is in the report, never raised."""
    kept = _mark_of(path, out)
    try:
        mark = _mark(path, reader, kind)
        done = _done(kept, mark, out)
        if done is not None:
            return done
        report = _built(path, out, reader, kind)
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        part.write_text(json.dumps({"mark": mark, "report": asdict(report)}, indent=1), encoding="utf-8")
        part.replace(kept)
    except (BateiaError, OSError) as error:
        kept.unlink(missing_ok=True)
        return FileReport(str(path), error=str(error))
    return report


def build(
    source: str | Path,
    out: str | Path,
    reader: Reader,
    kind: BookBars,
    executor: Executor | None = None,
    watch: Callable[[FileReport], object] = lambda report: None,
) -> list[FileReport]:
    """Every file that the reader finds at `source` to `out`; `watch` hears of each one done.

    With an executor (of processes, or of machines) files are built at the same time. An archive that was
    built with the same settings before is left as it is.
    """
    paths = reader.find(Path(source))
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot write to {folder}: {error.strerror}", allowed="a folder") from None
    twice = _same_day(paths)
    reports: dict[Path, FileReport] = {path: FileReport(str(path), error=why) for path, why in twice.items()}
    for report in reports.values():
        watch(report)
    left = [path for path in paths if path not in reports]
    for path, report in _each(left, folder, reader, kind, executor):
        reports[path] = report
        watch(report)
    return [_joined(path, reports[path], folder, kind) for path in paths]


def _each(
    paths: Sequence[Path], out: Path, reader: Reader, kind: BookBars, executor: Executor | None
) -> Iterator[tuple[Path, FileReport]]:
    if executor is None:
        for path in paths:
            try:
                yield path, build_file(path, out, reader, kind)
            except Exception as failure:  # what a process would say, as below
                yield path, FileReport(str(path), error=f"{path}: {failure!r}")
        return
    asked = {executor.submit(build_file, path, out, reader, kind): path for path in paths}
    try:
        for done in as_completed(asked):
            path, error = asked[done], done.exception()
            yield path, done.result() if error is None else FileReport(str(path), error=f"{path}: {error!r}")
    finally:
        for waiting in asked:
            waiting.cancel()


def _joined(path: Path, report: FileReport, out: Path, kind: BookBars) -> FileReport:
    """The report, once each of its days is joined to the day before it and the day after is to it."""
    try:
        for day in report.days:
            for one in (out / day, day_after(out / day)):
                if one.is_file():
                    join_day(one, kind)
    except (BateiaError, OSError) as error:
        _mark_of(path, out).unlink(missing_ok=True)
        return replace(report, error=str(error))
    return report


def _mark_of(path: Path, out: Path) -> Path:
    """Where it is kept what a file was built from."""
    return out / ".built" / f"{path.name}.json"


def _same_day(paths: Sequence[Path]) -> dict[Path, str]:
    """Archives of a day and symbol that another one is of too, and why they are not built."""
    first: dict[tuple[str, str], Path] = {}
    wrong: dict[Path, str] = {}
    for path in paths:
        name = NAME.fullmatch(path.name)
        if name is None:
            continue
        other = first.setdefault((name[1], name[2]), path)
        if other is not path:
            wrong[path] = (
                f"{path} is of the same day as {other}; allowed: one archive a day; try: one of them alone"
            )
    return wrong


def _mark(path: Path, reader: Reader, kind: BookBars) -> dict[str, Any]:
    """What a file is built from: if none of it changes, it is not built again."""
    stat = path.stat()
    settings = {"reader": reader.model_dump(mode="json"), "bars": kind.model_dump(mode="json")}
    return {"form": FORM, "size": stat.st_size, "changed": stat.st_mtime_ns, **settings}


def _done(kept: Path, mark: dict[str, Any], out: Path) -> FileReport | None:
    try:
        found = json.loads(kept.read_text(encoding="utf-8"))
        report = FileReport(**found["report"] | {"resumed": True})
        whole = found["mark"] == mark and all((out / day).is_file() for day in report.days)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return report if whole else None


def _built(path: Path, out: Path, reader: Reader, kind: BookBars) -> FileReport:
    samples, bars = reader.named(path).open(path), kind.start()
    rows = BookRows.concat([bars.run(block) for block in samples])
    if not len(rows):
        raise DataError(
            f"{path} makes no whole bar: {samples.summary()['messages']} messages, "
            f"{bars.dropped} bars cut short, {bars.shallow} less than {kind.depth} levels deep",
            allowed=f"every sample of a bar of {format_duration(kind.bar)}",
            hint="a shorter --bar, a smaller --depth",
        )
    name = NAME.fullmatch(path.name)
    if name:
        _of_day(path, rows, name[1])
    parts = list(split_days(rows, kind.bar))
    # An archive and its packed messages are one source.
    origin = path.name.partition(".")[0] if name else path.name
    for part in parts:
        check_free(part, out, samples.symbol, kind, origin)
    days = [write_day(part, out, samples.symbol, kind, origin) for part in parts]
    return FileReport(
        source=str(path),
        days=[day for day, _ in days],
        rows=len(rows),
        gaps=sum(gaps for _, gaps in days),
        dropped=bars.dropped,
        shallow=bars.shallow,
        **samples.summary(),
    )


def _of_day(path: Path, rows: BookRows, date: str) -> None:
    for time in (rows.time[0] - 1, rows.time[-1] - 1):
        found = date_of(int(time))
        if found != date:
            raise DataError(f"{path} holds {found}", allowed=f"the day of its name, {date}")
