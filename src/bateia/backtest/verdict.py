"""The run in one sentence, as plain about a loss as about a win."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

from bateia.backtest.chance import Chance, best_of
from bateia.backtest.numbers import Financial, Metrics

SURE = 0.95
"""Probability that the true Sharpe ratio beats luck's best, below which nothing is said about an edge."""
ENOUGH = 30
"""Round trips below which nothing is said about an edge."""


@dataclass(frozen=True)
class Verdict:
    """`headline` for people, `edge` for machines, `reasons` for doubters."""

    headline: str
    edge: bool
    reasons: tuple[str, ...]


def verdict(
    metrics: Metrics,
    baselines: Mapping[str, Metrics] | None = None,
    *,
    trials: int = 1,
    chance: Chance | None = None,
) -> Verdict:
    """Judge a run: an edge needs all of these, and the first that fails is the headline.

    At least 30 round trips; costs assumed at all; net profit; the 95% interval of the net Sharpe ratio
    above 0; more net profit than every baseline; and a net Sharpe ratio above what the best of `trials`
    attempts without skill would show: by the deflated Sharpe ratio where `chance` knows it.
    """
    account = metrics.financial
    baselines = baselines or {}
    failures = [
        headline
        for headline in (
            _few(account),
            _losing(account),
            _untested(account),
            _chance(account),
            _beaten(account, baselines),
            _lucky(account, trials, chance),
        )
        if headline
    ]
    reasons = _reasons(account, baselines, trials)
    if failures:
        return Verdict(failures[0], False, (*failures[1:], *reasons))
    headline = (
        f"Edge after costs: net {_bp(account.net_bp.value)} per trade, Sharpe {_sharpe(account)}; "
        f"break-even cost {_bp(account.break_even_bp_side, sign=False)} a side, "
        f"assumed {_bp(account.cost_bp_side, sign=False)}"
    )
    return Verdict(headline, True, reasons)


def _few(account: Financial) -> str:
    if not account.round_trips:
        return "No trades: the policy never left flat, or no order met a trade"
    if account.round_trips < ENOUGH:
        return f"Too few trades to tell: {_trips(account)}, at least {ENOUGH} are needed"
    return ""


def _losing(account: Financial) -> str:
    if account.net > 0:
        return ""
    gross, cost = _bp(account.gross_bp.value), _bp(account.cost_bp, sign=False)
    if account.gross <= 0:
        return f"No edge, even before costs: gross {gross} per trade, costs {cost}"
    side = _bp(account.break_even_bp_side, sign=False)
    return f"No edge after costs: gross {gross} per trade, costs {cost}; break-even cost {side} a side"


def _untested(account: Financial) -> str:
    if account.cost > 0 or account.net <= 0:
        return ""
    side = _bp(account.break_even_bp_side, sign=False)
    return f"Untested against costs: none were assumed; break-even cost {side} a side"


def _chance(account: Financial) -> str:
    low = account.sharpe_net.low
    if account.net <= 0 or (low is not None and low > 0):
        return ""
    net = _bp(account.net_bp.value)
    return f"Profit within the range of chance: net {net} per trade, Sharpe {_sharpe(account)}"


def _beaten(account: Financial, baselines: Mapping[str, Metrics]) -> str:
    better = {name: m.financial.net for name, m in baselines.items() if m.financial.net >= account.net}
    if not better:
        return ""
    name = max(better, key=lambda key: better[key])
    return f"No edge over the baseline: net {account.net:+,.2f}, {name} {better[name]:+,.2f}"


def _lucky(account: Financial, trials: int, chance: Chance | None) -> str:
    if trials > 1 and account.net > 0 and chance is not None and chance.dsr is not None:
        if chance.dsr >= SURE:
            return ""
        return (
            f"Could be the luckiest of {trials:,} trials: deflated Sharpe ratio {chance.dsr:.2f}, not {SURE}"
        )
    value, low = account.sharpe_net.value, account.sharpe_net.low
    if trials <= 1 or account.net <= 0 or value is None or low is None:
        return ""
    error = (value - low) / NormalDist().inv_cdf(0.975)
    luck = best_of(trials) * error
    # The same one-sided 97.5% as the interval, against luck's best instead of against 0.
    if low > luck:
        return ""
    return (
        f"Could be the luckiest of {trials:,} trials: Sharpe {_sharpe(account)}, luck alone shows {luck:.2f}"
    )


def _reasons(account: Financial, baselines: Mapping[str, Metrics], trials: int) -> tuple[str, ...]:
    lines = [
        f"{_trips(account)} in {account.days:,.1f} days; "
        f"net {account.net:+,.2f}, gross {account.gross:+,.2f}, costs {account.cost:,.2f}",
        f"Sharpe net {_sharpe(account)}, annualised by calendar time",
    ]
    lines += [f"Baseline {name}: net {m.financial.net:+,.2f}" for name, m in baselines.items()]
    if not baselines:
        lines.append("No baseline was given")
    lines.append(f"{trials:,} trial{'' if trials == 1 else 's'} of this data in the ledger")
    if account.unfilled:
        lines.append(f"{account.unfilled:,} orders met no trade before the end of the data")
    if account.closed_at_end:
        lines.append("The last position was closed at the last bar's close, with costs")
    return tuple(lines)


def _trips(account: Financial) -> str:
    return f"{account.round_trips:,} round trip{'' if account.round_trips == 1 else 's'}"


def _bp(value: float | None, *, sign: bool = True) -> str:
    if value is None:
        return "unknown"
    return f"{value:+,.2f} bp" if sign else f"{value:,.2f} bp"


def _sharpe(account: Financial) -> str:
    s = account.sharpe_net
    if s.value is None:
        return "unknown"
    if s.low is None or s.high is None:
        return f"{s.value:.2f}"
    return f"{s.value:.2f} (95% interval {s.low:.2f} to {s.high:.2f})"
