"""The run as one calm page that opens offline."""

from bateia.backtest.report.data import Baseline, FoldSpans, FoldTimes, ReportData
from bateia.backtest.report.gather import other_thresholds, rulings
from bateia.backtest.report.page import render_report

__all__ = [
    "Baseline",
    "FoldSpans",
    "FoldTimes",
    "ReportData",
    "other_thresholds",
    "render_report",
    "rulings",
]
