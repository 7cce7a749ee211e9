"""Trades of many backtests in one table, and samples of them with as many successes as failures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bateia.core import ConfigError, DataError
from bateia.core.events import Bytes, Ints
from bateia.sources.kryporacle.backtest import Backtest
from bateia.sources.kryporacle.phases import PHASES, find_phases, phase_at

if TYPE_CHECKING:
    import polars as pl


def trade_table(backtests: Sequence[Backtest], window: int = 100, spread: float = 1.0) -> pl.DataFrame:
    """Trades of all backtests by entry: strategy, symbol, the columns of `ClosedTrades`, phase at the entry.

    The phase is what `find_phases` knew when the trade was entered.
    """
    import polars as pl

    if not backtests:
        raise DataError("no backtests", allowed="at least one")
    tables = []
    for one in backtests:
        numbers = phase_at(one.candles, find_phases(one.candles, window, spread), one.trades.time)
        tables.append(
            one.trades.to_frame().select(
                pl.lit(one.strategy).alias("strategy"),
                pl.lit(one.symbol).alias("symbol"),
                pl.all(),
                pl.Series("phase", [PHASES[number] for number in numbers], dtype=pl.String),
            )
        )
    return pl.concat(tables).sort("time", maintain_order=True)


def balanced_rows(success: Bytes, strata: Sequence[object] | None = None, seed: int = 0) -> Ints:
    """Rows, in order, of which half are successes, drawn without putting back; the same for the same seed.

    With `strata`, such as the phase of each row, it is so within each of them: a phase keeps its rarer
    outcome whole. A sample is to learn from: what it shows of how often trades succeed is nothing.

    >>> balanced_rows(np.array([1, 1, 1, 0], np.int8)).shape
    (2,)
    """
    groups = np.zeros(len(success), np.int64)
    if strata is not None:
        if len(strata) != len(success):
            raise ConfigError(f"{len(strata)} strata of {len(success)} rows", allowed="one a row")
        groups = np.unique([str(one) for one in strata], return_inverse=True)[1].reshape(-1)
    rng = np.random.default_rng(seed)
    kept = []
    for group in np.unique(groups):
        wins, losses = (np.flatnonzero((groups == group) & (success == outcome)) for outcome in (1, 0))
        few = min(len(wins), len(losses))
        kept += [rng.choice(rows, few, replace=False) for rows in (wins, losses)]
    return np.sort(np.concatenate(kept)).astype(np.int64) if kept else np.empty(0, np.int64)
