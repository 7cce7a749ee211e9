"""What a finished run earned on the last of the data, which its search never saw."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bateia.backtest import Equity, bootstrap
from bateia.backtest.bootstrap import interval
from bateia.backtest.metrics import max_drawdown, periods_per_year, sharpe_ratio
from bateia.core import RunError, format_time
from bateia.core.clock import DAY
from bateia.runs import Run


@dataclass(frozen=True)
class Holdout:
    """An account over the last part of a run, which no search saw; currency from 0 at its start."""

    first: str
    """ISO 8601, UTC."""
    days: float
    gross: float
    cost: float
    net: float
    round_trips: int
    win_rate: float | None
    sharpe_net: float | None
    """Annualised by calendar time, with its 95% interval."""
    sharpe_low: float | None
    sharpe_high: float | None
    max_drawdown: float
    max_drawdown_pct: float
    """% of the run's capital."""


def holdout(run: Run, cut: int, seed: int = 0) -> Holdout:
    """The account of a run from the moment `cut` on: a position held then counts from there.

    RunError where the run tested nothing so late.
    """
    import polars as pl

    equity, trips = (pl.read_parquet(run.file(f"{name}.parquet")) for name in ("equity", "trades"))
    time = equity["time"].to_numpy()
    first = int(np.searchsorted(time, cut, side="left")) - 1
    if first >= len(time) - 2:
        raise RunError(f"the run {run.id} tested nothing from {format_time(cut)} on", hint="a larger holdout")
    first = max(first, 0)
    account = {name: equity[name].to_numpy()[first:] for name in Equity.empty().columns()}
    for name in ("gross", "net", "cost", "traded"):
        account[name] = account[name] - account[name][0]
    net = account["net"]
    trips = trips.filter(pl.col("entry_time") >= cut)
    pace = periods_per_year(Equity(**account))
    sharpe = sharpe_ratio(np.diff(net), pace)
    bounds = interval(bootstrap(np.diff(net), seed=seed).sharpe * math.sqrt(pace or 0.0))
    fall = max_drawdown(net)
    return Holdout(
        first=format_time(cut),
        days=float(account["time"][-1] - account["time"][0]) / DAY,
        gross=float(account["gross"][-1]),
        cost=float(account["cost"][-1]),
        net=float(net[-1]),
        round_trips=len(trips),
        win_rate=float(np.mean(trips["net"].to_numpy() > 0)) if len(trips) else None,
        sharpe_net=sharpe,
        sharpe_low=bounds[0] if bounds and sharpe is not None else None,
        sharpe_high=bounds[1] if bounds and sharpe is not None else None,
        max_drawdown=fall,
        max_drawdown_pct=100 * fall / run.metrics["strategy"]["financial"]["capital"],
    )
