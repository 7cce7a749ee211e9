"""What happened over time, and what it cost."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from bateia.backtest.report import plot
from bateia.backtest.report.data import ReportData
from bateia.backtest.report.plot import Figure
from bateia.backtest.report.series import milliseconds, minmax_rows, numbers
from bateia.backtest.report.style import GOLD, GREY, HAIR, INK, PALE_GOLD, RUST, SLATE, TEAL
from bateia.backtest.tables import Equity
from bateia.core.events import Bools, Floats

TRIPS = 800
FAN = 20
"""Other paths drawn."""


def price_chart(report: ReportData) -> Figure:
    """Bar closes with where round trips began and ended."""
    bars, trips = report.bars, report.backtest.trips
    rows = minmax_rows(bars.close)
    closes = plot.line(bars.time[rows], bars.close[rows], "Close", SLATE, 1.1, ",.2f")
    shown = trips[:: max(1, -(-len(trips) // TRIPS))]
    size = 10 if len(shown) <= 60 else 7.5 if len(shown) <= 250 else 5.5
    long: Bools = shown.side > 0
    leaving = {"color": "rgba(255,255,255,0.85)", "line": {"color": INK, "width": 1.1}, "symbol": "circle"}
    up = {"color": TEAL, "symbol": "triangle-up", "line": {"color": "white", "width": 0.6}}
    down = {"color": RUST, "symbol": "triangle-down", "line": {"color": "white", "width": 0.6}}
    marks = [
        _marks(shown.exit_time, shown.exit_price, "Exit", {**leaving, "size": size * 0.7}, shown.net_bp),
        _marks(shown[long].entry_time, shown[long].entry_price, "Long entry", {**up, "size": size}),
        _marks(shown[~long].entry_time, shown[~long].entry_price, "Short entry", {**down, "size": size}),
    ]
    layout = plot.time_layout(bars.time, 400, "Price", ",")
    layout["shapes"] = [plot.vertical(start / 1000, HAIR, "dot") for start in fold_starts(report)]
    return {"data": [closes, *marks], "layout": layout}


def fold_starts(report: ReportData) -> list[int]:
    """When each fold's test begins, where tests follow each other and are few enough to be drawn."""
    starts = [fold.test[0][0] for fold in report.folds if len(fold.test) == 1]
    return starts if len(starts) == len(report.folds) <= 40 else []


def equity_chart(report: ReportData) -> Figure:
    """Net, gross, baselines and the other paths, in currency from 0."""
    equity = report.backtest.equity
    data = _fan(report)
    data.append(_account(equity, equity.gross, "Gross (before costs)", PALE_GOLD, 1.6))
    dashes = ("dash", "dot", "dashdot", "longdash")
    for i, (name, baseline) in enumerate(report.baselines.items()):
        label = f"{escape(name, quote=False)} (net)"
        data.append(_account(baseline.equity, baseline.equity.net, label, GREY, 1.3, dashes[i % 4]))
    data.append(_account(equity, equity.net, "Net (after costs)", GOLD, 2.2))
    layout = plot.time_layout(report.bars.time, 360, f"Profit, {plot.money(report)}", ",.0f")
    layout["hovermode"] = "x unified"
    return {"data": data, "layout": layout}


def _fan(report: ReportData) -> list[Figure]:
    """The other paths, one legend entry for all."""
    chosen = plot.picked(len(report.others), FAN) if report.others else np.empty(0, np.int64)
    lines = []
    for k, path in enumerate(chosen):
        equity = report.others[int(path)]
        rows = minmax_rows(equity.net, 400)
        drawn = plot.line(equity.time[rows], equity.net[rows], "Other paths (net)", TEAL, 0.9, ",.0f")
        drawn |= {"opacity": 0.7, "legendgroup": "paths", "showlegend": k == 0, "hoverinfo": "skip"}
        del drawn["hovertemplate"]
        lines.append(drawn)
    return lines


