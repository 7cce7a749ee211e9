"""The gate table: what a promotion asks for, and what the run has to show."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bateia.backtest.evidence import Ruling
from bateia.backtest.report.words import short, true_minus

MARKS = {"passed": "\u2713", "failed": "\u2717", "not judged": "\u2013"}


def gate_table(rulings: Sequence[Ruling]) -> str:
    """One line a gate: value, bound, passed or failed in words, and the reason."""
    passed = sum(ruling.status == "passed" for ruling in rulings)
    in_the_way = sum(not ruling.holds for ruling in rulings)
    answer = f"{passed} of {len(rulings)} passed, {in_the_way or 'none'} in the way, so it would be "
    answer += "refused" if in_the_way else "promoted"
    rows = "".join(map(_row, rulings))
    return (
        f'<p class="muted">What the recipe asks of a run before <code>bateia promote</code> gives it a name: '
        f"{answer}. Judged when the run ended; a promotion judges anew, by the ledger as it is then.</p>\n"
        '<div class="scroll"><table class="told gates"><thead><tr><th scope="col">Gate</th>'
        '<th scope="col">Value</th><th scope="col">Needed</th><th scope="col">Verdict</th></tr></thead>\n'
        f"<tbody>{rows}</tbody></table></div>\n"
    )


def _row(ruling: Ruling) -> str:
    because = f'<span class="range">{escape(true_minus(ruling.reason))}</span>' if ruling.reason else ""
    kind = "held" if ruling.status == "passed" else "broken" if not ruling.holds else "open"
    free = "" if ruling.status != "not judged" else ", not in the way" if ruling.holds else ", in the way"
    return (
        f'<tr><th scope="row">{escape(ruling.name)}{because}</th><td>{short(ruling.value)}</td>'
        f"<td>{escape(true_minus(ruling.needed))}</td>"
        f'<td class="{kind}">{MARKS[ruling.status]} {escape(ruling.status + free)}</td></tr>'
    )
