"""The rules of a recipe's `risk:` section: sizers, stops, limits, and what holds in a regime."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bateia.core import AMOUNT, INT32, Component, ConfigError, Duration

Leverage = Annotated[float, Field(gt=0.0, le=1000.0)]
"""Notional over equity."""
Share = Annotated[float, Field(gt=0.0, le=1.0)]


class Fixed(Component):
    """A set number of units at a target of 1."""

    kind: Literal["fixed"] = "fixed"
    units: float = Field(default=1.0, gt=0.0, le=AMOUNT)


class Volatility(Component):
    """As many units as give the account a set volatility: notional = equity * goal / volatility.

    The volatility is that of log returns, exponentially weighted by calendar time, so gaps and uneven bars
    count as long as they last; unknown until one half-life has passed, and where prices stand still.

    Source: Carver, "Systematic Trading" (2015), chapters 9 and 10.
    """

    kind: Literal["volatility"] = "volatility"
    goal: float = Field(gt=0.0, le=10.0)
    """Volatility of the account at a target of 1, a year: 0.2 is 20%."""
    half_life: Duration
    """Time in which a return loses half its weight."""
    cap: Leverage = 1.0


class Kelly(Component):
    """A fraction of the growth-optimal share of equity: mean over mean square of returns on notional.

    Source: Kelly, "A New Interpretation of Information Rate" (1956): a fair coin's bet won with probability
    p takes 2p - 1; MacLean, Thorp and Ziemba, "The Kelly Capital Growth Investment Criterion" (2011), on why
    less than all of it: half of it keeps three quarters of the growth with half the volatility.
    """

    kind: Literal["kelly"] = "kelly"
    by: Literal["trades", "prediction"] = "trades"
    """From the account's own closed trades, or from a predicted `edge` and `probability` for each bar."""
    fraction: Share = 0.5
    cap: Leverage = 1.0
    memory: float = Field(default=50.0, gt=0.0, le=INT32)
    """Trades after which one has lost half its weight."""
    after: int = Field(default=30, ge=2, le=INT32)
    """Trades needed before they are believed."""
    begin: float = Field(default=0.1, ge=0.0, le=1000.0)
    """Share of equity until then: at 0 there would never be a trade."""
    least: float = Field(default=0.0, ge=0.0, le=1000.0)
    """Share of equity whatever the trades say; at 0 a bad streak may end trading for good."""

    @model_validator(mode="after")
    def _within_cap(self) -> Self:
        for name, value in (("begin", self.begin), ("least", self.least)):
            if value > self.cap:
                given = f"{name} {value:g} with cap {self.cap:g}"
                error = ConfigError(given, allowed=f"{name} <= cap", hint=f"{name}: {self.cap:g}")
                raise ValueError(str(error))
        return self


class Atr(Component):
    """As many units as lose a set share of equity when the price goes `distance` true ranges against us."""

    kind: Literal["atr"] = "atr"
    risk: Share
    """Share of equity lost at the stop, costs and gaps aside."""
    distance: float = Field(default=2.0, gt=0.0, le=1000.0)
    """True ranges to the stop: the `multiple` of the stop beside it."""
    window: int = Field(default=14, ge=1, le=INT32)
    cap: Leverage = 1.0


class Score(Component):
    """The size times the model's own confidence, 0 to 1; it stands beside any other sizer.

    By score: |score| / `full`. By probability p that the target's side is right: 2 N(z) - 1 with
    z = (p - 1/2) / sqrt(p (1 - p)).

    Source: Lopez de Prado, "Advances in Financial Machine Learning" (2018), section 10.3.
    """

    kind: Literal["score"] = "score"
    by: Literal["score", "probability"] = "score"
    full: float = Field(default=1.0, gt=0.0, le=AMOUNT)
    """Score, in the model's units, from which the size is whole."""
    least: float = Field(default=0.0, ge=0.0, le=1.0)
    """Share of the size that a score of 0 gets."""


class Inertia(Component):
    """A size stays as it is until it would change by more than a share of itself: fewer, larger orders.

    Source: Carver, "Systematic Trading" (2015), chapter 11, who takes 10%.
    """

    kind: Literal["inertia"] = "inertia"
    share: float = Field(default=0.1, ge=0.0, lt=1.0)


class AtrStop(Component):
    """A stop `multiple` mean true ranges from the best price since the entry, or from the entry."""

    kind: Literal["atr_stop"] = "atr_stop"
    multiple: float = Field(default=3.0, gt=0.0, le=1000.0)
    window: int = Field(default=14, ge=1, le=INT32)
    trail: bool = True
    """Follow the best price; else stay where the entry put it."""


