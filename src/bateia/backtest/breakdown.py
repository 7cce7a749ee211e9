"""The same numbers by fold, hour, weekday, period, regime or symbol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from bateia.backtest.account import part, whole
from bateia.backtest.financial import numbers
from bateia.backtest.grouping import Grouping, by_fold, by_hour, by_period, by_weekday
from bateia.backtest.numbers import Group
from bateia.backtest.predictive import predictive
from bateia.backtest.simulate import Backtest
from bateia.core import Bars, DataError
from bateia.core.events import Ints
from bateia.splits import Path

GROUP_DRAWS = 200
"""Resamples a group: its intervals are coarser than the whole's, and there are many groups."""


def breakdown(
    backtest: Backtest,
    groups: npt.ArrayLike,
    names: Sequence[str],
    *,
    bars: Bars | None = None,
    score: npt.ArrayLike | None = None,
    value: npt.ArrayLike | None = None,
    ret: npt.ArrayLike | None = None,
    probability: npt.ArrayLike | None = None,
    draws: int = GROUP_DRAWS,
    seed: int = 0,
) -> list[Group]:
    """The numbers of each group of bars that has any, in the order of `names`; all arguments one row a bar.

    `groups[i]` is bar i's place in `names`, -1 for none. A profit belongs to the bar in which it was made, a
    fill to the bar that books it, a round trip to the bar of its entry: profits, costs, fills and round trips
    of the groups add up to the whole's. Where every bar has a group, nothing is missing. Annualised by the
    calendar time from a group's first bar to its last.
    Raises DataError for columns of another length and for groups that have no name.
    """
    n, number = len(backtest.equity), np.asarray(groups, np.int64)
    columns = {"score": score, "value": value, "ret": ret, "probability": probability}
    given = {name: np.asarray(c, np.float64) for name, c in columns.items() if c is not None}
    _check(n, number, names, {name: len(column) for name, column in given.items()})
    account = whole(backtest, bars)
    entry = np.searchsorted(backtest.equity.time, account.trips.entry_time)
    members, trips = _members(number, len(names)), _members(number[entry], len(names))
    skilled = {"score", "value", "ret"} <= given.keys()
    found = []
    for k, rows in enumerate(members):
        if not len(rows):
            continue
        seen = {name: column[rows] for name, column in given.items()}
        found.append(
            Group(
                name=names[k],
                financial=numbers(part(account, rows, trips[k]), draws, seed),
                predictive=predictive(**seen, draws=draws, seed=seed) if skilled else None,
            )
        )
    return found


def breakdowns(
    backtest: Backtest,
    *,
    path: Path | None = None,
    rows: slice | None = None,
    more: Mapping[str, Grouping] | None = None,
    bars: Bars | None = None,
    score: npt.ArrayLike | None = None,
    value: npt.ArrayLike | None = None,
    ret: npt.ArrayLike | None = None,
    probability: npt.ArrayLike | None = None,
    draws: int = GROUP_DRAWS,
    seed: int = 0,
) -> dict[str, list[Group]]:
    """`breakdown` by fold, hour, weekday, period, and any `more`, such as `{"regime": by_name(regimes)}`.

    Folds where a `path` says which fold's model decided which bars; `rows` are the backtest's bars among
    those that the path counts, by default the first ones.
    """
    time = backtest.equity.time
    groupings = {
        "hour": by_hour(time),
        "weekday": by_weekday(time),
        "period": by_period(time),
        **(more or {}),
    }
    if path:
        groupings = {"fold": by_fold(path, rows or slice(0, len(time))), **groupings}
    return {
        name: breakdown(
            backtest,
            *grouping,
            bars=bars,
            score=score,
            value=value,
            ret=ret,
            probability=probability,
            draws=draws,
            seed=seed,
        )
        for name, grouping in groupings.items()
    }


def side_by_side(
    backtests: Mapping[str, Backtest],
    *,
    bars: Mapping[str, Bars] | None = None,
    draws: int = GROUP_DRAWS,
    seed: int = 0,
) -> list[Group]:
    """The numbers of several backtests by name, such as each symbol's part of one account.

    `bars`, by the same names, give the capacities.
    """
    return [
        Group(name=name, financial=numbers(whole(run, (bars or {}).get(name)), draws, seed))
        for name, run in backtests.items()
    ]


def _members(number: Ints, count: int) -> list[Ints]:
    """Rows of each group, in time order, from one sort."""
    order = np.argsort(number, kind="stable")
    edges = np.searchsorted(number[order], np.arange(count + 1))
    return [order[edges[k] : edges[k + 1]] for k in range(count)]


def _check(bars: int, number: Ints, names: Sequence[str], lengths: Mapping[str, int]) -> None:
    wrong = {name: length for name, length in {"groups": len(number), **lengths}.items() if length != bars}
    if wrong:
        listed = ", ".join(f"{length} rows of {name}" for name, length in wrong.items())
        raise DataError(f"{listed} for {bars} bars", allowed="one row a bar")
    bad = np.flatnonzero((number < -1) | (number >= len(names)))
    if len(bad):
        raise DataError(
            f"bar {bad[0]} is of group {number[bad[0]]}", allowed=f"-1 for none, or 0 to {len(names) - 1}"
        )
    if len(set(names)) < len(names):
        raise DataError(f"two groups of one name among {', '.join(names)}", allowed="a name each")
