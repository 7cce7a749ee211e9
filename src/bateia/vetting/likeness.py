"""What is too much alike: a feature and an answer, rows of training and test, trades and trades."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from bateia.backtest.scores import ranks
from bateia.core import Bars, Trades
from bateia.core.events import Floats, Ints

Words = npt.NDArray[np.uint64]
ALIKE, TOLD = 0.5, 0.5
"""Correlation with the future, and share of the future told, that no honest feature has."""
_SIGMAS = 4.5
_BANDS = 8
RARE, VARIED = 0.01, 0.5
"""A value in more of a column's rows is common; a column with more values among its rows varies."""
STRETCH, EVEN_RUN = 64, 64
_MOST = 20_000_000


def alike(feature: Floats, answer: Floats, effective: float) -> tuple[str, float, float]:
    """The measure by which a feature is most like the answer, its size from 0 to 1, and the limit.

    Correlation, rank correlation, and the share of what there is to know of the answer that the feature
    tells. `effective` is how many of the answers do not overlap: with few of them chance alone makes large
    figures, and the limit of correlations rises.

    >>> x = np.random.default_rng(0).normal(size=2000)
    >>> alike(x, x**2, 2000)[0], alike(x, 2 * x + 1, 2000)[:2]
    ('shared information', ('correlation', 1.0))
    """
    known = np.isfinite(feature) & np.isfinite(answer)
    x, y = feature[known], answer[known]
    limit = min(0.98, max(ALIKE, _SIGMAS / math.sqrt(max(effective, 1.0))))
    if len(x) < 30 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return "correlation", 0.0, limit
    sizes = (
        ("correlation", round(abs(float(np.corrcoef(x, y)[0, 1])), 12), limit),
        ("rank correlation", round(abs(float(np.corrcoef(ranks(x), ranks(y))[0, 1])), 12), limit),
        ("shared information", told(x, y, effective * len(x) / len(feature)), TOLD),
    )
    return max(sizes, key=lambda found: found[1] / found[2])


def told(x: Floats, y: Floats, effective: float) -> float:
    """Mutual information of two columns, ranked into 8 bands, as a share of the entropy of y's: 0 to 1.

    What chance gives among `effective` rows is taken off: its mean (b - 1)(c - 1) / 2 and three deviations,
    the root of half of that mean. Source: Moddemeijer, "On estimation of entropy and mutual information of
    continuous distributions" (1989).

    >>> x = np.arange(800.0)
    >>> round(told(x, -x, 800), 2), told(x, np.sin(1e4 * x), 800)
    (0.98, 0.0)
    """
    table = np.zeros((_BANDS, _BANDS))
    np.add.at(table, (_bands(x), _bands(y)), 1.0)
    table = table[table.any(axis=1)][:, table.any(axis=0)] / len(x)
    one, two = table.sum(axis=1), table.sum(axis=0)
    filled = table > 0
    found = float(np.sum(table[filled] * np.log(table[filled] / np.outer(one, two)[filled])))
    entropy = -float(np.sum(two * np.log(two)))
    mean = (len(one) - 1) * (len(two) - 1) / 2
    chance = (mean + 3 * math.sqrt(mean / 2)) / max(effective, 1.0)
    return max(0.0, found - chance) / entropy if entropy > 0 else 0.0


def _bands(x: Floats) -> Ints:
    """Band 0 to 7 of each value by its rank; equal values share a band."""
    return np.minimum((_BANDS * (ranks(x) - 0.5) / len(x)).astype(np.int64), _BANDS - 1)


