"""Combinatorially symmetric cross-validation: every half of the blocks against the other half."""

from __future__ import annotations

import math

import numpy as np

from bateia.core.events import Floats, Ints
from bateia.kernels.jit import kernel


@kernel
def block_sums(x: Floats, bounds: Ints, sums: Floats, squares: Floats) -> None:
    """Sums and sums of squares of `x` (rows, columns) between `bounds`: both outputs (blocks, columns)."""
    sums[:] = 0.0
    squares[:] = 0.0
    for b in range(len(bounds) - 1):
        for t in range(bounds[b], bounds[b + 1]):
            for k in range(x.shape[1]):
                sums[b, k] += x[t, k]
                squares[b, k] += x[t, k] * x[t, k]


@kernel
def _sharpes(total: Floats, squares: Floats, rows: int, out: Floats) -> None:
    for k in range(len(total)):
        mean = total[k] / rows
        variance = (squares[k] - total[k] * mean) / (rows - 1)
        # Profits that never vary have sums of squares that cancel up to rounding: no Sharpe ratio, so 0.
        flat = variance <= 1e-12 * squares[k] / rows
        out[k] = 0.0 if flat else mean / math.sqrt(variance)


@kernel
def symmetric_splits(
    sums: Floats,
    squares: Floats,
    rows: Ints,
    members: Ints,
    grid: Floats,
    chosen: Ints,
    inside: Floats,
    outside: Floats,
    rank: Floats,
    tally: Ints,
) -> None:
    """Choose the best column on each half, and see where it stands on the other half.

    `sums`, `squares` (blocks, columns) and `rows` (blocks) of `block_sums`; `members` (splits, blocks / 2)
    names the blocks of each half. Outputs, one a split: the `chosen` column, its Sharpe ratio `inside` and
    `outside`, its `rank` outside (1 worst, ties in the middle). `tally` counts every column's Sharpe ratio
    outside by the bins of an even `grid` (one more bin than edges).
    """
    blocks, columns = sums.shape
    all_rows = 0
    for b in range(blocks):
        all_rows += rows[b]
    whole, whole_squares = np.zeros(columns), np.zeros(columns)
    for b in range(blocks):
        for k in range(columns):
            whole[k] += sums[b, k]
            whole_squares[k] += squares[b, k]
    total, total_squares = np.empty(columns), np.empty(columns)
    train, test = np.empty(columns), np.empty(columns)
    edges = len(grid)
    per_step = (edges - 1) / (grid[edges - 1] - grid[0])
    for c in range(members.shape[0]):
        total[:] = 0.0
        total_squares[:] = 0.0
        n = 0
        for m in range(members.shape[1]):
            b = members[c, m]
            n += rows[b]
            for k in range(columns):
                total[k] += sums[b, k]
                total_squares[k] += squares[b, k]
        _sharpes(total, total_squares, n, train)
        for k in range(columns):
            total[k] = whole[k] - total[k]
            total_squares[k] = whole_squares[k] - total_squares[k]
        _sharpes(total, total_squares, all_rows - n, test)
        best = 0
        for k in range(1, columns):
            if train[k] > train[best]:
                best = k
        below = 0
        equal = 0
        for k in range(columns):
            below += test[k] < test[best]
            equal += test[k] == test[best]
            at = (test[k] - grid[0]) * per_step
            tally[0 if at < 0.0 else (edges if at >= edges - 1 else 1 + int(at))] += 1
        chosen[c] = best
        inside[c] = train[best]
        outside[c] = test[best]
        rank[c] = below + 0.5 * (equal + 1)
