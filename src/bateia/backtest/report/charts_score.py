"""What the score was worth: by decile, against what happened, at other thresholds, and what it rests on."""

from __future__ import annotations

from html import escape

import numpy as np

from bateia.backtest.report import plot
from bateia.backtest.report.data import ReportData
from bateia.backtest.report.plot import Figure
from bateia.backtest.report.series import numbers
from bateia.backtest.report.style import GOLD, GREY, INK, RUST, TEAL


def decile_chart(report: ReportData) -> Figure:
    """Mean forward return by score band, whiskers, and what a round trip costs."""
    bands = report.deciles
    means = [band.ret_bp.value or 0.0 for band in bands]
    bar = {
        "type": "bar",
        "x": [band.band for band in bands],
        "y": numbers(means),
        "marker": {"color": [RUST if mean < 0 else TEAL for mean in means], "opacity": 0.78},
        "error_y": plot.whiskers(means, [b.ret_bp.low for b in bands], [b.ret_bp.high for b in bands]),
        "customdata": [[band.rows, round(band.score, 4)] for band in bands],
        "hovertemplate": "band %{x}: %{y:.3f} bp<br>%{customdata[0]:,} rows, mean score %{customdata[1]}"
        "<extra></extra>",
    }
    layout = plot.layout(320, "Score band, 1 = lowest scores", "Mean return, bp", ",.2~f")
    layout["xaxis"] |= {"dtick": 1, "showgrid": False}
    layout |= {"bargap": 0.35, "showlegend": False}
    cost = 2 * (report.metrics.financial.cost_bp_side or 0.0)
    if cost > 0:
        layout["shapes"] = [plot.horizontal(y, INK, "dash") for y in (cost, -cost)]
        layout["annotations"] = [plot.note(0.0, cost, "cost of a round trip", xref="paper", xanchor="left")]
    return {"data": [bar], "layout": layout}


def calibration_chart(report: ReportData) -> Figure:
    """Share of up against the probability of up, with intervals; the diagonal is what it should be."""
    bins = report.calibration
    said, happened = [b.predicted for b in bins], [b.happened.value or 0.0 for b in bins]
    lows, highs = [b.happened.low for b in bins], [b.happened.high for b in bins]
    ends = [end for end in (*said, *happened, *lows, *highs) if end is not None]
    low, high = max(0.0, min(ends) - 0.02), min(1.0, max(ends) + 0.02)
    ideal = {
        "type": "scatter",
        "mode": "lines",
        "x": [low, high],
        "y": [low, high],
        "line": {"color": GREY, "width": 1.2, "dash": "dash"},
        "hoverinfo": "skip",
    }
    marks = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": numbers(said),
        "y": numbers(happened),
        "error_y": plot.whiskers(happened, lows, highs),
        "line": {"color": GOLD, "width": 1.6},
        "marker": {"color": GOLD, "size": 7},
        "customdata": [b.rows for b in bins],
        "hovertemplate": "said %{x:.3f}, happened %{y:.3f}<br>%{customdata:,} rows<extra></extra>",
    }
    layout = plot.layout(320, "Probability of up that the model gives", "Share of up that came", ".2f")
    layout["xaxis"] |= {"range": [min(said) - 0.01, max(said) + 0.01], "tickformat": ".2f", "nticks": 7}
    layout["yaxis"] |= {"range": [low, high]}
    layout["margin"]["t"] = 14
    layout["showlegend"] = False
    return {"data": [ideal, marks], "layout": layout}


def sweep_chart(report: ReportData) -> Figure:
    """Net and gross profit at other thresholds, the run's own marked."""
    swept = report.sweep
    assert swept is not None
    common = {"type": "scatter", "mode": "lines", "x": numbers(swept.enter)}
    net = common | {
        "name": "Net",
        "y": numbers(swept.net),
        "line": {"color": GOLD, "width": 2.2},
        "customdata": np.round(np.column_stack([swept.round_trips, swept.cost]), 2).tolist(),
        "hovertemplate": "enter beyond %{x:.4f}: net %{y:,.0f}<br>%{customdata[0]:,} round trips, "
        "costs %{customdata[1]:,.0f}<extra></extra>",
    }
    gross = common | {
        "name": "Gross",
        "y": numbers(swept.gross),
        "line": {"color": GREY, "width": 1.3, "dash": "dash"},
        "hovertemplate": "gross %{y:,.0f}<extra></extra>",
    }
    layout = plot.layout(320, "Score beyond which it enters", f"Profit, {plot.money(report)}", ",.0f")
    layout["yaxis"]["rangemode"] = "tozero"
    if report.enter is not None and swept.enter.min() <= report.enter <= swept.enter.max():
        side = "left" if report.enter < (swept.enter.min() + swept.enter.max()) / 2 else "right"
        used = f"used {report.enter:g}"
        layout["shapes"] = [plot.vertical(report.enter, INK, "dash")]
        layout["annotations"] = [plot.note(report.enter, 0.0, used, yref="paper", xanchor=side)]
    return {"data": [gross, net], "layout": layout}


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
    layout = plot.layout(64 + 22 * len(top), "Share of importance, %", "Feature", "")
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
