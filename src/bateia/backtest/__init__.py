"""Replay of decisions against the market, honest numbers about it, and the report."""

from bateia.backtest.bootstrap import Draws, bootstrap, optimal_block
from bateia.backtest.breakdown import breakdown, breakdowns, side_by_side
from bateia.backtest.curve import CostCurve, cost_curve
from bateia.backtest.drawdown import max_drawdown
from bateia.backtest.financial import periods_per_year
from bateia.backtest.grouping import (
    Grouping,
    by_day,
    by_fold,
    by_hour,
    by_month,
    by_name,
    by_period,
    by_regime,
    by_weekday,
)
from bateia.backtest.metrics import calibration, financial, measure, predictive, return_by_decile
from bateia.backtest.numbers import (
    CalibrationBin,
    Decile,
    Estimate,
    Financial,
    Group,
    Metrics,
    Predictive,
)
from bateia.backtest.path import sharpe_ratio
from bateia.backtest.several import AccountBacktest, AccountEquity, Leg, simulate_account
from bateia.backtest.simulate import Backtest, simulate
from bateia.backtest.sweep import Sweep, side_costs, sweep
from bateia.backtest.tables import Equity, RoundTrips
from bateia.backtest.tape import tape_of
from bateia.backtest.verdict import Verdict, verdict

__all__ = [
    "AccountBacktest",
    "AccountEquity",
    "Backtest",
    "CalibrationBin",
    "CostCurve",
    "Decile",
    "Draws",
    "Equity",
    "Estimate",
    "Financial",
    "Group",
    "Grouping",
    "Leg",
    "Metrics",
    "Predictive",
    "RoundTrips",
    "Sweep",
    "Verdict",
    "bootstrap",
    "breakdown",
    "breakdowns",
    "by_day",
    "by_fold",
    "by_hour",
    "by_month",
    "by_name",
    "by_period",
    "by_regime",
    "by_weekday",
    "calibration",
    "cost_curve",
    "financial",
    "max_drawdown",
    "measure",
    "optimal_block",
    "periods_per_year",
    "predictive",
    "return_by_decile",
    "sharpe_ratio",
    "side_by_side",
    "side_costs",
    "simulate",
    "simulate_account",
    "sweep",
    "tape_of",
    "verdict",
]
