"""Prices that stand still, and prices that jump away and come back."""

from __future__ import annotations

import math

import numpy as np

from bateia.core import Bars, Trades
from bateia.core.events import Bools, Floats
from bateia.quality.measures import local_level, runs_of
from bateia.quality.report import Check, Grade, about
from bateia.quality.seams import bar_seams, steps_between, trade_seams

FAR, WICK = 6.0, 12.0
"""Usual ranges around that a price must jump, or a wick must have, to be no price of this market."""
OFTEN = 10.0
"""Times that it must be farther than nine opens in ten are from the close before."""
BEYOND = 0.2
"""A jump of this part of the price that comes straight back is a wrong number whatever is usual."""
APART = 0.002
"""Part of the price by which a trade must stand apart: within it lie those that sweep a book."""
MANY = 0.001


def bar_jumps(bars: Bars) -> list[Check]:
    """Checks `stale`, `outliers` and `seams` of candles that are whole and in order."""
    level, into = _usual(bars), steps_between(bars)
    often = OFTEN * float(np.quantile(np.abs(into), 0.9))
    scale = np.maximum(FAR * level, often)
    return [_stale_bars(bars), _bar_outliers(bars, level, into, scale), bar_seams(bars, into, level, often)]


def trade_jumps(trades: Trades) -> list[Check]:
    """Checks `stale`, `outliers` and `seams` of trades that are whole and in order."""
    return [_stale_trades(trades), _trade_outliers(trades), trade_seams(trades)]


def stale(flat: Bools, least: int, what: str) -> Check:
    """Runs that are far longer than the share of such rows lets expect (Erdos & Renyi 1970)."""
    share = float(flat.mean())
    starts, lengths = runs_of(flat)
    if not len(lengths) or share in (0.0, 1.0):
        grade: Grade = "blocked" if share == 1.0 else "ok"
        return about("stale", grade, f"{what} in {share:.1%} of the rows", flat)
    # The runs' own rows would hide them: the share is that of the rest.
    usual = np.minimum(lengths, least)
    rest = usual.sum() / max(usual.sum() + (~flat).sum(), 1)
    expected = math.log(max(len(flat), 2)) / -math.log(max(min(rest, 0.999), 1e-9))
    longest = max(least, 4 * expected)
    long = lengths > longest
    mask = np.zeros(len(flat), np.bool_)
    for start, length in zip(starts[long], lengths[long], strict=True):
        mask[start : start + length] = True
    found = f"{what}: longest run {int(lengths.max()):,}, {longest:.0f} can be"
    return about("stale", "blocked" if mask.mean() > 0.2 else "suspect", found, mask, float(lengths.max()))


def _stale_bars(bars: Bars) -> Check:
    flat = np.append(False, bars.close[1:] == bars.close[:-1]) & (bars.high == bars.low)
    return stale(flat, 6, "no change at all")


