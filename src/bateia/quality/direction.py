"""Which way time runs: what a sound series does forwards only."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import bdtrc, ndtr

from bateia.core import Bars
from bateia.core.clock import HOUR, MINUTE
from bateia.core.events import Floats
from bateia.quality.clocks import rhythm
from bateia.quality.report import Check
from bateia.quality.signs import SURE, told

HOURS = 100
"""Fewest hours that tell how they begin."""
UNSEEN = 0.01
"""A p-value above which full hours are not seen to leap."""
BATCH = 25
"""Changes that are taken together, since neighbours are not independent."""


def joins(bars: Bars) -> list[Check]:
    """p-value of "an open is as near to the bar's other end as to the close before", of the wider bars.

    Prices go on where they were: the step from a close to the next open is a small part of a bar. The measure
    is the share of opens that are nearer to the close before than half the bar's range.
    """
    step = rhythm(bars.time)
    if not 0 < step <= HOUR:  # over a night or a weekend prices do move
        return []
    spread = np.minimum(bars.high - bars.low, np.append(0.0, (bars.high - bars.low)[:-1]))
    joined = np.append(False, np.diff(bars.time) == step) & (spread > 0)
    joined &= spread >= np.median(spread[joined]) if joined.any() else False
    near = np.abs(bars.open - np.append(0.0, bars.close[:-1]))[joined] < spread[joined] / 2
    if len(near) < BATCH:
        return []
    p = float(bdtrc(int(near.sum()) - 1, len(near), 0.5))
    odd = "bars do not begin where the one before ended"
    sign = 4.0 if p > SURE else 0.0
    return [told("joins", p, float(near.mean()), sign, odd, "bars begin where the one before ended")]


def rise(bars: Bars) -> Check:
    """p-value of "volume falls as suddenly as it rises"; the measure is the cubed change, in deviations.

    News come at a moment and fade: changes of log volume are skewed upwards (Zumbach 2009 on such arrows of
    time). Only what is skewed the other way speaks against data.
    """
    change = np.diff(np.log(bars.volume[bars.volume > 0]))
    scale = float(np.quantile(np.abs(change), 0.68)) if len(change) else 0.0
    if len(change) < 20 * BATCH or scale <= 0:
        return told("rise", math.nan, math.nan, 0.0, "", "too few volumes to tell")
    p, measure = _batches(np.clip(change / scale, -5, 5) ** 3)
    odd = "volume rises slowly and falls suddenly: turned round in time?"
    return told("rise", p, measure, 2.5 if p > 1 - SURE else 0.0, odd, "volume does not fall more suddenly")


def _batches(x: Floats) -> tuple[float, float]:
    """p-value of "the mean is not above 0", by means of batches, and the mean."""
    means = x[: len(x) // BATCH * BATCH].reshape(-1, BATCH).mean(axis=1)
    error = float(means.std(ddof=1)) / math.sqrt(len(means))
    return float(ndtr(-means.mean() / error)) if error > 0 else 1.0, float(means.mean())


def hours(bars: Bars) -> Check:
    """p-value of "no bar of the hour, but of its quarters, trades more than the one before".

    Orders are timed to the full hour and its quarters (Broussard & Nikiforov 2014): volume leaps there. Where
    it leaps at another minute instead, times are some bars off or run backwards. The measure is the share of
    hours whose first bar trades more than the bar before.
    """
    step = rhythm(bars.time)
    none = told("hours", math.nan, math.nan, 0.0, "", "too short to tell where hours begin")
    if not 0 < step <= 5 * MINUTE or HOUR % step:
        return none
    place = bars.open_time[1:] % HOUR // step
    change = np.diff(bars.volume)
    here = (np.diff(bars.time) == step) & (change != 0)
    count = np.bincount(place[here], minlength=HOUR // step)
    more = np.bincount(place[here & (change > 0)], minlength=HOUR // step)
    if count.min() < HOURS:
        return none
    chance = bdtrc(more - 1, count, 0.5)
    quarter = np.arange(len(count)) * step % (15 * MINUTE) == 0
    other = int(np.argmin(np.where(quarter, 1.0, chance)))
    p = min(1.0, float(chance[other]) * int((~quarter).sum()))
    leaps = p < SURE and chance[0] > UNSEEN
    odd = f"volume leaps {other * step // MINUTE} minutes past the hour: times off, or turned round?"
    return told(
        "hours", p, float(more[0] / count[0]), 2.5 if leaps else 0.0, odd, "hours begin when they should"
    )
