"""The page, in the order that a sceptical reader wants: verdict, numbers, luck, then when, why and how."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from bateia.backtest.report import charts, charts_score, charts_when
from bateia.backtest.report.chance import chance_panel
from bateia.backtest.report.data import ReportData
from bateia.backtest.report.gates import gate_table
from bateia.backtest.report.groups import DRAWN, group_table
from bateia.backtest.report.notes import notes
from bateia.backtest.report.plot import Figure
from bateia.backtest.report.shell import brand, contents, figure, section, shell
from bateia.backtest.report.table import assumptions, comparison, tiles
from bateia.backtest.report.words import amount, true_minus
from bateia.core import format_time

FEW = 5
"""Round trips a cell of the week below which one trip colours it."""


def render_report(report: ReportData) -> str:
    """One self-contained HTML page (under 2 MB: the chart library is inside); no request leaves it.

    The same input gives the same text. All words are escaped; times are UTC.
    """
    figures: dict[str, Figure] = {}
    parts = [
        ("numbers", "Strategy and baselines", comparison(report)),
        ("chance", "Could it be luck?", chance_panel(report.chance) if report.chance else ""),
        ("gates", "Gates", gate_table(report.gates) if report.gates else ""),
        ("profit", "What it did", _profit(report, figures)),
        ("when", "When", _when(report, figures)),
        ("score", "What the score is worth", _score(report, figures)),
        ("costs", "What it cost", _costs(report, figures)),
        ("trades", "Trades", _trades(report, figures)),
        ("recipe", "What it rests on", notes(report)),
    ]
    parts = [part for part in parts if part[2]]
    links = contents([("verdict", "Verdict"), *((name, name.capitalize()) for name, _, _ in parts)])
    body = _header(report, links) + tiles(report) + "".join(section(*part) for part in parts)
    return shell(report.name, body, {f"chart-{name}": drawn for name, drawn in figures.items()})


def _header(report: ReportData, links: str) -> str:
    bars, verdict = report.bars, report.verdict
    first, last = (format_time(int(t))[:16].replace("T", " ") for t in (bars.time[0], bars.time[-1]))
    period = f"{first} to {last} UTC"
    sample = "Out of sample, " if report.folds else ""
    warned = "".join(f'<p class="warning">{escape(text)}</p>\n' for text in report.accepted)
    about = f"<p>{escape(report.description)}</p>" if report.description else ""
    reasons = "".join(f"<li>{escape(true_minus(reason))}</li>" for reason in verdict.reasons)
    kind, tag = ("verdict edge", "Edge") if verdict.edge else ("verdict", "No edge shown")
    return (
        f"{warned}{brand('Bateia report')}<h1>{escape(report.name)}</h1>\n"
        f'<p class="muted">{sample}{escape(period)}, {len(bars):,} bars</p>\n{about}{links}'
        f'<section class="{kind}" id="verdict"><div class="tag">{tag}</div>'
        f'<div class="headline">{escape(true_minus(verdict.headline))}</div><ul>{reasons}</ul></section>\n'
    )


def _figure(
    report: ReportData,
    figures: dict[str, Figure],
    name: str,
    title: str,
    caption: str,
    draw: Callable[[ReportData], Figure],
) -> str:
    figures[name] = draw(report)
    return figure(name, title, caption, figures[name]["layout"]["height"])


def _pair(parts: list[str]) -> str:
    return f'<div class="pair">{"".join(parts)}</div>\n' if len(parts) > 1 else "".join(parts)


def _profit(report: ReportData, figures: dict[str, Figure]) -> str:
    marked = "From 0, marked to each bar's close. Drag to zoom, double-click to come back."
    if report.others:
        marked = _fan(report)
    fall = "Net profit below its highest point so far."
    return _figure(report, figures, "equity", "Profit", marked, charts.equity_chart) + _figure(
        report, figures, "drawdown", "Drawdown", fall, charts.drawdown_chart
    )


def _fan(report: ReportData) -> str:
    """What the paths are, and where among them the verdict's own lies."""
    own = float(report.backtest.equity.net[-1])
    ends = sorted([own, *(float(path.net[-1]) for path in report.others)], reverse=True)
    drawn = min(len(report.others), charts.FAN)
    some = "" if drawn == len(report.others) else f", {drawn} of them drawn"
    return (
        f"From 0, marked to each bar's close. Each bar was tested {len(ends)} times, by models trained on "
        f"different parts: the verdict's path in gold, the others thin{some}. They end between "
        f"{amount(ends[-1], 0, sign=True)} and {amount(ends[0], 0, sign=True)}; the verdict's is number "
        f"{ends.index(own) + 1} of {len(ends)}. They share the bars, so chance could do more than they show."
    )


