"""The stationary bootstrap: resamples of a series in blocks of random length.

Blocks start anywhere, have geometric lengths of a given mean and wrap around the end. Draw d uses its own
splitmix64 stream of (seed, d): the same numbers whatever runs beside it, on any machine. All kernels here
read one stream, so that statistics of equally long series, with one block and one seed, are of one resample.

Source: Politis and Romano, "The Stationary Bootstrap", JASA 89 (1994).
"""

from __future__ import annotations

import math

import numpy as np

from bateia.core.events import Floats, Ints
from bateia.kernels.jit import kernel

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX1 = np.uint64(0xBF58476D1CE4E5B9)
MIX2 = np.uint64(0x94D049BB133111EB)
S27, S30, S31, S11, S54 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(11), np.uint64(54)
UNIT = 1.0 / 9007199254740992.0
CELLS = 1024


@kernel
def _mixed(word):
    z = (word ^ (word >> S30)) * MIX1
    z = (z ^ (z >> S27)) * MIX2
    return z ^ (z >> S31)


@kernel
def _start(seed, draw):
    # The stream's start is itself mixed: neighbouring draws must not be shifted copies of each other.
    return _mixed(np.uint64(seed) * GOLDEN + np.uint64(draw + 1) * MIX2)


@kernel
def _length(z, stay):
    return 1 + int(math.log((float(z >> S11) + 1.0) * UNIT) / stay)


@kernel
def _cells(block):
    """Block length by a word's top bits where those alone decide it, else 0: saves most logarithms."""
    cells = np.zeros(CELLS, np.int64)
    if block > 1.0:
        stay = math.log1p(-1.0 / block)
        for j in range(CELLS):
            low = np.uint64(j) << S54
            first, last = _length(low, stay), _length(low + ((np.uint64(1) << S54) - np.uint64(1)), stay)
            if first == last:
                cells[j] = first
    return cells


@kernel
def stationary_bootstrap(x: Floats, block: float, seed: int, mean: Floats, std: Floats) -> None:
    """Mean and standard deviation (ddof 1) of `len(mean)` resamples of `x`, written into `mean` and `std`."""
    n = len(x)
    centre = 0.0
    for i in range(n):
        centre += x[i]
    centre /= n
    cells = _cells(block)
    stay = math.log1p(-1.0 / block) if block > 1.0 else 0.0
    for d in range(len(mean)):
        word = _start(seed, d)
        total = 0.0
        squares = 0.0
        left = n
        while left > 0:
            word += GOLDEN
            at = min(int(float(_mixed(word) >> S11) * UNIT * n), n - 1)
            length = 1
            if stay < 0.0:
                word += GOLDEN
                z = _mixed(word)
                length = cells[z >> S54]
                if length == 0:
                    length = _length(z, stay)
                length = min(length, left)
            for _ in range(length):
                gap = x[at] - centre
                total += gap
                squares += gap * gap
                at += 1
                if at == n:
                    at = 0
            left -= length
        mean[d] = centre + total / n
        std[d] = math.sqrt(max(squares - total * total / n, 0.0) / (n - 1)) if n > 1 else 0.0


@kernel
def bootstrap_columns(x: Floats, block: float, seed: int, mean: Floats) -> None:
    """Means of resamples of the rows of `x` (rows, columns), into `mean` (draws, columns).

    Sums are differences of running sums, so a block costs the same however long it is.
    """
    n, columns = x.shape
    # Twice around, so that a block that wraps is one difference too.
    running = np.zeros((2 * n + 1, columns))
    for i in range(2 * n):
        for c in range(columns):
            running[i + 1, c] = running[i, c] + x[i % n, c]
    cells = _cells(block)
    stay = math.log1p(-1.0 / block) if block > 1.0 else 0.0
    total = np.empty(columns)
    for d in range(mean.shape[0]):
        word = _start(seed, d)
        total[:] = 0.0
        left = n
        while left > 0:
            word += GOLDEN
            at = min(int(float(_mixed(word) >> S11) * UNIT * n), n - 1)
            length = 1
            if stay < 0.0:
                word += GOLDEN
                z = _mixed(word)
                length = cells[z >> S54]
                if length == 0:
                    length = _length(z, stay)
                length = min(length, left)
            for c in range(columns):
                total[c] += running[at + length, c] - running[at, c]
            left -= length
        for c in range(columns):
            mean[d, c] = total[c] / n


@kernel
def bootstrap_account(
    x: Floats,
    low: float,
    high: float,
    block: float,
    seed: int,
    mean: Floats,
    std: Floats,
    downside: Floats,
    below: Floats,
    within: Floats,
    shortfall: Floats,
    fall: Floats,
    longest: Ints,
) -> None:
    """What resamples of an account's profits `x` would have shown, a number a draw into each array.

    `mean` and `std` as in `stationary_bootstrap`, to the bit; `downside` root mean square of the losses;
    `below` and `within` shares at most `low` and `high`; `shortfall` mean of min(x - low, 0); `fall` the
    deepest fall of the running sum from its peak (the start at 0 included), `longest` its rows below one by
    more than rounding (1e-12 of all that moved).
    """
    n = len(x)
    centre = slack = 0.0
    for i in range(n):
        centre += x[i]
        slack += abs(x[i])
    centre /= n
    slack *= 1e-12
    cells = _cells(block)
    stay = math.log1p(-1.0 / block) if block > 1.0 else 0.0
    for d in range(len(mean)):
        word = _start(seed, d)
        total = squares = losses = short = level = peak = deepest = 0.0
        lows = highs = under = most = 0
        left = n
        while left > 0:
            word += GOLDEN
            at = min(int(float(_mixed(word) >> S11) * UNIT * n), n - 1)
            length = 1
            if stay < 0.0:
                word += GOLDEN
                z = _mixed(word)
                length = cells[z >> S54]
                if length == 0:
                    length = _length(z, stay)
                length = min(length, left)
            for _ in range(length):
                value = x[at]
                gap = value - centre
                total += gap
                squares += gap * gap
                loss = min(value, 0.0)
                losses += loss * loss
                short += min(value - low, 0.0)
                lows += value <= low
                highs += value <= high
                level += value
                peak = max(peak, level)
                deepest = max(deepest, peak - level)
                under = (under + 1) if level < peak - slack else 0
                most = max(most, under)
                at += 1
                if at == n:
                    at = 0
            left -= length
        mean[d] = centre + total / n
        std[d] = math.sqrt(max(squares - total * total / n, 0.0) / (n - 1)) if n > 1 else 0.0
        downside[d] = math.sqrt(losses / n)
        below[d] = lows / n
        within[d] = highs / n
        shortfall[d] = short / n
        fall[d] = deepest if deepest > slack else 0.0
        longest[d] = most