class AdaptiveStop(Component):
    """A trailing stop that widens with volatility and tightens with age.

    Its distance is `multiple` mean true ranges of now, times a factor that falls from 1 to `tightest` over
    `life`; never more than `widest` times what it was at the entry.
    """

    kind: Literal["adaptive_stop"] = "adaptive_stop"
    multiple: float = Field(default=3.0, gt=0.0, le=1000.0)
    window: int = Field(default=14, ge=1, le=INT32)
    life: Duration
    tightest: float = Field(default=0.5, gt=0.0, le=1.0)
    widest: float = Field(default=2.0, ge=1.0, le=1000.0)


class Drawdown(Component):
    """Less size as equity falls below its peak: all of it down to `start`, `least` of it from `end` on.

    The optimum under a drawdown constraint is a notional proportional to the surplus over the floor of
    (1 - end) * peak; with start 0 and least 0 this is that, times equity / peak. At the floor nothing is
    held, so that only a reset, or other symbols, bring trading back.

    Source: Grossman and Zhou, "Optimal Investment Strategies for Controlling Drawdowns" (1993), section 3.
    """

    kind: Literal["drawdown"] = "drawdown"
    start: float = Field(ge=0.0, lt=1.0)
    end: float = Field(gt=0.0, le=1.0)
    least: float = Field(default=0.0, ge=0.0, le=1.0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start >= self.end:
            given = f"start {self.start:g} with end {self.end:g}"
            error = ConfigError(given, allowed="start < end", hint=f"start: {self.end / 2:g}")
            raise ValueError(str(error))
        return self


class DailyLoss(Component):
    """Flat for the rest of a session that has lost `share` of the equity it began with.

    The session is a day from `Risk.opens` on; equity at its beginning is the last one known before.
    """

    kind: Literal["daily_loss"] = "daily_loss"
    share: Share


class Exposure(Component):
    """Caps on the position when it is decided; what the price does to it later is seen at the next bar."""

    kind: Literal["exposure"] = "exposure"
    units: float | None = Field(default=None, gt=0.0, le=AMOUNT)
    """Most units."""
    symbol: Leverage | None = None
    """Most notional of this symbol as a share of equity."""
    total: Leverage | None = None
    """Most notional of all symbols as a share of equity; needs `Standing.others`."""

    @model_validator(mode="after")
    def _any(self) -> Self:
        if self.units is None and self.symbol is None and self.total is None:
            raise ValueError(
                str(ConfigError("no cap at all", allowed="units, symbol, total", hint="symbol: 1"))
            )
        return self


class TradesPerDay(Component):
    """Most positions opened in a session, flips included; those open may be resized and closed."""

    kind: Literal["trades"] = "trades"
    most: int = Field(ge=1, le=INT32)


class Cooldown(Component):
    """Flat for a while once a position was closed at a loss, costs included."""

    kind: Literal["cooldown"] = "cooldown"
    wait: Duration


class Kill(Component):
    """Flat for good, until `RiskStream.reset()`."""

    kind: Literal["kill"] = "kill"
    drawdown: Share | None = None
    """Fall from the peak of equity."""
    loss: Share | None = None
    """Fall from the first equity."""
    losses: int | None = Field(default=None, ge=1, le=INT32)
    """Positions closed at a loss one after another."""

    @model_validator(mode="after")
    def _any(self) -> Self:
        if self.drawdown is None and self.loss is None and self.losses is None:
            error = ConfigError("no switch", allowed="drawdown, loss, losses", hint="drawdown: 0.2")
            raise ValueError(str(error))
        return self


AnySizer = Fixed | Volatility | Kelly | Atr
AnyStop = AtrStop | AdaptiveStop
Plain = Annotated[
    AnySizer | AnyStop | Score | Inertia | Drawdown | DailyLoss | Exposure | TradesPerDay | Cooldown | Kill,
    Field(discriminator="kind"),
]
"""A rule that is not itself a set of rules."""


class Regime(Component):
    """Rules that replace those of their kind (any sizer a sizer, any stop a stop) while a regime lasts."""

    kind: Literal["regime"] = "regime"
    number: int = Field(ge=0, le=INT32)
    rules: tuple[Plain, ...] = Field(min_length=1)


AnyRule = Annotated[
    AnySizer
    | AnyStop
    | Score
    | Inertia
    | Drawdown
    | DailyLoss
    | Exposure
    | TradesPerDay
    | Cooldown
    | Kill
    | Regime,
    Field(discriminator="kind"),
]
"""Every rule that a recipe's `risk:` section can name by its `kind`."""
Rules = tuple[AnyRule, ...]