def _stale_trades(trades: Trades) -> Check:
    """By equal parts of the trades, since a price holds for many of them; of equal times, none is stale."""
    size = max(100, len(trades) // 5_000)
    parts = len(trades) // size
    if parts < 20:
        return about("stale", "ok", "too short to tell", np.empty(0, np.int64))
    price = trades.price[: parts * size].reshape(parts, size)
    flat = (price.max(axis=1) == price.min(axis=1)) & np.append(True, price[1:, 0] == price[:-1, -1])
    check = stale(flat, 6, f"no change in {size} trades")
    rows = tuple(row * size for row in check.rows)
    return check.model_copy(update={"rows": rows, "count": check.count * size})


def _usual(bars: Bars) -> Floats:
    """The range that bars around have, above 0."""
    spread = bars.high - bars.low
    # Of two neighbours the narrower: every second bar may be wrong.
    spread = np.minimum(spread, np.append(spread[:1], spread[:-1]))
    level = np.maximum(local_level(spread), 1e-4 * bars.close * (np.median(spread) == 0))
    return np.asarray(np.maximum(level, np.median(spread) / 10))


def _bar_outliers(bars: Bars, level: Floats, into: Floats, scale: Floats) -> Check:
    """Bars that lie beside the ones before and after, or have a wick that no volume went with."""
    if len(bars) < 5:
        return about("outliers", "ok", "too short to tell", np.empty(0, np.int64))
    out = np.append(into[1:], 0.0)
    # A price in a jump's place comes back: what went in goes out, or the close alone is beside its bar.
    away = (into * out < 0) & (np.minimum(np.abs(into), np.abs(out)) > scale)
    opened, closed = _lone(bars, into, scale, True), _lone(bars, out, scale, False)
    wick = _wicks(bars, np.maximum(level, 2 * scale / WICK))
    far = _far(bars)
    bad = away | opened | closed | wick | far
    words = [
        (away | far, "bars that jump away and come back"),
        (opened | closed, "opens or closes beside all prices around"),
        (wick & ~away, "wicks that no volume went with"),
    ]
    found = "; ".join(word for mask, word in words if mask.any()) or "no jump comes straight back"
    grade: Grade = "blocked" if bad.mean() > MANY and bad.sum() >= 10 else "suspect"
    return about("outliers", grade, found, bad)


def _lone(bars: Bars, jump: Floats, scale: Floats, opens: bool) -> Bools:
    """Opens (or closes) far from the neighbour's close (open), which the bar's other end agrees with."""
    other = np.append(bars.open[0], bars.close[:-1]) if opens else np.append(bars.open[1:], bars.close[-1])
    mine, end = (bars.open, bars.close) if opens else (bars.close, bars.open)
    return np.asarray((np.abs(jump) > scale) & (np.abs(end - other) < np.abs(mine - other) / 2))


def _wicks(bars: Bars, level: Floats) -> Bools:
    top = bars.high - np.maximum(bars.open, bars.close)
    bottom = np.minimum(bars.open, bars.close) - bars.low
    with np.errstate(invalid="ignore"):
        usual = local_level(bars.volume)
        calm = (bars.volume < 2 * usual) | ~np.isfinite(usual) | (usual <= 0)
    return np.asarray((np.maximum(top, bottom) > WICK * level) & calm)


def _far(bars: Bars) -> Bools:
    """Closes that go a fifth of the price away and more than half of it back, in a bar or two."""
    move = np.diff(np.log(bars.close))
    far = np.zeros(len(bars), np.bool_)
    for span in (1, 2):
        there, back = move[:-span], move[span:]
        total = np.abs(there + back) if span == 1 else np.abs(there + move[1:-1] + back)
        hit = (np.abs(there) > BEYOND) & (there * back < 0) & (total < np.abs(there) / 2)
        for k in range(span):
            far[1 + k : len(far) - span + k][hit] = True
    return far


def _trade_outliers(trades: Trades) -> Check:
    """Prices far from the three before and the three after, which agree with each other."""
    price = trades.price
    if len(trades) < 50:
        return about("outliers", "ok", "too short to tell", np.empty(0, np.int64))
    near = np.lib.stride_tricks.sliding_window_view(price, 7)
    lower = np.minimum(near[:, :3].min(axis=1), near[:, 4:].min(axis=1))
    upper = np.maximum(near[:, :3].max(axis=1), near[:, 4:].max(axis=1))
    beside = np.maximum(price[3:-3] - upper, lower - price[3:-3])
    changes = np.abs(np.diff(price))
    floor = float(np.median(changes[changes > 0])) if changes.any() else 0.0
    level = np.maximum(local_level(upper - lower), floor)
    bad = np.zeros(len(price), np.bool_)
    bad[3:-3] = beside > np.maximum(FAR * level, np.maximum(5 * floor, APART * price[3:-3]))
    found = "prices beside all those around" if bad.any() else "no jump comes straight back"
    return about("outliers", "blocked" if bad.mean() > MANY and bad.sum() >= 10 else "suspect", found, bad)
