"""Parts of charts: plain plotly figures as dicts of data and layout, no plotly import needed."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from bateia.backtest.report.data import ReportData
from bateia.backtest.report.series import milliseconds, numbers
from bateia.backtest.report.style import FONT, HAIR, INK, MUTED
from bateia.core.events import Floats, Ints

Figure = dict[str, Any]
UTC_HOVER = "%{x|%Y-%m-%d %H:%M:%S} UTC"


def line(
    times: Ints, values: Floats, name: str, colour: str, width: float, shown: str, unit: str = ""
) -> Figure:
    """A line over time; `shown` formats its values under the pointer."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": milliseconds(times),
        "y": numbers(values),
        "line": {"color": colour, "width": width},
        "hovertemplate": f"%{{y:{shown}}}{unit}<extra>{name}</extra>",
    }


def layout(height: int, x_title: str, y_title: str, y_format: str) -> Figure:
    """The frame of every chart: axes with titles, hairlines, the legend above."""
    axis = {
        "gridcolor": HAIR,
        "zerolinecolor": "#BDB6A6",
        "linecolor": HAIR,
        "automargin": True,
        "tickfont": {"size": 12, "color": MUTED},
    }
    named = {"font": {"size": 12, "color": MUTED}}
    return {
        "height": height,
        "margin": {"l": 66, "r": 12, "t": 34, "b": 8, "pad": 4},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 13, "color": INK},
        "separators": ".,",
        "xaxis": {**axis, "title": {"text": x_title, "standoff": 12, **named}},
        # Heights are for reading, widths for zooming: dragging selects a stretch of the x axis.
        "yaxis": {
            **axis,
            "title": {"text": y_title, "standoff": 8, **named},
            "tickformat": y_format,
            "fixedrange": True,
        },
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom"},
        "hoverlabel": {"bgcolor": "white", "bordercolor": HAIR, "font": {"family": FONT, "color": INK}},
        "dragmode": False,
    }


def time_layout(ends: Ints, height: int, y_title: str, y_format: str) -> Figure:
    """The same over time, from the first of `ends` to the last (microseconds UTC); dragging zooms."""
    made = layout(height, "Time, UTC", y_title, y_format)
    first, last = milliseconds(ends[[0, -1]])
    room = 0.01 * (last - first)
    made["xaxis"] |= {"type": "date", "hoverformat": "%Y-%m-%d %H:%M:%S UTC"}
    made["xaxis"]["range"] = [first - room, last + room]
    made["dragmode"] = "zoom"
    return made


def money(report: ReportData) -> str:
    """The unit of amounts, for axis titles."""
    return escape(report.currency, quote=False) or "currency"


def whiskers(middle: list[float], low: list[float | None], high: list[float | None]) -> Figure:
    """Error bars from intervals; none where an end is unknown."""
    above = [0.0 if end is None else end - at for at, end in zip(middle, high, strict=True)]
    below = [0.0 if end is None else at - end for at, end in zip(middle, low, strict=True)]
    return {
        "type": "data",
        "symmetric": False,
        "array": numbers(above),
        "arrayminus": numbers(below),
        "color": INK,
        "thickness": 1.1,
        "width": 4,
    }


def vertical(x: float, colour: str, dash: str) -> Figure:
    """A line from bottom to top."""
    style = {"color": colour, "width": 1.2, "dash": dash}
    return {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": style}


def horizontal(y: float, colour: str, dash: str) -> Figure:
    """A line from left to right."""
    style = {"color": colour, "width": 1, "dash": dash}
    return {"type": "line", "y0": y, "y1": y, "x0": 0, "x1": 1, "xref": "paper", "line": style}


def note(x: float, y: float, text: str, **where: Any) -> Figure:
    """Words beside a mark."""
    font = {"size": 12, "color": MUTED}
    return {"x": x, "y": y, "text": text, "showarrow": False, "yanchor": "bottom", "font": font, **where}


def picked(count: int, most: int) -> Ints:
    """At most `most` of `count` rows, evenly, the ends among them.

    >>> picked(10, 4).tolist()
    [0, 3, 6, 9]
    """
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))
