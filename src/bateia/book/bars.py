"""Sampled books to bars: what happened in each, and the book at its close."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from bateia.book.samples import Samples
from bateia.core import INT32, BookedBars, Component, DataError, Duration
from bateia.core.clock import MINUTE, SECOND
from bateia.core.events import LEVELS, Block, Floats, Ints
from bateia.kernels import book_measures as kernels
from bateia.sources.books import booked_bars

if TYPE_CHECKING:
    import polars as pl

FEATURES = (
    "body",
    "upper_wick",
    "lower_wick",
    "log_ret_close",
    "volatility",
    "max_spread",
    "mean_obi",
    "mean_deep_obi",
    "log_volume",
    "close",
)
"""Of the micro price and of what the samples of a bar say; `close` is the micro price at its end."""
AFTER_ANOTHER = ("upper_wick", "lower_wick", "log_ret_close")
"""Features that need the close of the bar before: NaN where that bar is missing."""
DEEP = 5
"""Levels of `mean_deep_obi`."""
OUTPUTS = len(FEATURES) + 2
ROOM = 64


def level_names(depth: int) -> list[str]:
    """Names of the levels' columns: `bid_0_p`, `bid_0_s`, … and then the asks'.

    >>> level_names(1)
    ['bid_0_p', 'bid_0_s', 'ask_0_p', 'ask_0_s']
    """
    return [f"{side}_{i}_{what}" for side in ("bid", "ask") for i in range(depth) for what in "ps"]


@dataclass(frozen=True, eq=False)
class BookRows(Block):
    """Bars of a book: `time` is the close, levels are as in `Samples`, `features` (n, 10) are `FEATURES`.

    `wicks` (n, 2) are the upper and the lower one as prices, for who comes to know the close before.
    """

    time: Ints
    bid_price: Floats
    bid_size: Floats
    ask_price: Floats
    ask_size: Floats
    features: Floats
    wicks: Floats

    def to_bars(self, length: int) -> BookedBars:
        """Bars of `length` microseconds for features and signals, the same as `BookSource` reads from a file.

        Left out are bars after a missing one, whose wicks are not known. DataError for fewer than ten levels.
        """
        depth = self.bid_price.shape[1]
        if depth < LEVELS:
            raise DataError(f"bars of {depth} levels a side", allowed=f"{LEVELS} or more")
        columns = {name: np.ascontiguousarray(self.features[:, i]) for i, name in enumerate(FEATURES)}
        for name, levels in self._levels(LEVELS):
            columns[name] = np.ascontiguousarray(levels)
        return booked_bars(self.time, length, columns)

    def _levels(self, depth: int) -> Iterator[tuple[str, Floats]]:
        sides = ((self.bid_price, self.bid_size), (self.ask_price, self.ask_size))
        levels = (side[what][:, i] for side in sides for i in range(depth) for what in (0, 1))
        return zip(level_names(depth), levels, strict=True)

    def to_frame(self) -> pl.DataFrame:
        """`time`, the columns of `level_names`, the features: 810 of them beside `time` at a depth of 200."""
        import polars as pl

        columns = dict(self._levels(self.bid_price.shape[1]))
        columns |= {name: self.features[:, i] for i, name in enumerate(FEATURES)}
        frame = pl.DataFrame({"time": self.time} | {n: np.ascontiguousarray(c) for n, c in columns.items()})
        return frame.with_columns(pl.from_epoch("time", "us").dt.replace_time_zone("UTC"))


class BookBars(Component):
    """Bars of sampled books: each holds the samples at times in (open, close], all of them or it is left out.

    The defaults are quantgod's: 200 levels a side each second, a minute a bar: 810 columns.

    >>> len(level_names(BookBars().depth)) + len(FEATURES)
    810
    """

    depth: int = Field(default=200, ge=1, le=INT32 // 8)
    """Best levels of each side in a bar's row."""
    every: Duration = SECOND
    """Time between two samples."""
    bar: Duration = MINUTE
    """Length of a bar, a multiple of `every`."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.bar % self.every or self.bar < 2 * self.every:
            raise ValueError(
                "a bar that is not a multiple of the time between samples; allowed: twice `every` or more"
            )
        return self

    def start(self) -> BookBarStream:
        """Fresh: no bar open."""
        return BookBarStream(self)

    def run(self, samples: Samples) -> BookRows:
        """All bars of these samples."""
        return self.start().run(samples)


class BookBarStream:
    """Bars in the making: how the samples are cut never shows."""

    def __init__(self, kind: BookBars) -> None:
        self.kind = kind
        self.dropped = 0
        """Bars left out because samples were missing."""
        self.shallow = 0
        """Bars left out because the book at their close had fewer levels than `depth`."""
        self.ints = np.zeros(kernels.BAR_INTS, np.int64)
        self.floats = np.full(kernels.BAR_FLOATS, np.nan)
        self.micro = np.empty(kind.bar // kind.every)

    def run(self, samples: Samples) -> BookRows:
        """The bars that these samples complete; DataError for samples that are less deep than the bars."""
        depth = self.kind.depth
        if samples.depth < depth:
            raise DataError(f"samples of {samples.depth} levels", allowed=f"{depth}, the depth of the bars")
        rows, made = 0, [self._rows(samples, np.empty(0, np.int64), np.empty((0, OUTPUTS)))]
        while rows < len(samples):
            at, out = np.empty(ROOM, np.int64), np.empty((ROOM, OUTPUTS))
            columns = (*samples.columns().values(), self.ints, self.floats, self.micro, at, out)
            given = (rows, self.kind.bar, min(DEEP, depth), *columns)
            rows, count, dropped = kernels.book_bars(*given)
            self.dropped += dropped
            made.append(self._rows(samples, at[:count], out[:count]))
        joined = made[-1] if len(made) <= 2 else BookRows.concat(made)
        return self._deep(joined)

    def snapshot(self) -> dict[str, npt.NDArray[Any]]:
        """The open bar as arrays."""
        return {"ints": self.ints.copy(), "floats": self.floats.copy(), "micro": self.micro.copy()}

    def restore(self, snapshot: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on where `snapshot()` was taken; DataError for arrays that are none of these bars."""
        for name, own in self.snapshot().items():
            given = np.asarray(snapshot.get(name, ()))
            if given.shape != own.shape:
                raise DataError(
                    "the snapshot is none of these bars", allowed="what `BookBarStream.snapshot()` gives"
                )
        for name in ("ints", "floats", "micro"):
            getattr(self, name)[:] = snapshot[name]

    def _rows(self, samples: Samples, at: Ints, out: Floats) -> BookRows:
        depth = self.kind.depth
        return BookRows(
            time=samples.time[at],
            bid_price=samples.bid_price[at, :depth],
            bid_size=samples.bid_size[at, :depth],
            ask_price=samples.ask_price[at, :depth],
            ask_size=samples.ask_size[at, :depth],
            features=out[:, : len(FEATURES)],
            wicks=out[:, len(FEATURES) :],
        )

    def _deep(self, rows: BookRows) -> BookRows:
        last = self.kind.depth - 1
        whole = np.isfinite(rows.bid_size[:, last]) & np.isfinite(rows.ask_size[:, last])
        self.shallow += len(rows) - int(whole.sum())
        return rows if whole.all() else rows[whole]
