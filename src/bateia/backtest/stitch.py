"""Several backtests of one account after one another, as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from bateia.backtest.simulate import Backtest
from bateia.backtest.tables import Equity, RoundTrips
from bateia.core import DataError
from bateia.trading import Charges, Fills, Orders

_STATES = {"time", "position"}
"""Columns of the equity table that do not count from 0."""


def stitched(parts: Sequence[Backtest]) -> Backtest:
    """The account of each part begun where the one before ended, flat; capital and broker are the first's.

    DataError for parts that overlap in time, or for none.
    """
    if not parts:
        raise DataError("no backtests to stitch", allowed="one or more")
    for one, other in pairwise(parts):
        if other.equity.time[0] < one.equity.time[-1]:
            raise DataError("backtests that overlap in time", allowed="each after the one before it")
    equity, unfilled, rows = [], [], 0
    total = {name: 0.0 for name in Equity.empty().columns() if name not in _STATES}
    for part in parts:
        columns = part.equity.columns()
        moved = {name: columns[name] + before for name, before in total.items()}
        equity.append(Equity(**columns | moved))
        total = {name: float(column[-1]) for name, column in moved.items()}
        unfilled.append(replace(part.unfilled, row=part.unfilled.row + rows))
        rows += len(part.equity)
    return replace(
        parts[0],
        fills=Fills.concat([part.fills for part in parts]),
        trips=RoundTrips.concat([part.trips for part in parts]),
        equity=Equity.concat(equity),
        unfilled=Orders.concat(unfilled),
        closed_at_end=bool(np.any([part.closed_at_end for part in parts])),
        charges=Charges.concat([part.charges for part in parts]),
        refused=sum(part.refused for part in parts),
        allowed=None,
    )
