"""KrypOracle's backtests: candles, signals and trades judged by how they ended."""

from bateia.sources.kryporacle.backtest import Backtest, ClosedTrades, Signals, read_backtest, read_backtests
from bateia.sources.kryporacle.phases import PHASES, Phase, find_phases, partition, phase_at
from bateia.sources.kryporacle.samples import balanced_rows, trade_table
from bateia.sources.kryporacle.sheets import sheets_of
from bateia.sources.kryporacle.source import KrypOracleSource

__all__ = [
    "PHASES",
    "Backtest",
    "ClosedTrades",
    "KrypOracleSource",
    "Phase",
    "Signals",
    "balanced_rows",
    "find_phases",
    "partition",
    "phase_at",
    "read_backtest",
    "read_backtests",
    "sheets_of",
    "trade_table",
]
