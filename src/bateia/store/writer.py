"""Writing a series: each day or month at once, in place of what was there."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bateia.core import DataError, format_time
from bateia.core.coverage import Coverage
from bateia.core.period import Period
from bateia.store.catalogue import DATA, Origin, Part, Series, clock_of, digest_of, entry_of

if TYPE_CHECKING:
    import polars as pl

    from bateia.store.store import Store


class Writer:
    """Puts days or months of one series into the store."""

    def __init__(self, store: Store, series: Series) -> None:
        self.store, self.series = store, series

    def sweep(self) -> None:
        """Delete files that no entry names: their writer was killed before it could name them."""
        named = set(self.store.files(self.series))
        for name in self.store.folder.names(f"{DATA}/{self.series.folder}"):
            if name not in named:
                self.store.folder.delete(name)

    def write(
        self,
        period: Period,
        frame: pl.DataFrame,
        covered: Coverage,
        *,
        absent: Coverage | None = None,
        origin: Sequence[Origin] = (),
    ) -> Part:
        """Put a day or month there, in place of what was there: rows sorted by their clock, all within it.

        DataError where it cannot be written, and then what was there still is.
        """
        first, last = _ends(frame, period, self.series)
        data = _parquet(frame)
        digest = digest_of(data)
        part = Part(
            period=period.name,
            file=f"{DATA}/{self.series.folder}/{period.name}-{digest[:16]}.parquet",
            sha256=digest,
            size=len(data),
            rows=len(frame),
            first=first,
            last=last,
            covered=covered.stretches,
            absent=(absent or Coverage()).stretches,
            origin=tuple(sorted(set(origin), key=lambda one: (one.name, one.sha256))),
        )
        return self._put(period, part, data)

    def keep(self, period: Period, name: str, data: bytes, rows: int, ends: tuple[int, int]) -> Part:
        """Put a file of a whole day or month there as its source made it, under its own name.

        `rows` messages, the first and last of them at `ends` (microseconds). Errors as `write`.
        """
        digest = digest_of(data)
        part = Part(
            period=period.name,
            file=f"{DATA}/{self.series.folder}/{name}",
            sha256=digest,
            size=len(data),
            rows=rows,
            first=ends[0],
            last=ends[1],
            covered=((period.start, period.end),),
            origin=(Origin(name=name, sha256=digest),),
        )
        return self._put(period, part, data)

    def lacks(self, period: Period) -> Part:
        """A whole day or month of which the source has no file, and will have none."""
        whole = ((period.start, period.end),)
        nothing = {"file": "", "sha256": "", "size": 0, "rows": 0, "first": None, "last": None}
        return self._put(period, Part(period=period.name, covered=whole, absent=whole, **nothing), b"")

    def _put(self, period: Period, part: Part, data: bytes) -> Part:
        before = self.store.part(self.series, period)
        if part.file:
            self.store.folder.write(part.file, data)
        self.store.folder.write(entry_of(self.series, period.name), part.to_json())
        if before is not None and before.file and before.file != part.file:
            self.store.folder.delete(before.file)
        return part


def _ends(frame: pl.DataFrame, period: Period, series: Series) -> tuple[int | None, int | None]:
    """Clocks of the first and last row; DataError for rows out of order or outside the period."""
    column = frame[clock_of(frame)]
    if not len(column):
        return None, None
    if not column.is_sorted():
        raise DataError(f"rows of {series} in {period.name} are not in order of time")
    ends = column[[0, len(column) - 1]]
    first, last = (ends.dt.epoch("us") if column.dtype.is_temporal() else ends).to_list()
    if first < period.start or last >= period.end:
        outside = first if first < period.start else last
        raise DataError(f"a row of {series} at {format_time(outside)} in {period.name}")
    return first, last


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=3, row_group_size=1 << 18)
    return buffer.getvalue()
