"""The second clock of rows as they come."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bateia.core.events import Ints


class KnownAt:
    """When rows were known: as they came, never before their own time, and never falling.

    >>> clock = KnownAt()
    >>> clock.of([5, 4], np.array([1, 9])).tolist(), clock.of([7], np.array([2])).tolist()
    ([5, 9], [9])
    """

    def __init__(self) -> None:
        self.newest = -(2**62)

    def of(self, received: Sequence[int], times: Ints) -> Ints:
        """The second clock of the next rows, of which the first is `times`; microseconds."""
        came = np.maximum(np.array(received, np.int64), times)
        known: Ints = np.maximum.accumulate(np.maximum(came, self.newest))
        self.newest = int(known[-1]) if len(known) else self.newest
        return known

    def after(self, known: Ints) -> None:
        """What follows is known after rows that have their clock already."""
        self.newest = max(self.newest, int(known.max(initial=self.newest)))
