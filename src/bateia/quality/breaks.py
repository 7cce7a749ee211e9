"""Does activity break off every so many candles? Blocks of real ones put in another order do that."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, chdtri, ndtri
from scipy.stats import rankdata

from bateia.core import Bars
from bateia.core.clock import DAY
from bateia.core.events import Bools, Floats, Ints
from bateia.quality.clocks import rhythm
from bateia.quality.report import Check
from bateia.quality.signs import told

Seams = slice | Ints
HEAD = 50_000
"""Candles that are looked at: more would only be slower."""
SHORTEST, LONGEST = 30, 10_080
"""Candles of a block; the longest is a week of minutes, and a third of all."""
WIDTHS = (6, 30)
"""Candles on each side of a seam whose means are compared: half an hour of 5 and of 1 minutes."""
DAYS, FEW = 5, 12
"""Days that tell what a time of day always does, and times of day that are few."""
DOUBT, SURE = 1e-7, 1e-10
"""p-values from which blocks are suspected, and taken for sure: 7e-7 is the least of 1,120 windows of real
candles, of 2,000 to 50,000 rows, whose restless times of day make it smaller than chance alone would."""


def bar_breaks(bars: Bars) -> Check:
    """p-value of "no place is worse joined than the others", of all lengths of blocks together.

    Means of volume and range before and after each candle are subtracted, less what that time of day always
    does, and ranked: the squared normal scores of a sound series add up to chi-square over any seams. Blocks
    are of one length from the first row on, or the rows in so many parts; a day has half of the chances to
    itself. Squares are divided by what the most restless times of day have more than chance.
    """
    bars = bars[:HEAD]
    step = rhythm(bars.time)
    parts = [(bars.high - bars.low) / bars.close, *([bars.volume] if step else [])]
    level = np.sum([ndtri((rankdata(part) - 0.5) / len(part)) for part in parts], axis=0)
    period = DAY // step if 0 < step < DAY and DAY % step == 0 and len(bars) >= DAYS * DAY // step else 0
    phase = bars.open_time % DAY // step if period else np.zeros(len(bars), np.int64)
    apart = np.diff(bars.time, prepend=bars.time[0]) > (step or DAY)
    daily = DAY // step if 2 <= (DAY // step if step else 0) < len(level) / 3 else 0
    least, tried = (1.0, 0), 0
    for width in WIDTHS:
        steps = _Steps.of(level, width, apart, phase, period)
        cuts = list(_cuts(len(level), max(SHORTEST, 4 * width)))
        tried += len(cuts)
        chances = steps.chances(cuts)
        # Half of all chances are a day's, the others share the rest.
        for k in np.flatnonzero(chances * 2 * len(cuts) * len(WIDTHS) < least[0]):
            p = steps.chance(cuts[k]) * 2 * len(cuts) * len(WIDTHS)
            least = min(least, (p, _length(cuts[k])))
        if daily:
            seams = slice(daily, None, daily)
            least = min(least, (steps.chance(seams) * 2 * len(WIDTHS), daily))
    p, length = least
    odd = f"activity breaks off every {length:,} rows: blocks put in another order?"
    sign = 4.0 if p < SURE else 2.5 if p < DOUBT else 0.0
    return told("breaks", p, math.nan, sign, odd, "activity goes on from row to row")


def _cuts(rows: int, shortest: int) -> Iterator[Seams]:
    """The rows that blocks begin at, the first left out: of each length, and the rows in so many parts."""
    for length in range(shortest, min(rows // 3, LONGEST) + 1):
        yield slice(length, None, length)
    for parts in range(3, rows // shortest + 1):
        short, longer = divmod(rows, parts)
        number = np.arange(1, parts)
        if longer:
            yield number * short + np.minimum(number, longer)


def _length(seams: Seams) -> int:
    return int(seams.step) if isinstance(seams, slice) else int(seams[0])


@dataclass(frozen=True)
class _Steps:
    """How far the means before and after each row lie apart: squared normal scores, NaN unknown."""

    square: Floats
    phase: Ints
    period: int
    means: Floats
    """Mean square of each time of day, by what chance lets the highest of them have."""
    width: int

    @classmethod
    def of(cls, level: Floats, width: int, apart: Bools, phase: Ints, period: int) -> _Steps:
        rows = len(level)
        total, pauses = np.append(0.0, np.cumsum(level)), np.append(0, np.cumsum(apart))
        at = np.arange(width, rows - width + 1)
        at = at[pauses[at + width] == pauses[at - width + 1]]
        step = (total[at + width] - 2 * total[at] + total[at - width]) / width
        days = np.maximum(np.bincount(phase[at], minlength=max(period, 1)), 2)
        if period:
            mean = np.bincount(phase[at], step, period) / days
            step = (step - mean[phase[at]]) * np.sqrt(days / (days - 1))[phase[at]]
        square = np.full(rows, np.nan)
        square[at] = ndtri(0.5 + (rankdata(np.abs(step)) - 0.5) / (2 * max(len(step), 1))) ** 2
        means = np.bincount(phase[at], square[at], max(period, 1)) / days
        usual = float(np.median(days))
        return cls(square, phase, period, means / (float(chdtri(usual, 1 / max(period, 2))) / usual), width)

    def chances(self, cuts: list[Seams]) -> Floats:
        """p-values of these seams being like all places, restless times of day being unknown."""
        known = ~np.isnan(self.square)
        square = np.where(known, self.square, 0.0)
        totals = np.array([square[seams].sum() for seams in cuts])
        counts = np.array([np.count_nonzero(known[seams]) for seams in cuts])
        return np.asarray(np.where(counts > 1, chdtrc(np.maximum(counts, 1), totals), 1.0))

    def chance(self, seams: Seams) -> float:
        """p-value of one of them, by the most restless times of day."""
        square = self.square[seams]
        known = ~np.isnan(square)
        if known.sum() < 2:
            return 1.0
        restless = self._restless(np.unique(self.phase[seams])) if self.period else 1.0
        return float(chdtrc(int(known.sum()), square[known].sum() / restless))

    def _restless(self, phases: Ints) -> float:
        """What other times of day have more than chance, 1 or more: news comes at fixed times of a day."""
        if len(phases) > FEW:
            return max(1.0, float(np.quantile(self.means, 0.9)))
        beside = np.abs(np.arange(self.period)[:, None] - phases)
        near = np.minimum(beside, self.period - beside).min(axis=1) < 2 * self.width
        return max(1.0, float(self.means[~near].max(initial=1.0)))
