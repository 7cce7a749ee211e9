"""What many backtests tell, as tables: candles, phases, signals, trades and a balanced sample of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bateia.core.events import Bytes
from bateia.sources.importing import table_of
from bateia.sources.kryporacle.backtest import Backtest
from bateia.sources.kryporacle.phases import PHASES, find_phases, partition
from bateia.sources.kryporacle.samples import balanced_rows, trade_table

if TYPE_CHECKING:
    import polars as pl


def sheets_of(
    backtests: Sequence[Backtest], *, window: int = 100, spread: float = 1.0, seed: int = 0
) -> dict[str, pl.DataFrame]:
    """Tables by name, each row with its strategy and symbol.

    `candles` have the phase of the market that was known at their close, and the backtest's own indicators,
    `indicator_` before their names; `phases` are runs of candles of one phase, from the first one's open to
    the last one's close; `signals` and `trades` are the backtests' own, each trade with its success and the
    phase at its entry; `balanced` is a sample of the trades, as many successes as failures in each phase.
    Errors are those of `trade_table` and `find_phases`.
    """
    import polars as pl

    trades = trade_table(backtests, window, spread)
    rows = balanced_rows(trades["success"].to_numpy(), trades["phase"].to_list(), seed)
    parts: dict[str, list[pl.DataFrame]] = {"candles": [], "phases": [], "signals": []}
    for one in backtests:
        whose = (pl.lit(one.strategy).alias("strategy"), pl.lit(one.symbol).alias("symbol"), pl.all())
        numbers = find_phases(one.candles, window, spread)
        candles = _candles(one, numbers)
        tables = (candles, _phases(one, numbers, candles), one.signals.to_frame())
        for name, table in zip(parts, tables, strict=True):
            parts[name].append(table.select(whose))
    joined = {name: pl.concat(tables, how="diagonal") for name, tables in parts.items()}
    return {**joined, "trades": trades, "balanced": trades[rows]}


def _candles(one: Backtest, numbers: Bytes) -> pl.DataFrame:
    import polars as pl

    return table_of([one.candles]).with_columns(
        pl.Series("phase", [PHASES[number] for number in numbers], dtype=pl.String),
        *(pl.Series(f"indicator_{name}", values) for name, values in one.indicators.items()),
    )


def _phases(one: Backtest, numbers: Bytes, candles: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    runs = partition(numbers)
    first = np.array([run.start for run in runs], np.int64)
    last = np.array([run.stop - 1 for run in runs], np.int64)
    return pl.DataFrame(
        {
            "phase": pl.Series([run.name for run in runs], dtype=pl.String),
            "from": candles["open_time"].gather(first),
            "to": candles["time"].gather(last),
            "candles": last - first + 1,
            "log_return": np.log(one.candles.close[last] / one.candles.open[first]),
        }
    )
