"""Live rows into the store, where they join those that `bateia fetch` brings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from bateia.core import Block, ConfigError, DataError
from bateia.core.coverage import Coverage
from bateia.core.events import Ints
from bateia.core.period import Period
from bateia.live.frontier import Frontier, extended
from bateia.store import Origin, Series, Store, Writer, spans
from bateia.store.catalogue import clock_of

if TYPE_CHECKING:
    import polars as pl

EVERY = 60.0
SHARE = 20
"""A pause is at least this many times as long as what was written before it took."""
ORIGIN = Origin(name="stream")
Batch = tuple[Block, Sequence[Any]]
"""A block, and the rows that it is made of."""


class Keepable(Protocol):
    """Live rows with numbers: `LiveTrades`, `LiveCandles`."""

    @property
    def series(self) -> Series:
        """Where `bateia fetch` puts them."""

    def history(self) -> Iterator[Block]:
        """What is to be shown of a store first."""

    def after(self, table: pl.DataFrame) -> None:
        """What happens is to follow these rows of a store."""

    def batches(self) -> AsyncGenerator[Any]:
        """A `Batch` for what happens, again and again."""

    def table(self, batches: Sequence[Any]) -> pl.DataFrame:
        """Rows as the store keeps them."""

    def places(self, table: pl.DataFrame) -> tuple[Ints, Ints, Ints]:
        """Numbers of such rows, and the time that each of them tells: from, to before."""


class Keeper:
    """Live rows, each of them put into the store too: in the series that `bateia fetch` fills, as it does.

    Rows follow the store's last one, and what lies between is asked for. Every `every` seconds, and at the
    end, whatever ends it, the day (of candles: month) is written anew in a thread, whole or not at all; less
    often if that takes long. Covered is the time for which no number is missing; the rest is in `missing`,
    for `bateia fetch` to bring. `known_at` is when a row came. Nobody else can write the series meanwhile.

    >>> import tempfile
    >>> from bateia.live import LiveTrades
    >>> keeper = Keeper(LiveTrades("btcusdt"), tempfile.mkdtemp())
    >>> keeper.line()  # async for block in keeper.blocks(): ...
    'kept 0 rows of binance/spot/BTCUSDT/agg_trades, none missing'
    """

    def __init__(self, live: Keepable, store: str | Path, *, every: float = EVERY) -> None:
        if not every > 0:
            raise ConfigError(f"rows kept every {every:g} seconds", allowed="more than 0", hint="60s")
        self.live, self.store, self.series = live, Store.create(store), live.series
        self.kept = 0
        """Rows that are in the store now and were not before."""
        self.missing = Coverage()
        """Where numbers are missing that could not be had."""
        self._every, self._pause = every, every
        self._came: list[Batch] = []
        self._left: pl.DataFrame | None = None
        """Rows that came and are not in the store yet, after `_came` was turned into them."""
        self._frontier: Frontier | None = None
        self._lock = Lock()

    def line(self) -> str:
        """What was kept and what is missing, for a log."""
        gaps = ", ".join(f"{start} to {end}" for start, end in spans(self.missing))
        return f"kept {self.kept:,} rows of {self.series}, {f'missing: {gaps}' if gaps else 'none missing'}"

    async def blocks(self) -> AsyncGenerator[Block]:
        """The live rows. Errors as theirs, and DataError where the store cannot be written or read.

        An error loses nothing that is in the store; the next start asks for what is not.
        """
        with self.store.writer(self.series) as writer:
            for block in self.live.history():
                yield block
            self._start()
            try:
                async with aclosing(self._blocks(writer)) as blocks:
                    async for block in blocks:
                        yield block
            finally:
                await self._finish(writer)

    async def _blocks(self, writer: Writer) -> AsyncGenerator[Block]:
        batches = self.live.batches()
        coming: asyncio.Task[Batch] | None = None
        writing: asyncio.Task[None] | None = None
        try:
            while True:
                coming = coming or asyncio.create_task(_next(batches))
                writing = writing or asyncio.create_task(self._later(writer))
                await asyncio.wait([coming, writing], return_when=asyncio.FIRST_COMPLETED)
                if writing.done():
                    writing.result()
                    writing = None
                if coming.done():
                    batch, coming = coming.result(), None
                    self._came.append(batch)
                    yield batch[0]
        finally:
            left = [task for task in (coming, writing) if task is not None]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            await batches.aclose()

    async def _later(self, writer: Writer) -> None:
        await asyncio.sleep(self._pause)
        begun = time.monotonic()
        await asyncio.to_thread(self._write, writer)
        self._pause = max(self._every, SHARE * (time.monotonic() - begun))

    async def _finish(self, writer: Writer) -> None:
        """Write what is left, to the end however often this is cancelled: until then the series is ours."""
        writing = asyncio.get_running_loop().run_in_executor(None, self._write, writer)
        while not writing.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([writing])
        writing.result()

    def _start(self) -> None:
        """Follow the last row of the store."""
        import polars as pl

        parts = [part for part in self.store.parts(self.series) if part.rows]
        if parts:
            tables = [self.store.table(self.series, part) for part in parts[-2:]]
            self.live.after(tables[-1])
            last = pl.concat([*(table.tail(1) for table in tables[:-1]), tables[-1]])
            self._frontier = Frontier.of(*self.live.places(last), self.store.coverage(self.series))

    def _write(self, writer: Writer) -> None:
        """Put what came into the store, a day or month after the other."""
        import polars as pl

        with self._lock:  # a cancelled task leaves its thread at work
            came = self._came[:]
            if came:
                new = self.live.table(came)
                self._left = new if self._left is None else pl.concat([self._left, new])
                del self._came[: len(came)]
            while self._left is not None:
                self._write_first(writer, self._left)

    def _write_first(self, writer: Writer, left: pl.DataFrame) -> None:
        """The rows of the first day or month of those that are left."""
        moments = left[clock_of(left)].dt.epoch("us")
        period = Period.at(moments[0], self.series.unit)
        inside = moments.is_between(period.start, period.end, closed="left")
        stop = len(left) if inside.all() else int(inside.arg_min() or 0)
        rows = left[:stop]
        whole, missing, frontier = extended(*self.live.places(rows), self._frontier)
        first, last = (whole.stretches[0][0], whole.stretches[-1][1]) if whole else (period.start, period.end)
        for other in Period.covering(min(first, period.start), max(last, period.end), self.series.unit):
            self._put(writer, other, rows if other == period else rows.clear(), whole)
        self._left = left[stop:] if stop < len(left) else None
        self._frontier = frontier
        self.missing |= missing
        self.kept += len(rows)

    def _put(self, writer: Writer, period: Period, rows: pl.DataFrame, whole: Coverage) -> None:
        """More rows of a day or month, and for what time they leave none out."""
        import polars as pl

        part = self.store.part(self.series, period)
        covered = part.coverage if part else Coverage()
        whole = covered | (whole & period.coverage)
        if not len(rows) and whole == covered:
            return
        held = self.store.table(self.series, part) if part and part.rows else rows.clear()
        if held.schema != rows.schema:
            raise DataError(
                f"{self.series} of the store {self.store.name!r} has the columns {', '.join(held.columns)}",
                allowed=f"those of `bateia fetch`: {', '.join(rows.columns)}",
                hint="another --store",
            )
        # A write that failed may have put them there nevertheless.
        rows = rows.join(held.tail(len(rows)), on=rows.columns, how="anti", nulls_equal=True)
        table = pl.concat([held, rows])
        if not table[clock_of(table)].is_sorted():
            table = table.sort(clock_of(table), maintain_order=True)
        origin = {*(part.origin if part else ()), ORIGIN}
        absent = Coverage(part.absent) if part else None
        writer.write(period, table, whole, absent=absent, origin=tuple(origin))


async def _next(batches: AsyncGenerator[Any]) -> Batch:
    batch: Batch = await anext(batches)
    return batch
