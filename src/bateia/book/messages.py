"""Book messages in columns: what parsers make and the replay takes."""

from __future__ import annotations

from dataclasses import dataclass

from bateia.core import DataError
from bateia.core.events import Bytes, Floats, Ints


@dataclass(frozen=True, eq=False)
class Messages:
    """Snapshots and changes, oldest first, with their levels in two flat columns.

    Message i sets bids `first[i]` to `middle[i]` and asks from there to `first[i + 1]` of `ticks` and
    `sizes`; a size of 0 removes. `time` is in microseconds, `ids` rise by one, `kinds` is 1 for a
    snapshot, `line` is where it was written.
    """

    time: Ints
    ids: Ints
    kinds: Bytes
    first: Ints
    middle: Ints
    ticks: Ints
    sizes: Floats
    line: Ints

    def __post_init__(self) -> None:
        n = len(self.time)
        rows = [len(column) for column in (self.ids, self.kinds, self.middle, self.line)]
        whole = rows == [n] * 4 and len(self.first) == n + 1 and len(self.ticks) == len(self.sizes)
        if not whole or int(self.first[-1]) > len(self.ticks):
            raise DataError(
                f"messages with columns of {n} and {rows} rows", allowed="one row a message in each"
            )

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, rows: slice) -> Messages:
        """A run of messages, as views; steps other than 1 are not taken."""
        start, stop, step = rows.indices(len(self))
        if step != 1:
            raise DataError(f"messages by steps of {step}", allowed="a run of them")
        stop = max(start, stop)
        return Messages(
            time=self.time[start:stop],
            ids=self.ids[start:stop],
            kinds=self.kinds[start:stop],
            first=self.first[start : stop + 1],
            middle=self.middle[start:stop],
            ticks=self.ticks,
            sizes=self.sizes,
            line=self.line[start:stop],
        )
