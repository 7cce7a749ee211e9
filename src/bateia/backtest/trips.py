"""Round trips in numbers, most of them from one pass of the bootstrap."""

from __future__ import annotations

from typing import Any

import numpy as np

from bateia.backtest.bootstrap import column_means, draws_for, interval, optimal_block
from bateia.backtest.estimates import estimate, mean, quotient, varies
from bateia.backtest.numbers import Bounds
from bateia.backtest.tables import RoundTrips
from bateia.core.events import Floats


def of_trips(
    trips: RoundTrips, draws: int | None = None, seed: int = 0
) -> tuple[dict[str, Any], dict[str, Bounds | None]]:
    """Fields of `Financial` about round trips, and the intervals of the plain ones; trips by time of exit."""
    found: dict[str, Any] = {
        "round_trips": len(trips),
        "gross_bp": mean(trips.gross_bp, draws, seed),
        "net_bp": mean(trips.net_bp, draws, seed),
        "cost_bp": float(np.mean(trips.gross_bp - trips.net_bp)) if len(trips) else None,
        "win_rate": float(np.mean(trips.net > 0)) if len(trips) else None,
        "profit_factor": None,
    }
    if not len(trips):
        return found, {}
    won, lost = trips.net[trips.net > 0].sum(), -trips.net[trips.net < 0].sum()
    found["profit_factor"] = float(won / lost) if lost > 0 else None
    columns = _columns(trips)
    known = {name: varies(column) for name, column in columns.items()}
    drawn = _drawn(trips, columns, draws, seed)
    bounds = {name: interval(drawn[name]) if known[name] else None for name in columns}
    found["expectancy"] = estimate(float(np.mean(trips.net)), bounds["expectancy"])
    found["correct_rate"] = estimate(float(np.mean(trips.gross > 0)), bounds["correct_rate"])
    factor = None
    if found["profit_factor"] is not None and known["expectancy"]:
        # A running sum's rounding must not pass for a loss.
        lost_again = np.where(drawn["lost"] > 1e-9 * lost / len(trips), drawn["lost"], 0.0)
        factor = interval(quotient(np.maximum(drawn["won"], 0.0), lost_again))
    return found, {"win_rate": bounds["win_rate"], "profit_factor": factor}


def _columns(trips: RoundTrips) -> dict[str, Floats]:
    return {
        "expectancy": trips.net,
        "correct_rate": (trips.gross > 0).astype(np.float64),
        "win_rate": (trips.net > 0).astype(np.float64),
        "won": np.maximum(trips.net, 0.0),
        "lost": np.maximum(-trips.net, 0.0),
    }


def _drawn(trips: RoundTrips, columns: dict[str, Floats], draws: int | None, seed: int) -> dict[str, Floats]:
    block, count = optimal_block(trips.net_bp), draws_for(len(trips), draws)
    means = column_means(np.stack(list(columns.values()), axis=1), block, count, seed)
    return dict(zip(columns, means.T, strict=True))
