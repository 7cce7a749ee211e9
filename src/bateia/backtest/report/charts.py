"""Charts as plain plotly figures: dicts of data and layout, no plotly import needed."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from bateia.backtest.report.data import ReportData
from bateia.backtest.report.series import milliseconds, minmax_rows, numbers
from bateia.backtest.report.style import FONT, GOLD, GREY, HAIR, INK, MUTED, PALE_GOLD, RUST, SLATE, TEAL
from bateia.backtest.tables import Equity
from bateia.core.events import Bools, Floats

Figure = dict[str, Any]
TRIPS = 1_000
UTC_HOVER = "%{x|%Y-%m-%d %H:%M:%S} UTC"


def price_chart(report: ReportData) -> Figure:
    """Bar closes with where round trips began and ended."""
    bars, trips = report.bars, report.backtest.trips
    rows = minmax_rows(bars.close)
    line = _line(bars.time[rows], bars.close[rows], "Close", SLATE, 1.1, ",.2f")
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
    layout = _time_layout(report, 400, ",")
    layout["shapes"] = [_vertical(fold.test_start / 1000, HAIR, "dot") for fold in report.folds]
    return {"data": [line, *marks], "layout": layout}


def equity_chart(report: ReportData) -> Figure:
    """Net, gross and baselines, in currency from 0."""
    equity = report.backtest.equity
    data = [_account(equity, equity.gross, "Gross (before costs)", PALE_GOLD, 1.6)]
    dashes = ("dash", "dot", "dashdot", "longdash")
    for i, (name, baseline) in enumerate(report.baselines.items()):
        label = f"{escape(name, quote=False)} (net)"
        data.append(_account(baseline.equity, baseline.equity.net, label, GREY, 1.3, dashes[i % 4]))
    data.append(_account(equity, equity.net, "Net (after costs)", GOLD, 2.2))
    layout = _time_layout(report, 340, ",.0f")
    layout["hovermode"] = "x unified"
    return {"data": data, "layout": layout}


def drawdown_chart(report: ReportData) -> Figure:
    """Net profit below its highest point so far, % of capital."""
    equity = report.backtest.equity
    peak = np.maximum.accumulate(np.maximum(equity.net, 0.0))
    fall = 100 * (equity.net - peak) / report.backtest.capital
    rows = minmax_rows(fall)
    line = _line(equity.time[rows], fall[rows], "Drawdown", RUST, 1.2, ".2f", "%")
    line |= {"fill": "tozeroy", "fillcolor": "rgba(168,69,47,0.13)"}
    layout = _time_layout(report, 190, ",.2~f")
    layout["margin"]["t"] = 10
    layout["showlegend"] = False
    return {"data": [line], "layout": layout}


def decile_chart(report: ReportData) -> Figure:
    """Mean forward return by score band, whiskers, and what a round trip costs."""
    bands = report.deciles
    means = [band.ret_bp.value or 0.0 for band in bands]
    above = [
        (b.ret_bp.high if b.ret_bp.high is not None else m) - m for b, m in zip(bands, means, strict=True)
    ]
    below = [m - (b.ret_bp.low if b.ret_bp.low is not None else m) for b, m in zip(bands, means, strict=True)]
    bar = {
        "type": "bar",
        "x": [band.band for band in bands],
        "y": numbers(means),
        "marker": {"color": [RUST if mean < 0 else TEAL for mean in means], "opacity": 0.78},
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": numbers(above),
            "arrayminus": numbers(below),
            "color": INK,
            "thickness": 1.1,
            "width": 4,
        },
        "customdata": [[band.rows, round(band.score, 4)] for band in bands],
        "hovertemplate": "band %{x}: %{y:.3f} bp<br>%{customdata[0]:,} rows, mean score %{customdata[1]}"
        "<extra></extra>",
    }
    layout = _layout(320, "Score band, 1 = lowest scores", ",.2~f")
    layout["xaxis"] |= {"dtick": 1, "showgrid": False}
    layout |= {"bargap": 0.35, "showlegend": False}
    cost = 2 * (report.metrics.financial.cost_bp_side or 0.0)
    if cost > 0:
        layout["shapes"] = [_horizontal(y, INK, "dash") for y in (cost, -cost)]
        layout["annotations"] = [_note(0.0, cost, "cost of a round trip", xref="paper", xanchor="left")]
    return {"data": [bar], "layout": layout}


def importance_chart(report: ReportData) -> Figure:
    """The twenty features that the model leans on most, as shares of the whole."""
    total = sum(report.importance.values()) or 1.0
    top = sorted(report.importance.items(), key=lambda item: (-item[1], item[0]))[:20][::-1]
    names = [escape(name if len(name) <= 28 else name[:27] + "\u2026", quote=False) for name, _ in top]
    bar = {
        "type": "bar",
        "orientation": "h",
        "x": numbers(100 * weight / total for _, weight in top),
        # Numbered rows: two long names may be shortened to the same text.
        "y": list(range(len(top))),
        "marker": {"color": GOLD, "opacity": 0.85},
        "customdata": [escape(name, quote=False) for name, _ in top],
        "hovertemplate": "%{customdata}: %{x:.1f}%<extra></extra>",
    }
    layout = _layout(64 + 22 * len(top), "Share of importance, %", "")
    layout["margin"]["t"] = 10
    layout["xaxis"]["rangemode"] = "tozero"
    layout["yaxis"] |= {
        "tickvals": list(range(len(top))),
        "ticktext": names,
        "showgrid": False,
        "zeroline": False,
    }
    layout |= {"bargap": 0.3, "showlegend": False}
    return {"data": [bar], "layout": layout}


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
    layout = _layout(320, "Cost per side, bp of notional", ",.0f")
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
            layout["shapes"].append(_vertical(at, colour, "dash"))
            # On the right half the words stand left of their line, so that they stay inside.
            side = "left" if at < furthest / 2 else "right"
            note = _note(at, height, f"{words} {at:.2f}", yref="paper", xanchor=side)
            layout["annotations"].append({**note, "font": {"color": colour, "size": 12}})
    return {"data": [line], "layout": layout}


def fold_chart(report: ReportData) -> Figure:
    """When each fold trained and when it was tested."""
    data = []
    for name, colour, spans in (
        ("Train", "#CFC8B8", [(f.train_start, f.train_end) for f in report.folds]),
        ("Test", GOLD, [(f.test_start, f.test_end) for f in report.folds]),
    ):
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": name,
                "y": [f"Fold {i + 1}" for i in range(len(spans))],
                "base": [begin / 1000 for begin, _ in spans],
                "x": [(end - begin) / 1000 for begin, end in spans],
                "marker": {"color": colour},
                "hovertemplate": f"%{{y}} {name.lower()} from %{{base|%Y-%m-%d %H:%M}} UTC<extra></extra>",
            }
        )
    layout = _time_layout(report, 100 + 26 * len(report.folds), "")
    del layout["xaxis"]["range"]
    layout["yaxis"] |= {"autorange": "reversed", "showgrid": False, "type": "category"}
    layout |= {"barmode": "overlay", "bargap": 0.45}
    return {"data": data, "layout": layout}


def _account(
    equity: Equity, values: Floats, name: str, colour: str, width: float, dash: str = "solid"
) -> Figure:
    rows = minmax_rows(values)
    line = _line(equity.time[rows], values[rows], name, colour, width, ",.0f")
    line["line"]["dash"] = dash
    return line


def _line(
    times: Any, values: Floats, name: str, colour: str, width: float, shown: str, unit: str = ""
) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": milliseconds(times),
        "y": numbers(values),
        "line": {"color": colour, "width": width},
        "hovertemplate": f"%{{y:{shown}}}{unit}<extra>{name}</extra>",
    }


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
        "hovertemplate": f"{UTC_HOVER}<br>%{{y:,.4~f}}{after}<extra>{name}</extra>",
    }


def _layout(height: int, x_title: str, y_format: str) -> Figure:
    axis = {
        "gridcolor": HAIR,
        "zerolinecolor": "#BDB6A6",
        "linecolor": HAIR,
        "automargin": True,
        "tickfont": {"size": 12, "color": MUTED},
    }
    title = {"text": x_title, "font": {"size": 12, "color": MUTED}, "standoff": 12}
    return {
        "height": height,
        "margin": {"l": 62, "r": 12, "t": 34, "b": 8, "pad": 4},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 13, "color": INK},
        "separators": ".,",
        "xaxis": {**axis, "title": title},
        # Heights are for reading, widths for zooming: dragging selects a stretch of the x axis.
        "yaxis": {**axis, "tickformat": y_format, "fixedrange": True},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom"},
        "hoverlabel": {"bgcolor": "white", "bordercolor": HAIR, "font": {"family": FONT, "color": INK}},
        "dragmode": False,
    }


def _time_layout(report: ReportData, height: int, y_format: str) -> Figure:
    layout = _layout(height, "UTC", y_format)
    first, last = milliseconds(report.bars.time[[0, -1]])
    room = 0.01 * (last - first)
    layout["xaxis"] |= {"type": "date", "hoverformat": "%Y-%m-%d %H:%M:%S UTC"}
    layout["xaxis"]["range"] = [first - room, last + room]
    layout["dragmode"] = "zoom"
    return layout


def _vertical(x: float, colour: str, dash: str) -> Figure:
    line = {"color": colour, "width": 1.2, "dash": dash}
    return {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": line}


def _horizontal(y: float, colour: str, dash: str) -> Figure:
    line = {"color": colour, "width": 1, "dash": dash}
    return {"type": "line", "y0": y, "y1": y, "x0": 0, "x1": 1, "xref": "paper", "line": line}


def _note(x: float, y: float, text: str, **where: str) -> Figure:
    font = {"size": 12, "color": MUTED}
    return {"x": x, "y": y, "text": text, "showarrow": False, "yanchor": "bottom", "font": font, **where}
