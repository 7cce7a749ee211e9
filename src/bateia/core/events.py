"""Columnar blocks of market events: equal-length arrays, oldest first, two clocks each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from bateia.core.errors import DataError

if TYPE_CHECKING:
    import polars as pl

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.int8]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Block:
    """Equal-length 1-D columns; slicing gives views, never copies."""

    def __post_init__(self) -> None:
        lengths = {name: len(column) for name, column in self.columns().items()}
        if len(set(lengths.values())) > 1:
            raise DataError(f"columns of unequal length: {lengths}", allowed="one length for all columns")

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Column name -> array, in declaration order."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def __getitem__(self, rows: slice | Ints | Bools) -> Self:
        return self.from_columns({name: column[rows] for name, column in self.columns().items()})

    @classmethod
    def from_columns(cls, columns: Mapping[str, npt.NDArray[Any]]) -> Self:
        """A block from all its columns by name."""
        return cls(**columns)

    @classmethod
    def concat(cls, blocks: Sequence[Self]) -> Self:
        """One block from many, in the order given; an empty sequence gives an empty block."""
        if not blocks:
            return cls.empty()
        columns = [block.columns() for block in blocks]
        return cls.from_columns({name: np.concatenate([c[name] for c in columns]) for name in columns[0]})

    @classmethod
    def empty(cls) -> Self:
        """A block of no rows with the right types."""
        kinds = {"Ints": np.int64, "Floats": np.float64, "Bytes": np.int8}
        return cls(**{field.name: np.empty(0, kinds[str(field.type)]) for field in fields(cls)})

    def to_frame(self) -> pl.DataFrame:
        """The same columns as a Polars frame, clocks as UTC datetimes."""
        import polars as pl

        frame = pl.DataFrame(self.columns())
        clocks = [name for name in frame.columns if name in {"time", "known_at", "open_time"}]
        return frame.with_columns(pl.from_epoch(name, "us").dt.replace_time_zone("UTC") for name in clocks)


@dataclass(frozen=True, eq=False)
class Trades(Block):
    """Executed trades: `time` at the exchange, `known_at` when we could have seen it (both microseconds).

    `side` is the aggressor: +1 buyer, -1 seller, 0 unknown. `size` is in units of the instrument.
    """

    time: Ints
    known_at: Ints
    price: Floats
    size: Floats
    side: Bytes


@dataclass(frozen=True, eq=False)
class Bars(Block):
    """Bars: `time` is the close, when the bar is whole; `open_time` is its first trade.

    `signed_volume` is buyer minus seller aggressor volume, `value` the traded price * size, `vwap` their
    ratio, `trades` a count, `up_ticks`/`down_ticks` how many trades moved the price up or down.
    `known_at` is the latest `known_at` of the bar's trades, never before `time`.
    """

    open_time: Ints
    time: Ints
    known_at: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    signed_volume: Floats
    value: Floats
    vwap: Floats
    trades: Floats
    up_ticks: Floats
    down_ticks: Floats


BAR_COLUMNS = tuple(field.name for field in fields(Bars))
BOOK_COLUMNS = (
    *("bid", "ask", "bid_size", "ask_size"),  # the best of each side at the bar's close
    *("micro_volatility", "max_spread", "mean_obi", "mean_deep_obi", "messages"),  # over the bar
)
"""Columns of bars made from an order book; open, high, low and close are then its micro price."""
LEVELS = 10
LEVEL_COLUMNS = tuple(
    f"{side}_{level}_{what}" for side in ("bid", "ask") for level in range(LEVELS) for what in ("p", "s")
)
"""Price and size of a sampled book's best levels, the best of them number 0, at the bar's close."""
IN_PRICE = frozenset(
    {"bid", "ask", "micro_volatility", "max_spread", *(name for name in LEVEL_COLUMNS if name[-1] == "p")}
)
"""Those of them that are prices, or differences of prices."""


@dataclass(frozen=True, eq=False)
class BookedBars(Bars):
    """Bars of a sampled order book: open, high, low and close are its micro price, no trade is known.

    `book` holds float64 columns of the same length by name: `BOOK_COLUMNS` and `LEVEL_COLUMNS`.
    """

    book: Mapping[str, Floats]

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Column name -> array: those of every bar, then the book's."""
        return {name: getattr(self, name) for name in BAR_COLUMNS} | dict(self.book)

    @classmethod
    def empty(cls) -> Self:
        """A block of no rows with the right types."""
        book = dict.fromkeys((*BOOK_COLUMNS, *LEVEL_COLUMNS), np.empty(0))
        return cls(**Bars.empty().columns(), book=book)

    @classmethod
    def from_columns(cls, columns: Mapping[str, npt.NDArray[Any]]) -> Self:
        """A block from all its columns by name: what no bar has is the book's."""
        bars = {name: columns[name] for name in BAR_COLUMNS}
        return cls(**bars, book={name: column for name, column in columns.items() if name not in bars})
