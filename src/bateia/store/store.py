"""A store of market data: Parquet by series and day or month, and a catalogue that tells what is whole."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bateia.core import DataError, format_time, nearest
from bateia.core.coverage import Coverage
from bateia.core.period import Period
from bateia.store.catalogue import CATALOGUE, DATA, Part, Series, clock_of, digest_of, entry_of
from bateia.store.folder import Folder, LocalFolder
from bateia.store.remote import RemoteFolder
from bateia.store.writer import Writer

if TYPE_CHECKING:
    import polars as pl

VERSION = 1
MARK = "store.json"


class Store:
    """Series of market data. A file's name holds its hash, and a file counts once the catalogue names it:
    replacing one small JSON is the moment at which a day or month changes, so a reader sees the old or the
    new one, whatever happens in between.

    >>> import tempfile, polars as pl
    >>> store, day = Store.create(tempfile.mkdtemp()), Period("2024-01-01")
    >>> trades = Series("mine", "spot", "BTCUSDT", "trades")
    >>> table = pl.DataFrame({"time": [day.start], "price": [1.5]})
    >>> with store.writer(trades) as writer:
    ...     part = writer.write(day, table, Coverage.of([(day.start, day.end)]))
    >>> store.read(trades)["price"].to_list(), store.coverage(trades).length == day.end - day.start
    ([1.5], True)
    """

    def __init__(self, folder: Folder) -> None:
        self.folder, self.name = folder, folder.name
        self._check(folder.read(MARK))

    def _check(self, mark: bytes | None) -> None:
        if mark is None:
            raise DataError(
                f"{self.name!r} is no store", allowed=f"a folder with {MARK}", hint="bateia fetch makes one"
            )
        try:
            version = json.loads(mark)["version"]
        except (ValueError, KeyError, TypeError):
            raise DataError(f"{MARK} of {self.name!r} is broken", allowed=_mark().decode().strip()) from None
        if not isinstance(version, int) or not 1 <= version <= VERSION:
            raise DataError(
                f"the store {self.name!r} is of version {version}",
                allowed=f"version {VERSION}",
                hint="a newer bateia, the one that wrote it",
            )

    @classmethod
    def open(cls, where: str | Path) -> Store:
        """A store that is there; DataError where none is, or one of a newer version."""
        return cls(_folder(where))

    @classmethod
    def create(cls, where: str | Path) -> Store:
        """The store that is there, or a fresh one in an empty or new folder; DataError where it cannot be."""
        folder = _folder(where)
        if folder.read(MARK) is None:
            if folder.names(""):
                raise DataError(
                    f"{str(where)!r} holds other files and no store",
                    allowed="a store, or an empty or new folder",
                    hint=f"{str(where).rstrip('/')}/store",
                )
            folder.write(MARK, _mark())
            folder.sweep("")
        return cls(folder)

    def series(self) -> list[Series]:
        """Every series that has an entry, sorted."""
        paths = [name.split("/")[1:-1] for name in self.folder.names(CATALOGUE)]
        return sorted({Series(*path) for path in paths if len(path) == 4})

    def parts(self, series: Series) -> list[Part]:
        """Its days or months, in order."""
        names = [n for n in self.folder.names(f"{CATALOGUE}/{series}") if n.endswith(".json")]
        found = zip(names, self.folder.read_all(names), strict=True)
        return [Part.read(data or b"", f"{self.name}/{name}") for name, data in found]

    def part(self, series: Series, period: Period) -> Part | None:
        """One day or month; None where there is none."""
        name = entry_of(series, period.name)
        data = self.folder.read(name)
        return None if data is None else Part.read(data, f"{self.name}/{name}")

    def coverage(self, series: Series) -> Coverage:
        """Where every row that the source has is here."""
        return Coverage.of(stretch for part in self.parts(series) for stretch in part.covered)

    def files(self, series: Series) -> list[str]:
        """Its files, for a query of DuckDB or Polars; relative to the store."""
        return [part.file for part in self.parts(series) if part.file]

    def intact(self, part: Part) -> bool:
        """Whether its file is there, byte for byte; what has none is whole."""
        if not part.file:
            return True
        data = self.folder.read(part.file)
        return data is not None and digest_of(data) == part.sha256

    def read(
        self,
        series: Series,
        start: int | None = None,
        end: int | None = None,
        columns: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Rows from `start` to before `end` (microseconds; else all), oldest first, each file's hash checked.

        DataError where the series is not there, a file is corrupt, or part of what was asked for is missing.
        """
        import polars as pl

        blocks = list(self.blocks(series, start, end, columns))
        if not blocks:
            raise DataError(f"the store {self.name!r} holds no rows of {series} in that time")
        return pl.concat(blocks, rechunk=True)

    def blocks(
        self,
        series: Series,
        start: int | None = None,
        end: int | None = None,
        columns: Sequence[str] | None = None,
    ) -> Iterator[pl.DataFrame]:
        """The same rows, a day or month at a time."""
        parts = self.parts(series)
        if not parts:
            raise self.unknown(series)
        self._whole(series, parts, start, end)
        for part in parts:
            if part.first is None or part.last is None:
                continue
            if (end is not None and part.first >= end) or (start is not None and part.last < start):
                continue
            rows = self._rows(series, part, start, end, columns)
            if len(rows):
                yield rows

    def _rows(
        self,
        series: Series,
        part: Part,
        start: int | None,
        end: int | None,
        columns: Sequence[str] | None,
    ) -> pl.DataFrame:
        import polars as pl

        frame = self.table(series, part)
        clock = clock_of(frame)
        moments = pl.col(clock).dt.epoch("us") if frame[clock].dtype.is_temporal() else pl.col(clock)
        if start is not None:
            frame = frame.filter(moments >= start)
        if end is not None:
            frame = frame.filter(moments < end)
        return frame.select(columns) if columns is not None else frame

    def table(self, series: Series, part: Part, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """All rows of a day or month; DataError for a file that is no table, missing or not as written."""
        import polars as pl

        if not part.file.endswith(".parquet"):
            raise DataError(
                f"{series} is kept as its source made it: files, not rows",
                allowed="series of trades or candles",
                hint=f"bateia book build {self.name}/{DATA}/{series.folder} --out books",
            )
        data = self.folder.read(part.file)
        if data is None and (newer := self.part(series, Period(part.period))) and newer != part:
            # A writer has replaced it since the entry was read.
            part, data = newer, self.folder.read(newer.file)
        if data is None or digest_of(data) != part.sha256:
            what = "is missing" if data is None else "is corrupt: its hash is not the catalogue's"
            raise DataError(f"{self.name}/{part.file} {what}", hint="bateia fetch again: it replaces it")
        table = pl.read_parquet(io.BytesIO(data), columns=None if columns is None else list(columns))
        # Each file numbers its own words: as categories, tables of several files fit together.
        return table.with_columns(pl.col(pl.Enum).cast(pl.Categorical))

    def _whole(self, series: Series, parts: list[Part], start: int | None, end: int | None) -> None:
        """DataError unless all of what is asked for is covered; nothing asked: no hole between the parts."""
        known = Coverage.of(stretch for part in parts for stretch in part.covered)
        if not known:
            raise DataError(f"the store {self.name!r} covers nothing of {series}", hint=fetch_hint(series))
        first, last = known.stretches[0][0], known.stretches[-1][1]
        asked = Coverage.of([(first if start is None else start, last if end is None else end)])
        missing = (asked - known).stretches
        if missing:
            a, b = missing[0]
            more = f" and {len(missing) - 1} more stretches" if len(missing) > 1 else ""
            raise DataError(
                f"the store {self.name!r} lacks {format_time(a)} to {format_time(b)}{more} of {series}",
                hint=fetch_hint(series, asked),
            )

    def unknown(self, series: Series) -> DataError:
        """The error for a series that is not there, with what is."""
        known = [str(one) for one in self.series()]
        return DataError(
            f"the store {self.name!r} has no {series}",
            allowed=", ".join(known[:5]) + (", …" if len(known) > 5 else "") if known else "it is empty",
            hint=nearest(str(series), known) or fetch_hint(series),
        )

    @contextmanager
    def writer(self, series: Series) -> Iterator[Writer]:
        """The only writer of a series; what a killed one left behind is swept away first."""
        with self.folder.alone(f"{CATALOGUE}/{series}", f"{DATA}/{series.folder}"):
            writer = Writer(self, series)
            writer.sweep()
            yield writer


def fetch_hint(series: Series, asked: Coverage | None = None) -> str:
    """The command that brings a series."""
    what = series.kind.removeprefix("candles-")
    span = ""
    if asked:
        span = f" --from {_day(asked.stretches[0][0])} --to {_day(asked.stretches[-1][1] - 1)}"
    return f"bateia fetch {series.source} {series.symbol} {what} --market {series.market}{span}"


def _day(moment: int) -> str:
    return Period.at(moment, "day").name


def _mark() -> bytes:
    value: dict[str, Any] = {"what": "bateia store", "version": VERSION}
    return (json.dumps(value) + "\n").encode()


def _folder(where: str | Path) -> Folder:
    """A folder of this machine, or one behind a URL."""
    return RemoteFolder(where) if isinstance(where, str) and "://" in where else LocalFolder(Path(where))
