"""What the day and people's love of round numbers leave in real data."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import chdtrc, gammaincc
from scipy.stats import rankdata

from bateia.core.clock import DAY, HOUR
from bateia.core.events import Floats, Ints

DAYS, TURNS = 10, 400
"""Fewest whole days that tell a season, and how often they are turned at random."""
HOURS = 24


def season(time: Ints, amount: Floats) -> tuple[float, float]:
    """p-value of "no hour of the day is busier than another", and how many times chance it is; NaN unknown.

    Every day's hours are turned by a random number of hours, which leaves how the hours of a day hang
    together and takes the time of day from them (circular shifts, after Harrison & Geman 2009). A gamma
    distribution with the mean and variance of 400 such turns gives the p-value.
    """
    days = _days(time, amount)
    if len(days) < DAYS:
        return math.nan, math.nan
    waves = np.fft.rfft(days - days.mean(axis=1, keepdims=True), axis=1)
    turns = np.random.default_rng(0).integers(0, HOURS, (TURNS, len(days)))
    hours = np.arange(HOURS)[:, None]
    turned = np.exp(-2j * np.pi * np.arange(waves.shape[1]) * hours / HOURS)[turns]
    null = (np.abs(np.einsum("dk,tdk->tk", waves, turned)) ** 2).sum(axis=1)
    found = float((np.abs(waves.sum(axis=0)) ** 2).sum())
    mean, variance = float(null.mean()), float(null.var())
    if variance <= 0:
        return math.nan, math.nan
    return float(gammaincc(mean**2 / variance, found * mean / variance)), found / mean


def _days(time: Ints, amount: Floats) -> Floats:
    """Mean rank of the amounts by hour, shape (whole days, 24); hours that never trade count as the least."""
    first = int(time[0] // DAY)
    days = int(time[-1] // DAY) - first + 1
    if not DAYS <= days <= 100_000:
        return np.empty((0, HOURS))
    hour = (time // HOUR - first * HOURS).astype(np.int64)
    rows = np.bincount(hour, minlength=days * HOURS).reshape(days, HOURS)
    ranks = np.bincount(hour, rankdata(amount), days * HOURS).reshape(days, HOURS)
    # A session's hours are the season itself; the first and the last day may be cut.
    whole = (rows > 0).sum(axis=1) >= 0.9 * np.median((rows > 0).sum(axis=1))
    if np.median((rows > 0).sum(axis=1)) < 6:
        return np.empty((0, HOURS))
    return np.asarray((ranks / np.maximum(rows, 1))[whole])


def round_numbers(high: Floats, low: Floats, tick: float) -> float:
    """p-value of "no last digit is liked more than another" (Harris 1991); NaN where there is no tick.

    Highs stop just below round prices and lows just above, so each has a chi-square of its own, by what is
    left of a price in ticks at every round number from 4 to 400 ticks; the least p-value, times how many.
    """
    if not tick:
        return math.nan
    tests = []
    steps = [np.round(_changed(price) / tick).astype(np.int64) for price in (high, low)]
    for ticks in _rounds(tick):
        if min(map(len, steps)) < 5 * ticks:
            continue
        total = sum(_uneven(part % ticks, ticks) for part in steps)
        tests.append(float(chdtrc(2 * (ticks - 1), total)))
    return min(1.0, len(tests) * min(tests)) if tests else math.nan


def _changed(price: Floats) -> Floats:
    return price[np.append(True, np.diff(price) != 0)] if len(price) else price


def _rounds(tick: float) -> list[int]:
    """Round numbers of prices, as ticks: of a tick of 0.25 these are 4 (one), 20 (five), 40 (ten), …"""
    sizes = [base * 10.0**power / tick for power in range(-10, 10) for base in (1, 5)]
    return [round(size) for size in sizes if 3.5 < size < 400.5 and abs(size - round(size)) < 1e-6]


def _uneven(classes: Ints, count: int) -> float:
    expected = len(classes) / count
    return float(((np.bincount(classes, minlength=count) - expected) ** 2).sum() / expected)
