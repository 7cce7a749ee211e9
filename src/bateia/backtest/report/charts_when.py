"""When it made or lost: folds, months or days, hours of the week."""

from __future__ import annotations

import numpy as np

from bateia.backtest.grouping import WEEKDAYS
from bateia.backtest.report import plot
from bateia.backtest.report.data import ReportData
from bateia.backtest.report.plot import Figure
from bateia.backtest.report.series import milliseconds, numbers
from bateia.backtest.report.style import BLUE, CARD, GOLD, HAIR, RUST, SAND, TEAL
from bateia.core.clock import DAY, HOUR
from bateia.core.events import Floats

FOLDS = 60
"""Folds drawn."""


def fold_chart(report: ReportData) -> Figure:
    """When each fold trained, when it was tested, and what the purge took."""
    chosen = plot.picked(len(report.folds), FOLDS).tolist()
    data = []
    for name, colour in (("Train", SAND), ("Test", GOLD), ("Purged", RUST)):
        spans = [(k, span) for k in chosen for span in getattr(report.folds[k], name.lower())]
        marker: Figure = {"color": colour}
        if name == "Purged":
            # Minutes in a year: an outline keeps them visible.
            marker["line"] = {"color": RUST, "width": 2}
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": name,
                "y": [str(k + 1) for k, _ in spans],
                "base": [begin / 1000 for _, (begin, _) in spans],
                "x": [(end - begin) / 1000 for _, (begin, end) in spans],
                "marker": marker,
                "customdata": milliseconds(np.array([end for _, (_, end) in spans])),
                "hovertemplate": f"Fold %{{y}} {name.lower()}, %{{base|%Y-%m-%d %H:%M}} to "
                "%{customdata|%Y-%m-%d %H:%M} UTC<extra></extra>",
            }
        )
    ends = [t for fold in report.folds for part in (fold.train, fold.test) for span in part for t in span]
    each = 26 if len(chosen) <= 20 else 14
    layout = plot.time_layout(np.array([min(ends), max(ends)]), 110 + each * len(chosen), "Fold", "")
    layout["yaxis"] |= {"showgrid": False, "type": "category"}
    layout["yaxis"] |= {"categoryorder": "array", "categoryarray": [str(k + 1) for k in chosen[::-1]]}
    if each < 20:
        layout["yaxis"]["tickfont"] = {"size": 9}
    layout |= {"barmode": "overlay", "bargap": 0.35}
    return {"data": data, "layout": layout}


def period_chart(report: ReportData) -> Figure:
    """Net profit of each day or month, with intervals."""
    groups = report.groups["period"]
    net = [group.financial.net for group in groups]
    bounds = [group.financial.intervals.get("net", (None, None)) for group in groups]
    bar = {
        "type": "bar",
        "x": [group.name for group in groups],
        "y": numbers(net),
        "marker": {"color": [RUST if profit < 0 else TEAL for profit in net], "opacity": 0.78},
        "error_y": plot.whiskers(net, [low for low, _ in bounds], [high for _, high in bounds]),
        "customdata": [group.financial.round_trips for group in groups],
        "hovertemplate": "%{x}: net %{y:,.0f}<br>%{customdata:,} round trips<extra></extra>",
    }
    what = "Month, UTC" if len(groups[0].name) == 7 else "Day, UTC"
    layout = plot.layout(300, what, f"Net profit, {plot.money(report)}", ",.0f")
    layout["xaxis"] |= {"type": "category", "showgrid": False}
    layout["margin"]["t"] = 14
    if len(groups) <= 4:
        layout["xaxis"]["range"] = [-1.5, len(groups) + 0.5]
    layout |= {"bargap": 0.35, "showlegend": False}
    return {"data": [bar], "layout": layout}


def week(report: ReportData) -> tuple[Floats, Floats]:
    """Round trips by the weekday and hour of entry, (7, 24): mean net profit in bp (NaN: none), and count."""
    trips = report.backtest.trips
    cell = (trips.entry_time // DAY + 3) % 7 * 24 + trips.entry_time // HOUR % 24
    count = np.bincount(cell, minlength=7 * 24).astype(np.float64)
    total = np.bincount(cell, trips.net_bp, minlength=7 * 24)
    mean: Floats = np.divide(total, count, out=np.full(7 * 24, np.nan), where=count > 0)
    return mean.reshape(7, 24), count.reshape(7, 24)


def week_chart(report: ReportData) -> Figure:
    """Mean net profit per round trip by hour and weekday of entry."""
    mean, count = week(report)
    far = float(np.nanquantile(np.abs(mean), 0.95)) or 1.0
    return _heat(
        mean,
        {
            "colorscale": [[0.0, RUST], [0.5, "#F4F1EA"], [1.0, BLUE]],
            "zmin": -far,
            "zmax": far,
            "customdata": count.astype(int).tolist(),
            "hovertemplate": "%{y} %{x}:00 UTC: %{z:+.2f} bp<br>%{customdata:,} round trips<extra></extra>",
        },
        "bp",
    )


def count_chart(report: ReportData) -> Figure:
    """Round trips by hour and weekday of entry."""
    _, count = week(report)
    return _heat(
        np.where(count > 0, count, np.nan),
        {
            "colorscale": [[0.0, "#F4F1EA"], [1.0, "#5A4413"]],
            "zmin": 0,
            "hovertemplate": "%{y} %{x}:00 UTC: %{z:,} round trips<extra></extra>",
        },
        "trips",
    )


def _heat(values: Floats, looks: Figure, unit: str) -> Figure:
    heat = {
        "type": "heatmap",
        "x": list(range(24)),
        "y": [day[:3] for day in WEEKDAYS],
        "z": [numbers(row) for row in values],
        "xgap": 1,
        "ygap": 1,
        "colorbar": {
            "thickness": 10,
            "len": 1.0,
            "outlinewidth": 0,
            "title": {"text": unit, "font": {"size": 12}},
            "nticks": 5,
        },
        **looks,
    }
    layout = plot.layout(290, "Hour of entry, UTC", "Weekday", "")
    layout["margin"] |= {"t": 10, "l": 44}
    layout["xaxis"] |= {"dtick": 3, "showgrid": False, "zeroline": False, "range": [-0.5, 23.5], "ticks": ""}
    layout["yaxis"] |= {"autorange": "reversed", "showgrid": False, "ticks": ""}
    layout |= {"plot_bgcolor": CARD, "showlegend": False}
    layout["xaxis"]["linecolor"] = HAIR
    return {"data": [heat], "layout": layout}
