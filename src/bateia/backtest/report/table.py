"""The headline numbers, and strategy beside baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

from bateia.backtest.numbers import Financial, Metrics, Predictive
from bateia.backtest.report.data import ReportData
from bateia.backtest.report.words import MISSING, amount, cell, coins, days, known, ratio, rough, span
from bateia.trading import SimulatedBroker
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
    columns = {"Strategy": report.metrics, **{name: b.metrics for name, b in report.baselines.items()}}
    return (
        f'<p class="muted">{escape(assumptions(report))}</p>\n'
        f"{numbers_table(columns, report.currency, own=True)}"
        '<p class="note">Small print under a number: its 95% interval, by stationary bootstrap.'
        f"{_short(report)}</p>\n"
    )


def numbers_table(columns: Mapping[str, Metrics], currency: str = "", *, own: bool = False) -> str:
    """Metrics side by side, a column each; rows that nobody has are left out. `own`: the first stands out."""
    head = "".join(
        f'<th scope="col"{" class=own" if own and i == 0 else ""}>{escape(name)}</th>'
        for i, name in enumerate(columns)
    )
    body = []
    for group, rows in _rows(currency).items():
        cells = {label: [read(metrics) for metrics in columns.values()] for label, read in rows}
        told = {label: row for label, row in cells.items() if any(text != MISSING for text in row)}
        if told:
            body.append(f'<tr class="group"><th colspan="{len(columns) + 1}">{group}</th></tr>')
        for label, row in told.items():
            line = "".join(f"<td>{text}</td>" for text in row)
            body.append(f'<tr><th scope="row">{escape(label)}</th>{line}</tr>')
    return (
        f'<div class="scroll"><table><thead><tr><th></th>{head}</tr></thead>\n'
        f"<tbody>{''.join(body)}</tbody></table></div>\n"
    )


def _rows(currency: str) -> dict[str, list[Row]]:
    unit = f", {currency}" if currency else ""
    return {
        "Prediction": _prediction(),
        "Profit": _profit(unit),
        "Risk": _risk(unit),
        "Activity": _activity(unit),
    }


def _prediction() -> list[Row]:
    def skill(read: Callable[[Predictive], str]) -> Callable[[Metrics], str]:
        return lambda m: read(m.predictive) if m.predictive is not None else MISSING

    return [
        ("AUC (0.5 is no skill)", skill(lambda p: cell(p.auc, 3))),
        ("Hit rate", skill(lambda p: cell(p.hit_rate, 3))),
        ("Share of up (what always saying up hits)", skill(lambda p: cell(known(p, "up_rate"), 3))),
        ("Both calls of a round trip right", skill(lambda p: cell(p.correct_round_trip, 3))),
        ("F1, mean of up and down", skill(lambda p: cell(p.f1_macro, 3))),
        ("Information coefficient", skill(lambda p: cell(p.ic, 3, sign=True))),
        ("Rank information coefficient", skill(lambda p: cell(p.rank_ic, 3, sign=True))),
        ("Brier score (0.25 is a coin)", skill(lambda p: cell(p.brier, 4))),
        ("Log-loss (0.693 is a coin)", skill(lambda p: cell(known(p, "log_loss"), 4))),
    ]


def _profit(unit: str) -> list[Row]:
    return [
        ("Gross per round trip, bp", _account(lambda f: cell(f.gross_bp, 2, sign=True))),
        ("Costs per round trip, bp", _account(lambda f: cell(f.cost_bp, 2))),
        ("Net per round trip, bp", _account(lambda f: cell(f.net_bp, 2, sign=True))),
        (f"Gross profit{unit}", _account(lambda f: coins(known(f, "gross")))),
        (f"Costs{unit}", _account(lambda f: coins(f.cost, sign=False))),
        (f"Net profit{unit}", _account(lambda f: coins(known(f, "net")))),
        ("Net profit, % of capital", _account(lambda f: cell(f.net_return_pct, 2, sign=True))),
        (
            "Break-even cost, bp a side",
            _account(lambda f: cell(known(f, "break_even_bp_side"), 2, sign=True)),
        ),
    ]


def _risk(unit: str) -> list[Row]:
    return [
        ("Sharpe, gross", _account(lambda f: ratio(f.sharpe_gross))),
        ("Sharpe, net", _account(lambda f: ratio(f.sharpe_net))),
        ("Sortino, net", _account(lambda f: ratio(f.sortino))),
        ("Calmar, net", _account(lambda f: ratio(f.calmar))),
        ("Deepest drawdown, % of capital", _account(lambda f: cell(known(f, "max_drawdown_pct"), 2))),
        ("Longest drawdown, days", _account(lambda f: days(f.longest_drawdown_days))),
        (f"Worst 5% of bars, mean loss{unit}", _account(lambda f: coins(f.cvar_95, sign=False))),
        ("Win rate", _account(lambda f: cell(known(f, "win_rate"), 3))),
        ("Profit factor", _account(lambda f: cell(known(f, "profit_factor"), 2))),
    ]


def _activity(unit: str) -> list[Row]:
    return [
        ("Round trips", _account(lambda f: cell(f.round_trips, 0))),
        ("Exposure, share of bars", _account(lambda f: cell(f.exposure, 2))),
        ("Turnover, times capital a day", _account(lambda f: cell(f.turnover_per_day, 1))),
        (f"Capacity, rough{unit}", _account(lambda f: rough(f.capacity))),
    ]


def _account(read: Callable[[Financial], str]) -> Callable[[Metrics], str]:
    return lambda m: read(m.financial)


def assumptions(report: ReportData) -> str:
    """What trading was assumed to cost, in words."""
    run = report.backtest
    broker = run.broker
    money = f" {report.currency}" if report.currency else ""
    if not isinstance(broker, SimulatedBroker):
        return f"Trading: {broker.describe()}. Percentages are of a capital of {run.capital:,.0f}{money}."
    costs = broker.costs
    price = float(run.fills.market.mean()) if len(run.fills) else float(report.bars.close[0])
    side = costs.side(price, broker.quantity, broker.multiplier)
    bp = costs.side_bp(price, broker.multiplier)
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
    return (
        f" The sample spans {days:,.1f} days: "
        "annualised figures (Sharpe, Sortino, Calmar) reach far beyond it."
    )


def _interval(text: str) -> str:
    return f"95%: {text}" if text else "no interval"


def _percent(value: float) -> str:
    return f"{amount(value, 2, sign=True)} % of capital"
