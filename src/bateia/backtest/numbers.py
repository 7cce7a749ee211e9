"""The numbers of a run as frozen models: ready for JSON, None where undefined."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Numbers(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    def to_dict(self) -> dict[str, Any]:
        """Nested plain dict of numbers; `model_validate` reads it back."""
        return self.model_dump(mode="json")


class Estimate(_Numbers):
    """A value and its 95% interval from the stationary bootstrap; None where undefined."""

    value: float | None
    """The number itself."""
    low: float | None = None
    """2.5% of the resamples lie below; None where chance could not be measured."""
    high: float | None = None
    """2.5% of the resamples lie above."""


UNKNOWN = Estimate(value=None)
Bounds = tuple[float, float]


class Predictive(_Numbers):
    """How well the score foretold what came, before any trading.

    Up and down answers are those above and below 0; a score above 0 calls up, one below 0 calls down.
    """

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
    unscored: int = 0
    """Rows without a score (NaN): left out of everything here."""
    unanswered: int = 0
    """Rows with a score but no answer or forward return (NaN): left out too."""
    undecided: int = 0
    """Rows whose answer is 0, neither up nor down: left out of all but `ic` and `rank_ic`."""
    average_precision: Estimate = UNKNOWN
    """Area under precision over recall for up, best scores first; `up_rate` is no skill."""
    average_precision_down: Estimate = UNKNOWN
    """The same for down, lowest scores first; 1 - `up_rate` is no skill."""
    precision_up: Estimate = UNKNOWN
    """Share of up among the rows called up."""
    recall_up: Estimate = UNKNOWN
    """Share called up among the up rows."""
    precision_down: Estimate = UNKNOWN
    """Share of down among the rows called down."""
    recall_down: Estimate = UNKNOWN
    """Share called down among the down rows."""
    f1_macro: Estimate = UNKNOWN
    """Mean of the two calls' F1, each 2 x precision x recall / (precision + recall)."""
    correct_round_trip: Estimate = UNKNOWN
    """`precision_up` x `precision_down`: chance that the call that opens and the one that turns are right."""
    brier: Estimate = UNKNOWN
    """Mean squared error of the probability of up, 0 to 1 (0.25 is a coin); only where one was given."""
    intervals: dict[str, Bounds] = Field(default_factory=dict)
    """95% intervals of the plain numbers above, by field; those without a defined one are left out."""


class Financial(_Numbers):
    """What the account did: currency from 0, bp of notional, one side = one buy or one sell.

    Of a group of bars (`breakdown`), the same of the profits made in its bars, one after the other, and of
    the round trips that were entered in them.
    """

    capital: float
    """Currency that percentages refer to: one full position at the first close unless said."""
    bars: int
    """Bars, traded in or not."""
    days: float
    """Calendar days from the first bar to the last."""
    periods_per_year: float | None
    """Bars per calendar year (365.25 days) at this sample's pace; what annualises the Sharpe ratio."""
    gross: float
    """Profit at the market's prices, before costs, currency."""
    cost: float
    """Fees, spread and slippage paid, currency."""
    net: float
    """`gross` - `cost`, currency."""
    net_return_pct: float
    """`net` in % of capital."""
    round_trips: int
    """Positions opened and closed again (a flip closes one and opens the next)."""
    fills: int
    """Orders that were executed."""
    unfilled: int
    """Orders that met no trade before the end of the data."""
    closed_at_end: int
    """1 where an open position was closed at the last bar's close."""
    gross_bp: Estimate
    """Mean gross profit per round trip, bp of its entry notional."""
    net_bp: Estimate
    """Mean net profit per round trip, bp of its entry notional."""
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
    """The same after costs."""
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
    expectancy: Estimate = UNKNOWN
    """Mean net profit per round trip, currency."""
    correct_rate: Estimate = UNKNOWN
    """Share of round trips with gross profit above 0: right about the direction, costs aside."""
    sortino: Estimate = UNKNOWN
    """Mean net profit per bar / root mean square of the bars' net losses, annualised by calendar time."""
    calmar: Estimate = UNKNOWN
    """Net profit per calendar year / `max_drawdown`; profits are not compounded."""
    recovery_factor: Estimate = UNKNOWN
    """`net` / `max_drawdown`."""
    longest_drawdown_bars: int = 0
    """Most bars in a row that closed below an earlier peak of net profit (start included)."""
    longest_drawdown_days: float = 0.0
    """Longest calendar time from a peak to the bar that regained it, or to the last bar, days."""
    tail_ratio: Estimate = UNKNOWN
    """95% quantile / -(5% quantile) of net profit per bar; None unless the latter is a loss."""
    var_95: Estimate = UNKNOWN
    """Value at risk: the loss per bar that 95% of bars stay within, currency; below 0 it is a profit."""
    cvar_95: Estimate = UNKNOWN
    """Expected shortfall: mean loss per bar over the worst 5% of bars, currency."""
    capacity: Estimate = UNKNOWN
    """Capital at which square-root impact, on top of `cost`, eats `net`; 0 without profit, None without
    volume."""
    intervals: dict[str, Bounds] = Field(default_factory=dict)
    """95% intervals of the plain numbers above, by field; those without a defined one are left out."""


class Metrics(_Numbers):
    """All the numbers of one strategy on one sample."""

    predictive: Predictive | None
    """None where no score was given."""
    financial: Financial
    """The account."""


class Group(_Numbers):
    """The numbers of some of a backtest's bars: a fold, an hour, a regime, a symbol, a month."""

    name: str
    """Such as "fold 1", "14:00", "Monday", "2013-09"."""
    financial: Financial
    """Of the profits made in its bars, and of the round trips entered in them."""
    predictive: Predictive | None = None
    """Of the scores of its bars; None where no score was given."""


class Decile(_Numbers):
    """Rows of one score band: lowest scores first, equal scores never split."""

    band: int
    """From 1."""
    rows: int
    """Rows in it."""
    score: float
    """Mean score."""
    ret_bp: Estimate
    """Mean forward return, bp."""


class CalibrationBin(_Numbers):
    """Rows of one band of predicted probabilities: lowest first, equal ones never split."""

    band: int
    """From 1."""
    rows: int
    """Rows in it."""
    predicted: float
    """Mean probability of up, 0 to 1."""
    happened: Estimate
    """Share of up among them, 0 to 1: what `predicted` should be."""
