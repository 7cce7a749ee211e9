"""All checks on a book that was replayed: its messages, clocks and levels, and whether a market made it."""

from __future__ import annotations

import math
import time as wall

import numpy as np
from scipy.special import chdtrc

from bateia.core import format_duration
from bateia.core.clock import DAY, MILLISECOND, MINUTE, SECOND
from bateia.core.events import Floats, Ints
from bateia.quality.clocks import FIRST_MARKET, UNIT
from bateia.quality.generated import volume_shape
from bateia.quality.generated_trades import favourites
from bateia.quality.grids import grid_of_rows
from bateia.quality.jumps import stale
from bateia.quality.measures import excess_kurtosis, grid_of, normality
from bateia.quality.report import Check, Grade, QualityReport, about
from bateia.quality.seen import SeenBook
from bateia.quality.signs import SURE, generated, told

FEWEST = 100
"""Changes, or looks at the best prices, below which nothing is said of where they come from."""
STEP, BEHIND = 5 * SECOND, 10 * MILLISECOND
"""How far our clock may move against the exchange's, and be behind it: that moves no decision."""
STILL = 600
"""Looks in a row, a minute of them, at a best price that does not move while messages come."""
DUST = 1e-4
"""Share of sizes that an exchange itself leaves off its lot."""
NONE: Ints = np.empty(0, np.int64)


def inspect_book(book: SeenBook, lot: float | None = None) -> QualityReport:
    """Every check on a book; rows are its messages, from 0. A `lot` that is None is told from the sizes."""
    checks = [
        *_messages(book),
        *clocks(book.time, book.received),
        _snapshot(book),
        _grid(book),
        _lots(book, lot),
    ]
    if len(book.top):
        checks.append(_stale(book))
    checks += _tests(book, [check for check in checks if check.sign])
    rows = len(book.time) + (book.snapshots if book.apart else 0)
    return QualityReport(kind="book", rows=rows, checks=tuple(checks))


def _messages(book: SeenBook) -> list[Check]:
    """What the replay found: a fault that breaks the book blocks, a message said twice is only suspect."""
    kinds: dict[str, tuple[Grade, tuple[str, ...], str]] = {
        "messages": ("blocked", ("malformed", "unreadable", "refused"), "every message can be read"),
        "ids": ("blocked", ("gap", "reset"), "no id is left out"),
        "repeats": ("suspect", ("stale", "overflow"), "each message once"),
        "crossed": ("blocked", ("crossed",), "the best bid is always below the best ask"),
        "gaps": ("suspect", ("silence",), "never silent for a minute"),
    }
    made = []
    for name, (grade, faults, fine) in kinds.items():
        count = sum(book.faults.counts.get(fault, 0) for fault in faults)
        lines = [fault for fault in book.faults.listed if fault.kind in faults]
        found = (
            fine
            if not lines
            else f"line {lines[0].line}: {lines[0].what}"
            if lines[0].line
            else lines[0].what
        )
        rows = tuple(fault.line - 1 for fault in lines[:10] if fault.line)
        made.append(Check(name=name, grade=grade if count else "ok", found=found, rows=rows, count=count))
    if book.crossed and made[3].grade == "ok":
        found = "a snapshot whose best bid is not below its best ask"
        made[3] = Check(name="crossed", grade="blocked", found=found, count=book.crossed)
    if book.repeated:
        found = "changes whose ids came before: said twice, or late"
        made[2] = Check(name="repeats", grade="suspect", found=found, count=book.repeated)
    if book.refused:
        made[0] = Check(name="messages", grade="blocked", found=book.refused, count=1)
    return made


def clocks(time: Ints, received: Ints) -> list[Check]:
    """Checks `order`, `clock` and `latency` of messages: when they were sent, and when they came."""
    step = np.diff(time)
    back = np.append(False, step < 0)[: len(time)]
    found = f"times run backwards, by up to {format_duration(-int(step.min()))}" if back.any() else ""
    checks = [about("order", "blocked", found or "oldest first", back)]
    usual = float(np.median(time)) if len(time) else 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = (time > usual * UNIT) | (time < usual / UNIT)
    masks = [unit, time > wall.time() * 1e6 + DAY, time < FIRST_MARKET]
    words = ("times of another unit than the rest", "times of the future", "times before 1980: another unit?")
    told_ = "; ".join(word for mask, word in zip(masks, words, strict=True) if mask.any())
    bad = np.logical_or.reduce(masks)
    checks.append(about("clock", "blocked", told_ or "times of one unit, none of the future", bad))
    if len(received) == len(time) and len(time) and (received != time).any():
        checks.append(_latency(received - time))
    return checks


