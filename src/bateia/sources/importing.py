"""Events of any source into the store, a day or month at a time: nothing twice, nothing lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Protocol

from bateia.core import Bars, ConfigError, DataError, Trades, format_duration
from bateia.core.coverage import Coverage, Stretch
from bateia.runs import file_hash
from bateia.sources.fetching import Report
from bateia.sources.periods import Events, Piece, by_period
from bateia.sources.tables import files_of
from bateia.store import Origin, Series, Store, Writer, spans

if TYPE_CHECKING:
    import polars as pl

NOTHING = "the exchange gives nothing of that time"
_LEFT_OUT = ("up_ticks", "down_ticks")
"""Columns of bars that no candle of somebody else's knows."""


class Blocks(Protocol):
    """Any source."""

    def blocks(self) -> Iterator[Trades] | Iterator[Bars]:
        """Its rows, oldest first."""


@dataclass
class Imported:
    """What became of an import."""

    series: Series
    rows: int = 0
    """Rows read."""
    written: int = 0
    """Days or months written."""
    kept: int = 0
    """Days or months that the store had already."""
    covered: Coverage = field(default_factory=Coverage)

    def to_dict(self) -> dict[str, Any]:
        """For people and machines: moments as text."""
        counts = {"rows": self.rows, "written": self.written, "kept": self.kept}
        return {"series": str(self.series), **counts, "covered": spans(self.covered)}


def import_events(
    store: Store,
    source: Blocks,
    series: Series,
    *,
    origin: Sequence[Origin] = (),
    start: int | None = None,
    end: int | None = None,
    replace: bool = False,
) -> Imported:
    """Put all rows of a source into a store, beside what it has of other times.

    The source is taken to hold every row from `start` to before `end` (microseconds; by default from its
    first row to its last). A series of kind `candles` becomes one of `candles-5m`, by the candles' length.
    Memory holds a day of trades or a month of candles. DataError for rows out of order or outside `start` and
    `end`, and, unless `replace`, where the store has other rows of the same time; what was written until then
    stays, and a rerun carries on.
    """
    blocks: Iterator[Events] = iter(source.blocks())
    first = next(blocks, None)
    if first is None:
        raise DataError("no rows to import", allowed="at least one")
    report = Imported(_named(series, first))
    empty = type(first).empty()
    with store.writer(report.series) as writer:
        for piece in by_period(chain([first], blocks), report.series.unit, start, end):
            table = table_of(piece.blocks or [empty])
            if _put(writer, piece, table, tuple(origin), replace):
                report.written += 1
            else:
                report.kept += 1
            report.rows += len(table)
            report.covered |= piece.covered
    return report


def missing(store: Store, report: Report) -> Coverage:
    """What is asked for and is not in the store as it was written; the report tells of what is corrupt."""
    held = list[Stretch]()
    for part in store.parts(report.series):
        if not part.coverage & report.asked:
            continue
        if store.intact(part):
            held += part.covered
        else:
            report.notes.append(f"{part.file} was corrupt and is fetched again")
    return report.asked - Coverage.of(held)


def bring(
    store: Store,
    report: Report,
    blocks: Iterator[Trades] | Iterator[Bars],
    start: int,
    end: int,
    origin: Sequence[Origin] = (),
) -> None:
    """Put what an exchange gives of `start` to before `end` into the store; the report tells what it did not.

    What it gives is taken to be all from its first row on: before that, nobody knows. It takes the place of
    what is corrupt.
    """
    asked = Coverage.of([(start, end)])
    held = _Held(blocks)
    try:
        if held.empty():
            report.fail(asked, NOTHING)
            return
        done = import_events(store, held, report.series, origin=origin, end=end, replace=True)
    except DataError as error:
        report.fail(missing(store, Report(report.series, asked)), error)
        return
    report.rows += done.rows
    if before := asked - done.covered:
        report.fail(before, NOTHING)


class _Held:
    """Blocks of which the first has been looked at."""

    def __init__(self, blocks: Iterator[Any]) -> None:
        self._rest = blocks
        self._first: list[Any] = []

    def empty(self) -> bool:
        """Whether there is none."""
        self._first = list(islice(self._rest, 1))
        return not self._first

    def blocks(self) -> Iterator[Trades] | Iterator[Bars]:
        """All of them."""
        return chain(self._first, self._rest)


def origins(path: str) -> list[Origin]:
    """Name and SHA-256 of each file of a path with or without *."""
    return [Origin(name=file.name, sha256=file_hash(file)) for file in files_of(path)]


def _named(series: Series, first: Events) -> Series:
    """The series by its full name; ConfigError where its kind is of other rows."""
    if series.kind.startswith("candles") != isinstance(first, Bars):
        given = "candles" if isinstance(first, Bars) else "trades"
        raise ConfigError(f"{given} into a series of kind {series.kind!r}", allowed=f"kind {given}")
    if not isinstance(first, Bars):
        return series
    length = f"candles-{format_duration(int(first.time[0] - first.open_time[0]))}"
    if series.kind not in {"candles", length}:
        raise ConfigError(f"{length} into a series of kind {series.kind!r}", allowed=f"kind {length}")
    return Series(series.source, series.market, series.symbol, length)


def _put(
    writer: Writer, piece: Piece, table: pl.DataFrame, origin: tuple[Origin, ...], replace: bool
) -> bool:
    """Write a day or month together with what the store has of it; False where it has all of it already."""
    before = writer.store.part(writer.series, piece.period)
    if before is not None and (replace or not before.coverage - piece.covered):
        before = before if writer.store.intact(before) else None
    if before is None:
        writer.write(piece.period, table, piece.covered, origin=origin)
        return True
    old = writer.store.table(writer.series, before)
    if old.schema != table.schema:
        raise DataError(
            f"{writer.series} has the columns {', '.join(old.columns)}",
            allowed=", ".join(table.columns),
            hint="another --source: this series was not imported",
        )
    both = before.coverage & piece.covered
    if both and old.filter(_within(old, both)).equals(table.filter(_within(table, both))):
        if both == piece.covered:
            return False
    elif both and not replace:
        raise DataError(
            f"the store has other rows of {writer.series} in {piece.period.name}",
            allowed="the same rows, or times that it does not cover yet",
            hint="--replace, or another --source",
        )
    writer.write(
        piece.period,
        _joined(old.filter(~_within(old, piece.covered)), table),
        before.coverage | piece.covered,
        absent=Coverage(before.absent) - piece.covered,
        origin=(*before.origin, *origin),
    )
    return True


def table_of(blocks: Sequence[Any]) -> pl.DataFrame:
    """Blocks as the table that the store keeps."""
    block = blocks[0] if len(blocks) == 1 else type(blocks[0]).concat(blocks)
    frame: pl.DataFrame = block.to_frame()
    return frame.drop(_LEFT_OUT, strict=False)


def _joined(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    return pl.concat([old, new]).sort(_clock(new), maintain_order=True)


def _within(frame: pl.DataFrame, covered: Coverage) -> pl.Expr:
    """Which rows lie in a stretch of time."""
    import polars as pl

    moment = pl.col(_clock(frame)).dt.epoch("us")
    return pl.any_horizontal(
        pl.lit(False), *((moment >= start) & (moment < end) for start, end in covered.stretches)
    )


def _clock(frame: pl.DataFrame) -> str:
    return "open_time" if "open_time" in frame.columns else "time"
