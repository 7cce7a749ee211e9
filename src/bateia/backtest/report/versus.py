"""Two to five runs on one page: warnings and verdicts first, then numbers, profits and what differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np

from bateia.backtest.numbers import Estimate, Metrics
from bateia.backtest.report import plot
from bateia.backtest.report.plot import Figure
from bateia.backtest.report.series import minmax_rows
from bateia.backtest.report.shell import brand, contents, figure, section, shell
from bateia.backtest.report.style import BLUE, GOLD, INK, RUST, TEAL
from bateia.backtest.report.table import numbers_table
from bateia.backtest.report.words import cell, true_minus
from bateia.core import format_time
from bateia.core.events import Floats, Ints

LINES = ((GOLD, "solid"), (BLUE, "dash"), (RUST, "dot"), (TEAL, "dashdot"), (INK, "longdash"))
"""Colour and dash of each run: told apart without colours too."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Contender:
    """One run of a comparison, under its letter."""

    letter: str
    name: str
    run_id: str
    headline: str
    edge: bool
    costs: str
    metrics: Metrics
    time: Ints
    net: Floats
    """Net profit at each `time`, currency from 0."""
    trials: int

    @property
    def label(self) -> str:
        """Letter and name."""
        return f"{self.letter} {self.name}"

    @property
    def period(self) -> str:
        """The tested time in words."""
        first, last = (format_time(int(t))[:16].replace("T", " ") for t in (self.time[0], self.time[-1]))
        return f"{first} to {last} UTC"


@dataclass(frozen=True, kw_only=True)
class Gap:
    """How much more one run earned a day than another on the days that both know."""

    of: str
    against: str
    days: int
    bp: Estimate
    """Mean daily difference of net profit, bp of each one's capital."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Versus:
    """Input of `render_comparison`; equal input gives equal bytes."""

    runs: Sequence[Contender]
    warnings: Sequence[str] = ()
    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Recipe field that differs -> its value in each run."""
    gaps: Sequence[Gap] = ()


def render_comparison(versus: Versus) -> str:
    """One self-contained HTML page (under 2 MB: the chart library is inside); no request leaves it."""
    drawn = equity_chart(versus.runs)
    parts = [
        ("numbers", "Numbers", _numbers(versus)),
        ("profit", "Profit", _profit(drawn)),
        ("difference", "Is the difference more than chance?", _gaps(versus.gaps)),
        ("recipes", "Where the recipes differ", _fields(versus)),
    ]
    parts = [part for part in parts if part[2]]
    links = contents([("verdicts", "Verdicts"), *((name, name.capitalize()) for name, _, _ in parts)])
    names = " and ".join(run.label for run in versus.runs)
    head = f"{brand('Bateia comparison')}<h1>{len(versus.runs)} runs side by side</h1>\n{links}"
    body = head + _verdicts(versus) + "".join(section(*part) for part in parts)
    return shell(names, body, {"chart-equity": drawn})


def equity_chart(runs: Sequence[Contender]) -> Figure:
    """Net profit of each run, % of its capital, on one time axis."""
    data = []
    for run, (colour, dash) in zip(runs, LINES, strict=False):
        rows = minmax_rows(run.net)
        share = 100 * run.net[rows] / run.metrics.financial.capital
        name = escape(run.label, quote=False)
        line = plot.line(run.time[rows], share, name, colour, 1.9, ",.2f", "%")
        line["line"]["dash"] = dash
        data.append(line)
    ends = np.array([min(run.time[0] for run in runs), max(run.time[-1] for run in runs)])
    layout = plot.time_layout(ends, 380, "Net profit, % of capital", ",.2~f")
    layout["hovermode"] = "x unified"
    return {"data": data, "layout": layout}


def _verdicts(versus: Versus) -> str:
    warned = "".join(f'<p class="warning">{escape(true_minus(text))}</p>\n' for text in versus.warnings)
    cards = "".join(_card(run) for run in versus.runs)
    return f'<section id="verdicts" class="cards">\n{warned}{cards}</section>\n'


def _card(run: Contender) -> str:
    kind, tag = ("verdict edge", "Edge") if run.edge else ("verdict", "No edge shown")
    trials = f"{run.trials:,} trial{'' if run.trials == 1 else 's'} of its data when it ended"
    return (
        f'<div class="{kind}"><div class="tag">{escape(run.label)}: {tag}</div>'
        f'<div class="headline">{escape(true_minus(run.headline))}</div>'
        f"<ul><li>{escape(run.period)}</li><li>Costs: {escape(run.costs)}</li>"
        f"<li>{escape(trials)}</li><li>{escape(run.run_id)}</li></ul></div>\n"
    )


def _numbers(versus: Versus) -> str:
    table = numbers_table({run.label: run.metrics for run in versus.runs})
    note = (
        "Small print under a number: its 95% interval, by stationary bootstrap. Where intervals overlap, the "
        "order of the runs may be chance; whoever takes the best of several has tried several."
    )
    return f'{table}<p class="note">{note}</p>\n'


def _profit(drawn: Figure) -> str:
    caption = (
        "After costs, from 0, each as a share of its own capital. Drag to zoom, double-click to come back."
    )
    return figure("equity", "Net profit", caption, drawn["layout"]["height"])


def _gaps(gaps: Sequence[Gap]) -> str:
    if not gaps:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{escape(gap.of)} over {escape(gap.against)}</th><td>{gap.days:,}</td>'
        f"<td>{cell(gap.bp, 2, sign=True)}</td><td>{_answer(gap.bp)}</td></tr>"
        for gap in gaps
    )
    return (
        '<p class="muted">Net profit a day, bp of each one\'s capital, on the days that both know.</p>\n'
        '<div class="scroll"><table class="told"><thead><tr><th></th><th scope="col">Days</th>'
        f'<th scope="col">More a day, bp</th><th scope="col">95% interval</th></tr></thead>\n'
        f"<tbody>{rows}</tbody></table></div>\n"
    )


def _answer(bp: Estimate) -> str:
    if bp.low is None or bp.high is None:
        return "unknown: too few days, or none that differ"
    if bp.low > 0:
        return "above 0"
    return "below 0" if bp.high < 0 else "holds 0: chance could do it"


def _fields(versus: Versus) -> str:
    if not versus.fields:
        return '<p class="muted">Nowhere: the recipes are the same.</p>\n'
    head = "".join(f'<th scope="col">{escape(run.label)}</th>' for run in versus.runs)
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{escape(value)}</td>" for value in values)
        + "</tr>"
        for name, values in versus.fields.items()
    )
    return (
        '<p class="muted">Only the fields that differ; a dash where a recipe has none.</p>\n'
        f'<div class="scroll"><table class="fields"><thead><tr><th scope="col">Field</th>'
        f"{head}</tr></thead>\n"
        f"<tbody>{rows}</tbody></table></div>\n"
    )