def shared_rows(table: Floats, train: Ints, test: Ints) -> tuple[Ints, float] | None:
    """Test rows that are, to the last bit, a training row of `table` (rows, features); how many chance makes.

    Chance is how many there would be if the features' values met at random. Rows in which every feature
    holds a value that is common in its column do not count: constant features and markets that stand still
    explain those. None where no feature varies from row to row.

    >>> table = np.array([[0.1, 1], [0.2, 1], [0.3, 1], [0.1, 1], [0.5, 1.0]])
    >>> shared_rows(table, np.array([0, 1, 2]), np.array([3, 4]))[0]
    array([3])
    """
    rows = np.concatenate([train, test])
    # -0 is 0, and one NaN as good as another.
    table = np.where(np.isnan(table[rows]), np.nan, table[rows]) + 0.0
    common, chance = np.ones(len(rows), np.bool_), np.full(len(rows), float(len(train)))
    varies = False
    for column in table.T:
        _, at, count = np.unique(column, return_inverse=True, return_counts=True)
        # Itself left out: one other row of the same value is the least that a pair can show.
        chance *= (count[at] - 1) / len(rows)
        if len(count) >= VARIED * len(rows):
            varies = True
            common &= count[at] > max(2, RARE * len(rows))
    if not varies:
        return None
    marks = _marks(np.ascontiguousarray(table))
    known, asked = slice(len(train)), slice(len(train), None)
    shared = np.isin(marks[asked], marks[known]) & ~common[asked]
    return test[shared], float(np.minimum(chance[asked], 1.0).sum())


def _marks(table: Floats) -> Words:
    """A 64-bit mark of each row: equal rows have equal marks, others have not."""
    bits = table.view(np.uint64)
    odd = np.random.default_rng(0).integers(1 << 63, size=table.shape[1], dtype=np.uint64) * 2 + 1
    mixed: Words = ((bits ^ (bits >> np.uint64(29))) * odd).sum(axis=1, dtype=np.uint64)
    return mixed


def prints(events: Trades | Bars) -> Trades:
    """Trades as they are; a candle as one trade, of its volume at its close."""
    if not isinstance(events, Bars):
        return events
    return Trades(events.time, events.known_at, events.close, events.volume, np.zeros(len(events), np.int8))


def doubled_trades(trades: Trades) -> tuple[Ints, str]:
    """The first rows of a stretch in which every trade comes an even number of times, and words about it.

    Trades of one time, price, size and side are real where clocks are coarse; 64 such groups in a row, all
    even, are a file that was joined to itself.
    """
    columns = (trades.time, trades.price, trades.size, trades.side)
    order = np.lexsort(columns[::-1])
    new = np.any([np.diff(column[order], prepend=np.nan) != 0 for column in columns], axis=0)
    starts = np.flatnonzero(new)
    even = np.diff(np.append(starts, len(order))) % 2 == 0
    odd = np.concatenate([[-1], np.flatnonzero(~even), [len(even)]])
    k = int(np.argmax(np.diff(odd)))
    length = int(odd[k + 1] - odd[k] - 1)
    if length < EVEN_RUN:
        return np.empty(0, np.int64), ""
    first = int(odd[k]) + 1
    rows = np.sort(order[starts[first : first + length]])
    return rows, f"{length:,} trades in a row that come twice, of the same time, price, size and side"


def repeated_stretch(trades: Trades) -> tuple[Ints, str]:
    """Where a stretch of 64 trades begins that has been seen before, at another time, and words about it.

    The same prices, sizes, sides and gaps in time; stretches of less than 4 changes of price or 16 of the
    clock do not count. The first twenty million trades are looked at.
    """
    some = trades[:_MOST]
    if len(some) < 2 * STRETCH:
        return np.empty(0, np.int64), ""
    gap = np.diff(some.time, prepend=some.time[:1])
    columns = (gap.astype(np.float64), some.price, some.size, some.side.astype(np.float64))
    mark = _marks(np.ascontiguousarray(np.column_stack(columns) + 0.0))
    width = 1
    while width < STRETCH:
        # Odd factors, another one for each width: order matters, and no bit is lost.
        mark = mark[:-width] * np.uint64(0x9E3779B97F4A7C15 + 2 * width) + mark[width:]
        width *= 2
    lively = (_within(np.diff(some.price, prepend=some.price[0]) != 0) >= 4) & (_within(gap != 0) >= 16)
    at = np.flatnonzero(lively)
    at = at[np.argsort(mark[at], kind="stable")]
    again = (mark[at][1:] == mark[at][:-1]) & (np.diff(at) >= STRETCH)
    rows = np.sort(at[1:][again])
    if not len(rows):
        return rows, ""
    return rows, f"stretches of {STRETCH} trades that were seen before: {len(rows):,} begin so"


def _within(happens: npt.NDArray[np.bool_]) -> Ints:
    """How often it happens within each stretch."""
    total = np.concatenate([[0], np.cumsum(happens)])
    counts: Ints = total[STRETCH:] - total[:-STRETCH]
    return counts
