"""What the numbers rest on: data, recipe, versions, trials and conventions."""

from __future__ import annotations

from html import escape

from bateia.backtest.report.data import ReportData

CONVENTIONS = (
    "A decision is made when its bar is known and meets the first trade after the latency, never an earlier "
    "one.",
    "The trade's price stands for the middle of the spread; spread, slippage and fees are on top.",
    "The Sharpe ratio is that of profits from bar close to bar close, flat bars included, scaled by the "
    "square root of the bars per calendar year at this sample's pace.",
    "Intervals resample blocks of rows in time (Politis and Romano), block lengths after Politis and White.",
    "bp are basis points of notional: of a round trip's entry, or of all traded (\u201ca side\u201d).",
)


def notes(report: ReportData) -> str:
    """The footnotes."""
    trials = f"{report.trials:,} on this data, tuning included"
    facts = {**report.data, "Trials in the ledger": trials, "Recipe hash": report.recipe_hash}
    if report.versions:
        facts["Versions"] = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts.items())
    lines = "".join(f"<li>{escape(line)}</li>" for line in CONVENTIONS)
    recipe = f"<pre>{escape(report.recipe)}</pre>"
    return (
        f"<dl>{rows}</dl>\n"
        f'<ul class="muted">{lines}</ul>\n<details><summary>Recipe</summary>{recipe}</details>\n'
    )
