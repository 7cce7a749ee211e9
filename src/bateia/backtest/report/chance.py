"""Could it be luck? What the trial ledger says, a number and a plain sentence each."""

from __future__ import annotations

from html import escape

from bateia.backtest.chance import Chance
from bateia.backtest.report.words import MISSING, amount, probability, true_minus

CHANCE = -1
"""In place of a number of decimals: a probability."""
_LINES: tuple[tuple[str, str, int, str], ...] = (
    (
        "effective_trials",
        "Effective trials",
        1,
        "Independent trials that these amount to: near copies of one recipe count little.",
    ),
    (
        "sharpe_daily",
        "Sharpe ratio, daily",
        3,
        "Of this run: mean over standard deviation of a day's net profit.",
    ),
    (
        "luck_daily",
        "What luck shows, daily",
        3,
        "The Sharpe ratio expected of the best of these trials if none had any skill.",
    ),
    (
        "psr",
        "Probabilistic Sharpe ratio",
        CHANCE,
        "Probability that the true Sharpe ratio is above 0, had this been the only trial.",
    ),
    (
        "dsr",
        "Deflated Sharpe ratio",
        CHANCE,
        "Probability that it is above what luck shows; below 0.95, luck is explanation enough.",
    ),
    (
        "min_track_days",
        "Minimum track record, days",
        0,
        "Days that such a Sharpe ratio needs before it is above 0 at 95%.",
    ),
    (
        "min_track_days_deflated",
        "The same against luck, days",
        0,
        "Days that it needs before it is above what luck shows at 95%.",
    ),
    (
        "pbo",
        "Probability of backtest overfitting",
        CHANCE,
        "How often the trial that is best on half of the days falls into the worse half on the other days.",
    ),
    (
        "spa",
        "Superior ability, p-value",
        CHANCE,
        "How often trials without skill would have a best one as good as this ledger's best (Hansen).",
    ),
    (
        "reality_check",
        "Reality check, p-value",
        CHANCE,
        "The same question, asked more cautiously where poor trials are many (White).",
    ),
    (
        "mcs",
        "Model confidence set, p-value",
        CHANCE,
        "Small: other trials of this data are better than this one beyond doubt.",
    ),
)


def chance_panel(chance: Chance) -> str:
    """The table: name, value or a dash with the reason, and what it means."""
    counted = f"{_days(chance.days)}, {_trials(chance.trials)} of this data"
    rows = [
        _row(
            "Trials in the ledger",
            f"{chance.trials:,}",
            "Different recipes tried on this data, tuning included: the more, the better looks the luckiest.",
        )
    ]
    unknown: dict[str, list[str]] = {}
    for field, name, digits, meaning in _LINES:
        value = getattr(chance, field)
        if value is None:
            unknown.setdefault(chance.missing.get(field, "no reason given"), []).append(name)
        else:
            shown = probability(value) if digits == CHANCE else amount(value, digits)
            rows.append(_row(name, escape(shown), meaning))
    rows += [_unknown(names, why) for why, names in unknown.items()]
    how = f" Effective trials: {chance.counted}." if chance.counted else ""
    compared = (
        f" The profits of {chance.compared:,} cover {_covered(chance)} and are compared."
        if chance.compared
        else ""
    )
    return (
        f'<p class="muted">From daily net profits: {escape(counted)}, as the ledger stood when the run ended.'
        f"{escape(compared)}{escape(how)}</p>\n"
        '<div class="scroll"><table class="told"><thead><tr><th></th><th scope="col">Value</th>'
        f'<th scope="col">In plain words</th></tr></thead>\n<tbody>{"".join(rows)}</tbody></table></div>\n'
    )


def _row(name: str, value: str, meaning: str) -> str:
    return f'<tr><th scope="row">{escape(name)}</th><td>{value}</td><td>{escape(meaning)}</td></tr>'


def _unknown(names: list[str], why: str) -> str:
    """One line for all that one reason keeps unknown."""
    reason = f'<span class="range">Not known: {escape(true_minus(why))}.</span>'
    return (
        f'<tr><th scope="row">Unknown</th><td>{MISSING}</td><td>{escape(" · ".join(names))}{reason}</td></tr>'
    )


def _days(count: int) -> str:
    return f"{count:,} day{'' if count == 1 else 's'}"


def _covered(chance: Chance) -> str:
    if not chance.compared_days or chance.compared_days >= 0.95 * chance.days:
        return "this run's days"
    return f"the same {_days(chance.compared_days)}"


def _trials(count: int) -> str:
    return f"{count:,} trial{'' if count == 1 else 's'}"