def _latency(late: Ints) -> Check:
    """Our clock less the exchange's: of another unit, moved in between, or behind."""
    usual = int(np.median(late))
    far = np.abs(late) > DAY
    if far.any():
        return about("latency", "blocked", "our clock and the exchange's are of different units or days", far)
    size = max(len(late) // 50, 10)
    parts = np.array([np.median(part) for part in np.split(late, range(size, len(late), size))])
    # The backlog of a connection just made is delay, not a clock.
    moved = np.flatnonzero((np.diff(parts) < -STEP) | (np.abs(np.diff(parts)) > MINUTE)) * size + size
    if len(moved):
        found = f"our clock moves against the exchange's by {format_duration(int(np.ptp(parts)))}"
        return about("latency", "suspect", found, moved)
    if usual < -BEHIND:
        found = (
            f"messages come {format_duration(-usual)} before they were sent: our clock is behind, constantly"
        )
        return Check(name="latency", grade="ok", found=found, measure=usual / MILLISECOND)
    found = f"messages come {usual / MILLISECOND:.1f} ms after they were sent"
    return Check(name="latency", grade="ok", found=found, measure=usual / MILLISECOND)


def _snapshot(book: SeenBook) -> Check:
    if book.early:
        found = f"{book.early:,} changes are left out for want of a snapshot before them, or since a break"
        return Check(name="snapshot", grade="suspect", found=found, count=book.early, rows=(0,))
    if not book.snapshots:
        found = "no snapshot: the changes alone make no book"
        return Check(name="snapshot", grade="suspect", found=found)
    if len(book.time) > FEWEST and not len(book.top) and not book.refused:
        found = "no snapshot meets the changes: there is never a whole book"
        return Check(name="snapshot", grade="blocked", found=found)
    return Check(name="snapshot", grade="ok", found="a snapshot, and the changes that follow it")


def _grid(book: SeenBook) -> Check:
    if not len(book.prices):
        return about("ticks", "ok", "no prices", NONE)
    if not book.tick:
        return Check(name="ticks", grade="suspect", found="prices keep no grid", sign=2.0)
    off = int(grid_of_rows(book.prices, book.tick).sum())
    found = (
        f"{off:,} prices off the grid of {book.tick:g}" if off else f"prices are multiples of {book.tick:g}"
    )
    return Check(name="ticks", grade="blocked" if off else "ok", found=found, count=off, measure=book.tick)


def _lots(book: SeenBook, given: float | None) -> Check:
    if given:
        odd = int(grid_of_rows(book.sizes, given).sum())
        found = f"{odd:,} sizes are no multiples of {given:g}" if odd else f"sizes are multiples of {given:g}"
        return Check(name="lots", grade="blocked" if odd else "ok", found=found, count=odd, measure=given)
    if len(book.sizes) < FEWEST:
        return about("lots", "ok", "too few levels to tell", NONE)
    lot, off = grid_of(book.sizes)
    if not lot:
        return Check(name="lots", grade="ok", found="sizes keep no grid", sign=1.0)
    count = int(off.sum())
    grade: Grade = "suspect" if off.mean() > DUST else "ok"
    found = f"{count:,} sizes off the grid of {lot:g}" if count else f"sizes are multiples of {lot:g}"
    return Check(name="lots", grade=grade, found=found, count=count, measure=lot)


def _stale(book: SeenBook) -> Check:
    """Best prices, looked at every tenth of a second, that do not move for long although messages come."""
    top = book.top
    flat = np.append(False, (np.diff(top.bid_price[:, 0]) == 0) & (np.diff(top.ask_price[:, 0]) == 0))
    if len(flat) < 2 * STILL or flat[1:].all():
        return about("stale", "ok", "too short to tell", NONE)
    check = stale(flat, STILL, "no move of the best prices")
    where = tuple(int(np.searchsorted(book.time, top.time[row])) for row in check.rows)
    return check.model_copy(update={"rows": where})


def _tests(book: SeenBook, grids: list[Check]) -> list[Check]:
    tests = [_bursts(book.changed)]
    if len(book.sizes) >= FEWEST:
        tests += [volume_shape(book.sizes), favourites(book.sizes)]
    if len(book.top) >= 2 * FEWEST:
        tests.append(_quiet((book.top.bid_price[:, 0] + book.top.ask_price[:, 0]) / 2))
    return [*tests, generated([*grids, *tests])]


def _bursts(changed: Ints) -> Check:
    """p-value of "as many levels change as by chance" (Fisher's dispersion); markets come in bursts."""
    if len(changed) < FEWEST or not changed.any():
        return told("bursts", math.nan, math.nan, 0.0, "", "too few changes to tell")
    mean = float(changed.mean())
    dispersion = float(changed.var()) / mean
    p = float(chdtrc(len(changed) - 1, dispersion * len(changed)))
    odd, usual = "changes come without any rush", "changes come in bursts"
    return told("bursts", p, dispersion, 2.0 if p > SURE else 0.0, odd, usual)


def _quiet(mid: Floats) -> Check:
    """p-value of "moves of the middle are normal"; the measure is the share of looks without a move."""
    change = np.diff(mid)
    p, still = normality(change), float((change == 0).mean())
    thin = change.any() and (p > SURE or excess_kurtosis(change) < 0.5)
    odd = "the middle of the book walks at random" if thin else "the best prices never rest"
    sign = 2.0 * thin + 1.5 * (still < 0.1)
    return told("moves", p, still, sign, odd, "the best prices rest, and leap at times")