def _when(report: ReportData, figures: dict[str, Figure]) -> str:
    parts = []
    if report.folds:
        shown = min(len(report.folds), charts_when.FOLDS)
        some = "" if shown == len(report.folds) else f" {shown} of {len(report.folds)} folds are drawn."
        caption = (
            "What each fold's model learnt from, what it was tested on, and what was purged: its answers "
            f"overlap the test's or come too close to it.{some}"
        )
        parts.append(_figure(report, figures, "folds", "Folds", caption, charts_when.fold_chart))
    parts += _tables(report, ("fold",))
    periods = report.groups.get("period", ())
    if len(periods) > 1:
        unit = "month" if len(periods[0].name) == 7 else "day"
        caption = f"Of each {unit}'s bars, with 95% intervals: one good {unit} should not carry the rest."
        parts.append(_figure(report, figures, "period", f"By {unit}", caption, charts_when.period_chart))
    if len(report.backtest.trips):
        _, count = charts_when.week(report)
        thin = float((count[count > 0] < FEW).mean())
        caution = (
            f" {thin:.0%} of the coloured cells hold fewer than {FEW} round trips: those say nothing."
            if thin > 0
            else ""
        )
        caption = f"Net profit per round trip, mean, bp.{caution}"
        many = "How many round trips began then: how much a cell beside it can be trusted."
        pair = [
            _figure(report, figures, "week", "Hour and weekday: profit", caption, charts_when.week_chart),
            _figure(report, figures, "weekcount", "Hour and weekday: count", many, charts_when.count_chart),
        ]
        parts.append(_pair(pair))
    parts += _tables(report, [by for by in report.groups if by not in DRAWN and by != "fold"])
    return "".join(parts)


def _tables(report: ReportData, kinds: tuple[str, ...] | list[str]) -> list[str]:
    made = []
    for by in kinds:
        groups = report.groups.get(by, ())
        if groups:
            path = " of the verdict's path" if by == "fold" and report.others else ""
            made.append(f"<h3>By {escape(by)}{path}</h3>\n{group_table(by, groups, report.currency)}")
    return made


def _score(report: ReportData, figures: dict[str, Figure]) -> str:
    parts = []
    if report.deciles:
        caption = "By score, with 95% intervals. A band pays only beyond the dashed cost of a round trip."
        title = "Mean return after the score"
        parts.append(_figure(report, figures, "deciles", title, caption, charts_score.decile_chart))
    if len(report.calibration) > 1:
        caption = "With 95% intervals; on the dashed line what it says happens. Undecided is left out."
        title = "Calibration"
        parts.append(_figure(report, figures, "calibration", title, caption, charts_score.calibration_chart))
    made = _pair(parts)
    if report.sweep is not None and len(report.sweep) > 1:
        caption = (
            f"The same scores at {len(report.sweep)} thresholds, filled at the next bar's open. Look at the "
            "shape: choosing the best of these on the data that is shown here would be as many trials more."
        )
        made += _figure(report, figures, "sweep", "Other thresholds", caption, charts_score.sweep_chart)
    if report.importance:
        first = max(sorted(report.importance), key=lambda name: report.importance[name])
        share = 100 * report.importance[first] / (sum(report.importance.values()) or 1.0)
        caption = (
            f"Share of the model's total, at most twenty features, {first} first with {share:.0f}%; "
            "says what was used, not what is true."
        )
        title = "Feature importance"
        made += _figure(report, figures, "importance", title, caption, charts_score.importance_chart)
    return made


def _costs(report: ReportData, figures: dict[str, Figure]) -> str:
    caption = "The same trades at other costs; where the line meets 0 is the break-even cost."
    if (report.metrics.financial.break_even_bp_side or 0.0) < 0:
        caption = "The same trades at other costs: a loss even at no cost, so there is no break-even cost."
    parts = [_figure(report, figures, "costs", "Net profit by cost", caption, charts.cost_chart)]
    if charts.kinds_of_cost(report):
        caption = "All that was paid, by kind. What is left out came to nothing, or was not assumed."
        parts.append(_figure(report, figures, "kinds", "Costs by kind", caption, charts.kind_chart))
    return f'<p class="muted">{escape(assumptions(report))}</p>\n{_pair(parts)}'


def _trades(report: ReportData, figures: dict[str, Figure]) -> str:
    shown = max(1, -(-len(report.backtest.trips) // charts.TRIPS))
    nth = {2: "2nd", 3: "3rd"}.get(shown, f"{shown}th")
    sample = "" if shown == 1 else f" Every {nth} round trip is drawn."
    dotted = "; dotted, a fold begins" if charts.fold_starts(report) else ""
    caption = f"Bar closes, entries and exits{dotted}.{sample}"
    return _figure(report, figures, "price", "Price and trades", caption, charts.price_chart)
