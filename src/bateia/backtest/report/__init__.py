"""The run as one calm page that opens offline."""

from bateia.backtest.report.data import Baseline, FoldTimes, ReportData
from bateia.backtest.report.page import render_report

__all__ = ["Baseline", "FoldTimes", "ReportData", "render_report"]
