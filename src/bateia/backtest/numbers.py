"""The numbers of a run as frozen models: ready for JSON, None where undefined."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class _Numbers(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    def to_dict(self) -> dict[str, Any]:
        """Nested plain dict of numbers; `model_validate` reads it back."""
        return self.model_dump(mode="json")


class Estimate(_Numbers):
    """A value and its 95% interval from the stationary bootstrap; None where undefined."""

    value: float | None
    low: float | None = None
    high: float | None = None


class Predictive(_Numbers):
    """How well the score foretold what came, before any trading."""

    rows: int
    """Rows with a score and an answer."""
    up_rate: float | None
    """Share of up among up and down answers: what always saying "up" would hit."""
    auc: Estimate
    """Chance that an up row scores above a down row; 0.5 is no skill."""
    hit_rate: Estimate
    """Share of non-zero scores with the answer's sign, among up and down answers."""
    ic: Estimate
    """Pearson correlation of score and forward return."""
    rank_ic: Estimate
    """Spearman correlation of score and forward return."""
    log_loss: float | None = None
    """Of the probability of up, in nats (0.693 is a coin); only where a probability was given."""


class Financial(_Numbers):
    """What the account did: currency from 0, bp of notional, one side = one buy or one sell."""

    capital: float
    """Currency that percentages refer to: one full position at the first close unless said."""
    bars: int
    days: float
    """Calendar days from the first bar to the last."""
    periods_per_year: float | None
    """Bars per calendar year (365.25 days) at this sample's pace; what annualises the Sharpe ratio."""
    gross: float
    cost: float
    net: float
    net_return_pct: float
    round_trips: int
    fills: int
    unfilled: int
    """Orders that met no trade before the end of the data."""
    closed_at_end: int
    """1 where an open position was closed at the last bar's close."""
    gross_bp: Estimate
    """Mean gross profit per round trip, bp of its entry notional."""
    net_bp: Estimate
    cost_bp: float | None
    """Mean cost per round trip, bp of its entry notional."""
    traded: float
    """Notional traded, both sides, currency."""
    cost_bp_side: float | None
    """Cost paid in bp of the notional traded."""
    break_even_bp_side: float | None
    """Cost per side at which net would be 0: gross / notional traded. Negative: no cost is low enough."""
    sharpe_gross: Estimate
    """Of the bars' profits, annualised by calendar time."""
    sharpe_net: Estimate
    max_drawdown: float
    """Deepest fall of net profit from its peak (start included), currency."""
    max_drawdown_pct: float
    """The same, % of capital."""
    turnover_per_day: float | None
    """Notional traded / capital per calendar day."""
    exposure: float
    """Share of bars at whose close a position was open."""
    win_rate: float | None
    """Share of round trips with net profit above 0."""
    profit_factor: float | None
    """Net profit of the winners / net loss of the losers."""


class Metrics(_Numbers):
    """All the numbers of one strategy on one sample."""

    predictive: Predictive | None
    financial: Financial


class Decile(_Numbers):
    """Rows of one score band: lowest scores first, equal scores never split."""

    band: int
    rows: int
    score: float
    """Mean score."""
    ret_bp: Estimate
    """Mean forward return, bp."""
