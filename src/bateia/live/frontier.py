"""For what time numbered rows are all that there are."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from bateia.core.coverage import Coverage
from bateia.core.events import Ints


class Frontier(NamedTuple):
    """The last row of a series, and the moment before which none is missing after the last gap."""

    number: int
    moment: int
    """Microseconds."""

    @classmethod
    def of(cls, numbers: Ints, starts: Ints, ends: Ints, covered: Coverage) -> Frontier:
        """Of stored rows: from the end of what is covered on if all that follow it are there, else anew."""
        last = int(numbers.argmax())
        start, end = int(starts[last]), int(ends[last])
        until = next((b for a, b in covered.stretches if a < end <= b), None)
        if until is not None:
            inside = np.flatnonzero(starts <= until)
            if len(inside) and (np.diff(numbers[inside[-1] : last + 1]) == 1).all():
                start = until
        return cls(int(numbers[last]), start)


def extended(
    numbers: Ints, starts: Ints, ends: Ints, before: Frontier | None
) -> tuple[Coverage, Coverage, Frontier]:
    """For what time rows leave none out, for what time numbers are missing, and the new frontier.

    Row k tells of `starts[k]` to before `ends[k]`. Rows whose numbers follow each other tell of the time
    between them too. The first row of all only tells of its own.

    >>> numbers, moments = np.array([7, 8, 11, 12]), np.array([10, 20, 50, 60])
    >>> whole, missing, frontier = extended(numbers, moments + 1, moments, Frontier(6, 5))
    >>> whole.stretches, missing.stretches, frontier
    (((5, 20), (51, 60)), ((20, 51),), Frontier(number=12, moment=60))
    """
    cuts = np.flatnonzero(np.diff(numbers) != 1) + 1
    whole, missing = [], []
    for first, stop in pairwise([0, *cuts.tolist(), len(numbers)]):
        start = int(starts[first])
        if before is not None:
            follows = int(numbers[first]) == before.number + 1
            missing += [] if follows else [(before.moment, start)]
            start = before.moment if follows else start
        before = Frontier(int(numbers[stop - 1]), max(start, int(ends[stop - 1])))
        whole.append((start, before.moment))
    assert before is not None
    return Coverage.of(whole), Coverage.of(missing), before
