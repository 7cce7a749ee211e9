"""All checks on a data set, in one report."""

from __future__ import annotations

import numpy as np

from bateia.core import Bars, DataError, Trades
from bateia.core.events import Bools, Ints
from bateia.quality.clocks import believable, clock_checks
from bateia.quality.gaps import gap_checks
from bateia.quality.generated import bar_tests
from bateia.quality.generated_trades import trade_tests
from bateia.quality.grids import grid_checks
from bateia.quality.jumps import bar_jumps, trade_jumps
from bateia.quality.report import Check, QualityReport
from bateia.quality.rows import bar_rows, possible, trade_rows
from bateia.quality.volumes import volume_check


def inspect_bars(
    bars: Bars, *, weekend: bool | None = None, tick: float | None = None, lot: float | None = None
) -> QualityReport:
    """Every check on candles; `weekend` says whether the market trades on one, `tick` and `lot` its grids.

    What is None of these is told from the data.

    What needs whole candles in order looks at those that are: the report's rows are the data's own, from 0.
    DataError for no rows.
    """
    _some(bars)
    rows = bar_rows(bars)
    low, top = np.minimum(bars.open, bars.close), np.maximum(bars.open, bars.close)
    with np.errstate(invalid="ignore"):
        whole = (bars.high >= top) & (bars.low <= low) & (bars.volume >= 0) & np.isfinite(bars.volume)
    for price in (bars.open, bars.high, bars.low, bars.close):
        whole &= possible(price)
    found = [*rows, *clock_checks(bars), *_missing(bars, weekend)]
    where = _order(bars, whole)
    clean = bars[where]
    if len(clean):
        grids = grid_checks(clean, tick, lot)
        later = [*grids, *bar_jumps(clean), volume_check(clean)]
        found += [_back(check, where) for check in later] + bar_tests(clean, grids)
    return QualityReport(kind="bars", rows=len(bars), checks=tuple(found))


def inspect_trades(
    trades: Trades, *, weekend: bool | None = None, tick: float | None = None, lot: float | None = None
) -> QualityReport:
    """Every check on trades; see `inspect_bars`."""
    _some(trades)
    found = [*trade_rows(trades), *clock_checks(trades), *_missing(trades, weekend)]
    where = _order(trades, possible(trades.price) & possible(trades.size))
    clean = trades[where]
    if len(clean):
        grids = grid_checks(clean, tick, lot)
        later = [*grids, *trade_jumps(clean)]
        found += [_back(check, where) for check in later] + trade_tests(clean, grids)
    return QualityReport(kind="trades", rows=len(trades), checks=tuple(found))


def _some(events: Bars | Trades) -> None:
    if not len(events):
        raise DataError("no rows to inspect", allowed="at least one")


def _missing(events: Bars | Trades, weekend: bool | None) -> list[Check]:
    """The checks of gaps and of the calendar, whatever the rows hold."""
    where = _order(events, np.ones(len(events), np.bool_))
    return [_back(check, where) for check in gap_checks(events[where], weekend)] if len(where) else []


def _order(events: Bars | Trades, whole: Bools) -> Ints:
    """The rows that are whole and of this world, by time; of candles at one time the first."""
    rows = np.flatnonzero(whole & believable(events))
    time = events.time[rows]
    if (np.diff(time) < 0).any():
        rows = rows[np.argsort(time, kind="stable")]
        time = events.time[rows]
    if isinstance(events, Bars):
        rows = rows[np.append(True, np.diff(time) > 0)[: len(rows)]]
    return rows


def _back(check: Check, where: Ints) -> Check:
    """The same check, its rows those of the whole data."""
    return check.model_copy(update={"rows": tuple(int(where[row]) for row in check.rows)})
