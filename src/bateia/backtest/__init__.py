"""Replay of decisions against the market, honest numbers about it, and the report."""

from bateia.backtest.bootstrap import Draws, bootstrap, optimal_block
from bateia.backtest.curve import CostCurve, cost_curve
from bateia.backtest.metrics import financial, measure, predictive, return_by_decile
from bateia.backtest.numbers import Decile, Estimate, Financial, Metrics, Predictive
from bateia.backtest.simulate import Backtest, simulate
from bateia.backtest.tables import Equity, RoundTrips
from bateia.backtest.verdict import Verdict, verdict

__all__ = [
    "Backtest",
    "CostCurve",
    "Decile",
    "Draws",
    "Equity",
    "Estimate",
    "Financial",
    "Metrics",
    "Predictive",
    "RoundTrips",
    "Verdict",
    "bootstrap",
    "cost_curve",
    "financial",
    "measure",
    "optimal_block",
    "predictive",
    "return_by_decile",
    "simulate",
    "verdict",
]
