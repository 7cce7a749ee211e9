"""The strategy's numbers by fold, regime or whatever else a run is broken down by."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bateia.backtest.numbers import Group
from bateia.backtest.report.words import MISSING, cell, coins, days, known, ratio

DRAWN = ("hour", "weekday", "period")
"""Shown as charts."""


def group_table(by: str, groups: Sequence[Group], currency: str = "") -> str:
    """A line a group, each with the intervals that there are."""
    unit = f", {currency}" if currency else ""
    skill = any(group.predictive for group in groups)
    head = [
        by.capitalize(),
        "Days",
        "Round trips",
        "Net per trip, bp",
        f"Net profit{unit}",
        "Sharpe, net",
        "Deepest drawdown, %",
        *(["AUC"] if skill else []),
    ]
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    rows = "".join(_row(by, group, skill) for group in groups)
    return (
        f'<div class="scroll"><table class="wide"><thead><tr>{top}</tr></thead>\n'
        f"<tbody>{rows}</tbody></table></div>\n"
    )


def _row(by: str, group: Group, skill: bool) -> str:
    account = group.financial
    cells = [
        days(account.days),
        cell(account.round_trips, 0),
        cell(account.net_bp, 2, sign=True),
        coins(known(account, "net")),
        ratio(account.sharpe_net),
        cell(known(account, "max_drawdown_pct"), 2),
    ]
    if skill:
        cells.append(cell(group.predictive.auc, 3) if group.predictive else MISSING)
    name = group.name.removeprefix(f"{by} ")
    line = "".join(f"<td>{text}</td>" for text in cells)
    return f'<tr><th scope="row">{escape(name)}</th>{line}</tr>'
