"""The headline numbers, and strategy beside baselines."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from bateia.backtest.numbers import Financial, Metrics, Predictive
from bateia.backtest.report.data import ReportData
from bateia.backtest.report.words import MISSING, amount, cell, span
from bateia.trading.latency import format_latency

Row = tuple[str, Callable[[Metrics], str]]


def tiles(report: ReportData) -> str:
    """Five numbers to remember."""
    account = report.metrics.financial
    sharpe, net_bp = account.sharpe_net, account.net_bp
    money = f" {escape(report.currency)}" if report.currency else ""
    items = (
        ("Net per round trip", amount(net_bp.value, 2, sign=True), " bp", _interval(span(net_bp))),
        ("Sharpe, net", amount(sharpe.value), "", _interval(span(sharpe))),
        ("Net profit", amount(account.net, 0, sign=True), money, _percent(account.net_return_pct)),
        (
            "Break-even cost",
            amount(account.break_even_bp_side),
            " bp a side",
            f"{amount(account.cost_bp_side)} assumed",
        ),
        (
            "Deepest drawdown",
            amount(account.max_drawdown_pct, 2),
            " %",
            f"{amount(account.max_drawdown, 0)}{money}",
        ),
    )
    parts = [
        f'<div class="tile"><div class="label">{label}</div>'
        f'<div class="value">{value}<small>{unit}</small></div><div class="range">{below}</div></div>'
        for label, value, unit, below in items
    ]
    return f'<div class="tiles">{"".join(parts)}</div>\n'


def comparison(report: ReportData) -> str:
    """The table of the strategy and its baselines, with what trading was assumed to cost."""
    columns = [("Strategy", report.metrics), *((name, b.metrics) for name, b in report.baselines.items())]
    head = "".join(
        f'<th scope="col"{" class=own" if i == 0 else ""}>{escape(name)}</th>'
        for i, (name, _) in enumerate(columns)
    )
    body = []
    for group, rows in _rows(report).items():
        cells = {label: [read(metrics) for _, metrics in columns] for label, read in rows}
        known = {label: row for label, row in cells.items() if any(text != MISSING for text in row)}
        if known:
            body.append(f'<tr class="group"><th colspan="{len(columns) + 1}">{group}</th></tr>')
        for label, row in known.items():
            line = "".join(f"<td>{text}</td>" for text in row)
            body.append(f'<tr><th scope="row">{escape(label)}</th>{line}</tr>')
    return (
        f'<h2>Strategy and baselines</h2>\n<p class="muted">{escape(_assumptions(report))}</p>\n'
        f'<div class="scroll"><table><thead><tr><th></th>{head}</tr></thead>\n'
        f"<tbody>{''.join(body)}</tbody></table></div>\n"
        '<p class="note">Small print under a number: its 95% interval, by stationary bootstrap.'
        f"{_short(report)}</p>\n"
    )


def _rows(report: ReportData) -> dict[str, list[Row]]:
    unit = f", {report.currency}" if report.currency else ""

    def skill(read: Callable[[Predictive], str]) -> Callable[[Metrics], str]:
        return lambda m: read(m.predictive) if m.predictive is not None else MISSING

    def account(read: Callable[[Financial], str]) -> Callable[[Metrics], str]:
        return lambda m: read(m.financial)

    return {
        "Prediction": [
            ("AUC (0.5 is no skill)", skill(lambda p: cell(p.auc, 3))),
            ("Hit rate", skill(lambda p: cell(p.hit_rate, 3))),
            ("Information coefficient", skill(lambda p: cell(p.ic, 3, sign=True))),
            ("Rank information coefficient", skill(lambda p: cell(p.rank_ic, 3, sign=True))),
            ("Log-loss", skill(lambda p: cell(p.log_loss, 4))),
        ],
        "Profit": [
            ("Gross per round trip, bp", account(lambda f: cell(f.gross_bp, 2, sign=True))),
            ("Costs per round trip, bp", account(lambda f: cell(f.cost_bp, 2))),
            ("Net per round trip, bp", account(lambda f: cell(f.net_bp, 2, sign=True))),
            (f"Gross profit{unit}", account(lambda f: cell(f.gross, 2, sign=True))),
            (f"Costs{unit}", account(lambda f: cell(f.cost, 2))),
            (f"Net profit{unit}", account(lambda f: cell(f.net, 2, sign=True))),
            ("Break-even cost, bp a side", account(lambda f: cell(f.break_even_bp_side, 2, sign=True))),
        ],
        "Risk": [
            ("Sharpe, gross", account(lambda f: cell(f.sharpe_gross, 2, sign=True))),
            ("Sharpe, net", account(lambda f: cell(f.sharpe_net, 2, sign=True))),
            ("Deepest drawdown, % of capital", account(lambda f: cell(f.max_drawdown_pct, 2))),
            ("Win rate", account(lambda f: cell(f.win_rate, 3))),
            ("Profit factor", account(lambda f: cell(f.profit_factor, 2))),
        ],
        "Activity": [
            ("Round trips", account(lambda f: cell(f.round_trips, 0))),
            ("Exposure, share of bars", account(lambda f: cell(f.exposure, 2))),
            ("Turnover, times capital a day", account(lambda f: cell(f.turnover_per_day, 1))),
        ],
    }


def _assumptions(report: ReportData) -> str:
    run = report.backtest
    broker, costs = run.broker, run.broker.costs
    price = float(run.fills.market.mean()) if len(run.fills) else float(report.bars.close[0])
    side = costs.side(price, broker.quantity, broker.multiplier)
    bp = costs.side_bp(price, broker.multiplier)
    money = f" {report.currency}" if report.currency else ""
    later = f" after {format_latency(broker.latency)}" if broker.latency else ""
    return (
        f"Costs assumed: {costs.describe()}. At a price of {price:,.2f} one side of {broker.quantity:g} "
        f"costs {side:,.2f}{money}, {bp:.2f} bp. Orders meet the next trade{later}. "
        f"Percentages are of a capital of {run.capital:,.0f}{money}."
    )


def _short(report: ReportData) -> str:
    days = report.metrics.financial.days
    if days >= 90:
        return ""
    return f" The sample spans {days:,.1f} days: annualised figures (Sharpe) reach far beyond it."


def _interval(text: str) -> str:
    return f"95%: {text}" if text else "no interval"


def _percent(value: float) -> str:
    return f"{amount(value, 2, sign=True)} % of capital"
