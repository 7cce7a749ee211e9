"""The page: verdict first, then numbers, charts, and what they rest on."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import escape

from bateia.backtest.report import charts
from bateia.backtest.report.data import ReportData
from bateia.backtest.report.notes import notes
from bateia.backtest.report.style import CSS, GOLD, INK
from bateia.backtest.report.table import comparison, tiles
from bateia.backtest.report.words import true_minus
from bateia.core import format_time

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
PAN = (
    '<svg width="26" height="16" viewBox="0 0 26 16" aria-hidden="true">'
    f'<path d="M1 5h24c-1 6-6 10-12 10S2 11 1 5z" fill="none" stroke="{INK}" stroke-width="1.4"/>'
    f'<g fill="{GOLD}"><circle cx="10" cy="2.4" r="1.7"/><circle cx="15.4" cy="10.4" r="1.7"/>'
    '<circle cx="11" cy="9.4" r="1.2"/></g></svg>'
)
SCRIPT = """
const figures = JSON.parse(document.getElementById("figures").textContent);
const config = {displaylogo: false, displayModeBar: false, responsive: true};
const touch = matchMedia("(pointer: coarse)").matches;
const resized = new ResizeObserver(entries => entries.forEach(e => Plotly.Plots.resize(e.target)));
for (const [id, figure] of Object.entries(figures)) {
  if (touch) figure.layout.dragmode = false;
  Plotly.newPlot(id, figure.data, figure.layout, config);
  resized.observe(document.getElementById(id));
}
const resize = () => Object.keys(figures).forEach(id => Plotly.Plots.resize(id));
addEventListener("beforeprint", () => {
  document.querySelectorAll("details").forEach(part => { part.open = true; });
  resize();
});
addEventListener("afterprint", resize);
"""


def render_report(report: ReportData) -> str:
    """One self-contained HTML page (about 5 MB: the chart library is inside); no request leaves it.

    The same input gives the same text. All words are escaped; times are UTC.
    """
    from plotly.offline import get_plotlyjs

    figures: dict[str, charts.Figure] = {}
    body = "".join(
        (
            _header(report),
            tiles(report),
            comparison(report),
            _charts(report, figures),
            notes(report),
        )
    )
    # "<" inside JSON would let a name close the script element.
    data = json.dumps(figures, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>{escape(report.name)} \u00b7 Bateia</title>\n'
        f"<style>{CSS}</style>\n</head>\n<body>\n<main>\n{body}</main>\n"
        f'<script type="application/json" id="figures">{data}</script>\n'
        f"<script>{get_plotlyjs()}</script>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def _header(report: ReportData) -> str:
    bars, verdict = report.bars, report.verdict
    first, last = (format_time(int(t))[:16].replace("T", " ") for t in (bars.time[0], bars.time[-1]))
    period = f"{first} to {last} UTC"
    sample = "Out of sample, " if report.folds else ""
    about = f"<p>{escape(report.description)}</p>" if report.description else ""
    reasons = "".join(f"<li>{escape(true_minus(reason))}</li>" for reason in verdict.reasons)
    kind, tag = ("verdict edge", "Edge") if verdict.edge else ("verdict", "No edge shown")
    return (
        f'<div class="brand">{PAN}<span>Bateia report</span></div>\n<h1>{escape(report.name)}</h1>\n'
        f'<p class="muted">{sample}{escape(period)}, {len(bars):,} bars</p>\n{about}'
        f'<section class="{kind}"><div class="tag">{tag}</div>'
        f'<div class="headline">{escape(true_minus(verdict.headline))}</div><ul>{reasons}</ul></section>\n'
    )


def _charts(report: ReportData, figures: dict[str, charts.Figure]) -> str:
    def figure(name: str, title: str, caption: str, draw: Callable[[ReportData], charts.Figure]) -> str:
        figures[name] = draw(report)
        height = figures[name]["layout"]["height"]
        return (
            f"<figure><h3>{escape(title)}</h3><figcaption>{escape(caption)}</figcaption>"
            f'<div class="chart" id="{name}" style="height:{height}px"></div></figure>\n'
        )

    shown = max(1, -(-len(report.backtest.trips) // charts.TRIPS))
    nth = {2: "2nd", 3: "3rd"}.get(shown, f"{shown}th")
    sample = "" if shown == 1 else f" Every {nth} round trip is drawn."
    unit = f", {report.currency}" if report.currency else ""
    marked = "From 0, marked to each bar's close. Drag to zoom, double-click to come back."
    parts = [
        "<h2>What it did</h2>\n",
        figure("equity", f"Profit{unit}", marked, charts.equity_chart),
        figure("drawdown", "Drawdown, % of capital", "Below the highest net so far.", charts.drawdown_chart),
        figure("price", "Price and trades", f"Bar closes, entries and exits.{sample}", charts.price_chart),
    ]
    why = []
    if report.deciles:
        caption = "By score, with 95% intervals. A band pays only beyond the dashed cost of a round trip."
        why.append(figure("deciles", "Mean return after the score, bp", caption, charts.decile_chart))
    caption = "The same trades at other costs; where the line meets 0 is the break-even cost."
    if (report.metrics.financial.break_even_bp_side or 0.0) < 0:
        caption = "The same trades at other costs: a loss even at no cost, so there is no break-even cost."
    why.append(figure("costs", f"Net profit by cost{unit}", caption, charts.cost_chart))
    parts += ["<h2>Why</h2>\n", f'<div class="pair">{"".join(why)}</div>\n' if len(why) > 1 else why[0]]
    if report.importance:
        caption = "Share of the model's total, at most twenty features; says what was used, not what is true."
        parts.append(figure("importance", "Feature importance", caption, charts.importance_chart))
    if report.folds:
        caption = "Each fold is tested on what comes after its training."
        parts.append(figure("folds", "Folds", caption, charts.fold_chart))
    return "".join(parts)