def drawdown_chart(report: ReportData) -> Figure:
    """Net profit below its highest point so far, % of capital."""
    equity = report.backtest.equity
    peak = np.maximum.accumulate(np.maximum(equity.net, 0.0))
    fall = 100 * (equity.net - peak) / report.backtest.capital
    rows = minmax_rows(fall)
    line = plot.line(equity.time[rows], fall[rows], "Drawdown", RUST, 1.2, ".2f", "%")
    line |= {"fill": "tozeroy", "fillcolor": "rgba(168,69,47,0.13)"}
    layout = plot.time_layout(report.bars.time, 200, "% of capital", ",.2~f")
    layout["margin"]["t"] = 10
    layout["showlegend"] = False
    return {"data": [line], "layout": layout}


def cost_chart(report: ReportData) -> Figure:
    """Net profit against the cost of a side, the assumed and the break-even cost marked."""
    curve, account = report.curve, report.metrics.financial
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": numbers(curve.bp_side),
        "y": numbers(curve.net),
        "customdata": numbers(curve.sharpe),
        "line": {"color": GOLD, "width": 2.2},
        "hovertemplate": "%{x:.3f} bp a side<br>net %{y:,.0f}<br>Sharpe %{customdata:.2f}<extra></extra>",
    }
    layout = plot.layout(320, "Cost per side, bp of notional", f"Net profit, {plot.money(report)}", ",.0f")
    layout["xaxis"]["rangemode"] = layout["yaxis"]["rangemode"] = "tozero"
    layout["showlegend"] = False
    layout["shapes"], layout["annotations"] = [], []
    layout["margin"]["t"] = 52
    furthest = float(curve.bp_side[-1]) if len(curve) else 0.0
    marks = (
        (account.cost_bp_side, "assumed", INK, 1.0),
        (account.break_even_bp_side, "break-even", RUST, 1.08),
    )
    for at, words, colour, height in marks:
        if at is not None and 0 <= at <= furthest:
            layout["shapes"].append(plot.vertical(at, colour, "dash"))
            # On the right half the words stand left of their line, so that they stay inside.
            side = "left" if at < furthest / 2 else "right"
            told = plot.note(at, height, f"{words} {at:.2f}", yref="paper", xanchor=side)
            layout["annotations"].append({**told, "font": {"color": colour, "size": 12}})
    return {"data": [line], "layout": layout}


def kinds_of_cost(report: ReportData) -> dict[str, float]:
    """What each kind of cost came to, currency, those that came to nothing left out."""
    return {name: paid for name, paid in report.backtest.totals().items() if paid}


def kind_chart(report: ReportData) -> Figure:
    """What each kind of cost came to."""
    paid = dict(sorted(kinds_of_cost(report).items(), key=lambda item: item[1]))
    traded = report.metrics.financial.traded
    bar = {
        "type": "bar",
        "orientation": "h",
        "x": numbers(paid.values()),
        "y": [name.capitalize() for name in paid],
        "customdata": numbers(1e4 * cost / traded if traded else 0.0 for cost in paid.values()),
        "marker": {"color": [RUST if cost > 0 else TEAL for cost in paid.values()], "opacity": 0.78},
        "hovertemplate": "%{y}: %{x:,.0f}<br>%{customdata:.3f} bp of notional traded<extra></extra>",
    }
    layout = plot.layout(320, f"Paid, {plot.money(report)}", "Kind of cost", "")
    layout["margin"]["t"] = 14
    layout["xaxis"] |= {"rangemode": "tozero", "tickformat": ",.0f", "nticks": 6}
    layout["yaxis"] |= {"showgrid": False, "type": "category"}
    layout |= {"bargap": 0.45, "showlegend": False}
    return {"data": [bar], "layout": layout}


def _account(
    equity: Equity, values: Floats, name: str, colour: str, width: float, dash: str = "solid"
) -> Figure:
    rows = minmax_rows(values)
    line = plot.line(equity.time[rows], values[rows], name, colour, width, ",.0f")
    line["line"]["dash"] = dash
    return line


def _marks(times: Any, prices: Floats, name: str, marker: Figure, net_bp: Floats | None = None) -> Figure:
    after = "" if net_bp is None else "<br>net %{customdata:+.2f} bp"
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": milliseconds(times),
        "y": numbers(prices),
        "marker": marker,
        "customdata": None if net_bp is None else numbers(net_bp),
        "hovertemplate": f"{plot.UTC_HOVER}<br>%{{y:,.4~f}}{after}<extra>{name}</extra>",
    }
