"""The 158 features of Alpha158 against the published formulas in plain NumPy."""

import numpy as np
import pytest

from bateia.features import Plan, library
from bateia.testing.operators import generated_market

MARKET = generated_market(1500, 8)
WINDOWS = (5, 10, 20, 30, 60)
TINY = 1e-12


def ref(x, n):
    """x as it was n bars ago."""
    return np.concatenate([np.full(n, np.nan), x[:-n]])


def rolling(x, n):
    """A row a bar with the window's values, the oldest first; NaN where there are too few."""
    padded = np.concatenate([np.full(n - 1, np.nan), x])
    return np.lib.stride_tricks.sliding_window_view(padded, n)


def line(w):
    """Slope, R2 and last residual of the least-squares line through each row."""
    n = w.shape[1]
    t = np.arange(1, n + 1) - (n + 1) / 2
    centred = w - w.mean(1, keepdims=True)
    slope = centred @ t / (t @ t)
    r2 = (centred @ t) ** 2 / ((t @ t) * (centred**2).sum(1))
    return slope, r2, centred[:, -1] - slope * t[-1]


def correlation(a, b, n):
    u, v = rolling(a, n), rolling(b, n)
    u, v = u - u.mean(1, keepdims=True), v - v.mean(1, keepdims=True)
    return (u * v).sum(1) / np.sqrt((u**2).sum(1) * (v**2).sum(1))


def percentile(w):
    """Share of the window at or below its newest value, the middle of equals."""
    own = w[:, -1:]
    return ((w < own).sum(1) + ((w == own).sum(1) + 1) / 2) / w.shape[1]


def candle(m):
    o, h, lo, c = (m[name] for name in ("open", "high", "low", "close"))
    span, top, bottom = h - lo + TINY, np.maximum(o, c), np.minimum(o, c)
    return {
        "kmid": (c - o) / o,
        "klen": (h - lo) / o,
        "kmid2": (c - o) / span,
        "kup": (h - top) / o,
        "kup2": (h - top) / span,
        "klow": (bottom - lo) / o,
        "klow2": (bottom - lo) / span,
        "ksft": (2 * c - h - lo) / o,
        "ksft2": (2 * c - h - lo) / span,
    } | {f"{name}0": m[name] / c for name in ("open", "high", "low", "vwap")}


def price(m, n):
    h, lo, c = m["high"], m["low"], m["close"]
    w, highs, lows = rolling(c, n), rolling(h, n), rolling(lo, n)
    slope, r2, residual = line(w)
    # The first of equals, counted from 1 at the oldest bar.
    at_high, at_low = highs.argmax(1) + 1, lows.argmin(1) + 1
    return {
        "roc": ref(c, n) / c,
        "ma": w.mean(1) / c,
        "std": w.std(1, ddof=1) / c,
        "beta": slope / c,
        "rsqr": r2,
        "resi": residual / c,
        "max": highs.max(1) / c,
        "min": lows.min(1) / c,
        "qtlu": np.quantile(w, 0.8, axis=1) / c,
        "qtld": np.quantile(w, 0.2, axis=1) / c,
        "rank": percentile(w),
        "rsv": (c - lows.min(1)) / (highs.max(1) - lows.min(1) + TINY),
        "imax": at_high / n,
        "imin": at_low / n,
        "imxd": (at_high - at_low) / n,
    }


def moves(x, n, prefix):
    """Rises, falls and their difference as shares of all changes."""
    change = x - ref(x, 1)
    up, down = rolling(np.maximum(change, 0), n).sum(1), rolling(np.maximum(-change, 0), n).sum(1)
    every = rolling(np.abs(change), n).sum(1) + TINY
    return {f"{prefix}sump": up / every, f"{prefix}sumn": down / every, f"{prefix}sumd": (up - down) / every}


def volume(m, n):
    c, v = m["close"], m["volume"]
    before, w = ref(c, 1), rolling(v, n)
    higher, lower = rolling(c > before, n).mean(1), rolling(c < before, n).mean(1)
    heavy = rolling(np.abs(c / before - 1) * v, n)
    return {
        "corr": correlation(c, np.log(v + 1), n),
        "cord": correlation(c / before, np.log(v / ref(v, 1) + 1), n),
        "cntp": higher,
        "cntn": lower,
        "cntd": higher - lower,
        "vma": w.mean(1) / (v + TINY),
        "vstd": w.std(1, ddof=1) / (v + TINY),
        "wvma": heavy.std(1, ddof=1) / (heavy.mean(1) + TINY),
    }


def published(m):
    found = candle(m)
    for n in WINDOWS:
        rolled = price(m, n) | volume(m, n) | moves(m["close"], n, "") | moves(m["volume"], n, "v")
        found |= {f"{name}{n}": values for name, values in rolled.items()}
    return {f"a158_{name}": values for name, values in found.items()}


EXPECTED = published(MARKET)
PLAN = Plan({name: feature.formula for name, feature in library("alpha158").items()})
GOT = PLAN.run(MARKET)


def test_there_are_158_of_them():
    assert len(EXPECTED) == 158
    assert set(library("alpha158")) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_same_as_published(name):
    warm = PLAN.warmup[name].rows
    assert np.isnan(GOT[name][:warm]).all()
    assert warm <= 61
    np.testing.assert_allclose(GOT[name][warm:], EXPECTED[name][warm:], rtol=1e-9, atol=1e-12)


def test_the_oldest_of_equal_extremes_counts():
    flat = {name: np.full(80, 10.0) for name in ("high", "low")}
    features = {name: library("alpha158")[f"a158_{name}30"].formula for name in ("imax", "imin", "imxd")}
    found = Plan(features).run(flat)
    assert found["imax"][-1] == found["imin"][-1] == 1 - 29 / 30
    assert found["imxd"][-1] == 0
