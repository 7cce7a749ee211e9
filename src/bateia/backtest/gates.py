"""Gates: what a run must show before it is promoted, each a component that judges the run's evidence."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from bateia.backtest.evidence import Evidence, Ruling, Status, number_at, regimes_in
from bateia.core import Component, ConfigError, Duration
from bateia.core.clock import DAY


class _Bound(Component):
    """A number between two bounds, either of which may be missing."""

    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError(
                str(ConfigError("a gate without a bound", allowed="at_least or at_most, or both"))
            )
        return self

    def needed(self) -> str:
        """The bounds in words."""
        low = [] if self.at_least is None else [f"at least {self.at_least:g}"]
        high = [] if self.at_most is None else [f"at most {self.at_most:g}"]
        return " and ".join(low + high)

    def rule(self, name: str, value: float | None, why: str = "", *, blocks: bool = True) -> Ruling:
        """Within the bounds or not; not judged where the value is unknown."""
        if value is None:
            return Ruling(name, None, self.needed(), "not judged", why or "undefined in this run", blocks)
        low = self.at_least is not None and not value >= self.at_least
        high = self.at_most is not None and not value <= self.at_most
        return Ruling(name, value, self.needed(), "failed" if low or high else "passed", why)


class MetricGate(_Bound):
    """Any number of the run between bounds, such as `strategy.financial.win_rate` at least 0.6.

    >>> gate = MetricGate(path="strategy.financial.win_rate", at_least=0.6)
    >>> gate.judge(Evidence({"strategy": {"financial": {"win_rate": 0.55}}})).status
    'failed'
    """

    kind: Literal["metric"] = "metric"
    path: str

    def judge(self, evidence: Evidence) -> Ruling:
        """ConfigError where nothing like it was measured."""
        return self.rule(self.path, number_at(evidence.metrics, self.path))


class ProfitGate(Component):
    """Net profit above 0, after costs that were assumed at all."""

    kind: Literal["profit"] = "profit"

    def judge(self, evidence: Evidence) -> Ruling:
        """A run without costs fails, whatever it earned."""
        net, cost = (number_at(evidence.metrics, f"strategy.financial.{name}") for name in ("net", "cost"))
        traded = number_at(evidence.metrics, "strategy.financial.traded")
        free = bool(traded) and not cost
        passed = net is not None and net > 0 and not free
        return Ruling(
            "profit net of costs",
            net,
            "above 0",
            "passed" if passed else "failed",
            "no costs were assumed" if free else "",
        )


class BaselineGate(Component):
    """More net profit than every baseline, and than staying flat, in most of several equal periods."""

    kind: Literal["baseline"] = "baseline"
    periods: int = Field(default=4, ge=1, le=1_000)
    """Parts of the tested bars."""
    beaten: int = Field(default=3, ge=1, le=1_000)
    """In how many of them."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.beaten > self.periods:
            raise ValueError(
                str(
                    ConfigError(
                        f"beaten in {self.beaten} of {self.periods} periods", allowed="no more than all"
                    )
                )
            )
        return self

    def judge(self, evidence: Evidence) -> Ruling:
        """The value is the number of periods in which all were beaten."""
        name, needed = "baselines beaten", f"in {self.beaten} of {self.periods} periods"
        own = evidence.profits.get("strategy")
        others = {k: v for k, v in evidence.profits.items() if k != "strategy"}
        missing = sorted(set(evidence.metrics.get("baselines", {})) - set(others))
        if own is None or missing:
            reason = (
                f"the run holds no profits of {', '.join(missing) or 'the strategy'}; run its recipe again"
            )
            return Ruling(name, None, needed, "not judged", reason)
        if len(own) < self.periods:
            return Ruling(name, None, needed, "not judged", f"{len(own)} bars for {self.periods} periods")
        cuts = np.arange(self.periods) * len(own) // self.periods
        mine = np.add.reduceat(own, cuts)
        best = np.zeros(self.periods)
        for profits in others.values():
            best = np.maximum(best, np.add.reduceat(profits, cuts))
        won = int(np.sum(mine > best))
        against = ", ".join([*others, "staying flat"])
        status: Status = "passed" if won >= self.beaten else "failed"
        return Ruling(name, won, needed, status, f"against {against}")


class DeflatedGate(_Bound):
    """Deflated Sharpe ratio over all trials of this data in the ledger.

    Source: Bailey and Lopez de Prado, "The Deflated Sharpe Ratio", J. Portfolio Management 40 (2014).
    """

    kind: Literal["deflated_sharpe"] = "deflated_sharpe"
    at_least: float | None = 0.95

    def judge(self, evidence: Evidence) -> Ruling:
        """Not judged, and in the way, where the profits do not allow it."""
        reason = f"{_trials(evidence.trials)} of this data in the ledger; {evidence.luck}".rstrip("; ")
        return self.rule("deflated Sharpe", evidence.deflated, reason)


class OverfittingGate(_Bound):
    """Probability of backtest overfitting among the ledger's trials of this data, where there are enough.

    Source: Bailey, Borwein, Lopez de Prado and Zhu, "The Probability of Backtest Overfitting" (2015).
    """

    kind: Literal["pbo"] = "pbo"
    at_most: float | None = 0.2
    min_trials: int = Field(default=10, ge=2)
    """Trials with known profits below which it says nothing; then it is not judged, and in nobody's way."""

    def judge(self, evidence: Evidence) -> Ruling:
        """In the way where there are enough trials and it still cannot be told."""
        few = evidence.known < self.min_trials
        if few:
            why = f"the profits of {_trials(evidence.known)} known, at least {self.min_trials} needed"
            return self.rule("PBO", None, why, blocks=evidence.trials >= self.min_trials)
        reason = f"by the profits of {evidence.known:,} of {_trials(evidence.trials)} of this data"
        return self.rule("PBO", evidence.pbo, reason if evidence.pbo is not None else evidence.luck or reason)


class TripsGate(_Bound):
    """Enough round trips to judge by."""

    kind: Literal["round_trips"] = "round_trips"
    at_least: float | None = 100

    def judge(self, evidence: Evidence) -> Ruling:
        """The value is their number."""
        return self.rule("round trips", number_at(evidence.metrics, "strategy.financial.round_trips"))


class DrawdownGate(_Bound):
    """The deepest fall of net profit, % of capital."""

    kind: Literal["drawdown"] = "drawdown"
    at_most: float | None = 20.0

    def judge(self, evidence: Evidence) -> Ruling:
        """From `strategy.financial.max_drawdown_pct`."""
        return self.rule(
            "max drawdown, %", number_at(evidence.metrics, "strategy.financial.max_drawdown_pct")
        )


class RegimeGate(_Bound):
    """The same number in every regime, where the run records regimes: its worst within the bounds."""

    kind: Literal["regimes"] = "regimes"
    metric: str = "net_return_pct"
    """A number of a regime's own account."""
    at_least: float | None = -5.0
    min_trips: int = Field(default=30, ge=0)
    """Round trips below which a regime says nothing."""

    def judge(self, evidence: Evidence) -> Ruling:
        """Not judged, and in nobody's way, where no regime is recorded."""
        name, regimes = f"worst regime's {self.metric}", regimes_in(evidence.metrics)
        if not regimes:
            return self.rule(name, None, "the run records no regimes", blocks=False)
        found = {
            regime: number_at({regime: numbers}, f"{regime}.{self.metric}")
            for regime, numbers in regimes.items()
            if (number_at({regime: numbers}, f"{regime}.round_trips") or 0) >= self.min_trips
        }
        known = {regime: value for regime, value in found.items() if value is not None}
        if not known:
            return self.rule(name, None, f"no regime has {self.min_trips} round trips", blocks=False)
        side = max if self.at_least is None else min
        worst = side(known, key=lambda regime: known[regime])
        found_at = self.rule(name, known[worst], worst)
        if found_at.holds and self.at_least is not None:
            # With two bounds the other end may be the worst.
            best = max(known, key=lambda regime: known[regime])
            return min(found_at, self.rule(name, known[best], best), key=lambda ruling: ruling.holds)
        return found_at


class HistoryGate(Component):
    """Enough calendar time: of data, and of it out of sample."""

    kind: Literal["history"] = "history"
    of: Literal["data", "out_of_sample"]
    at_least: Duration

    def judge(self, evidence: Evidence) -> Ruling:
        """The value is in days."""
        if self.of == "data":
            ends = [evidence.metrics.get("data", {}).get(name) for name in ("first", "last")]
            if None in ends:
                raise ConfigError("no metric 'data.first' or 'data.last'", hint="run the recipe again")
            moment = datetime.fromisoformat
            days: float | None = (moment(ends[1]) - moment(ends[0])).total_seconds() / 86_400
        else:
            days = number_at(evidence.metrics, "strategy.financial.days")
        name = "days of data" if self.of == "data" else "days out of sample"
        needed = f"at least {self.at_least / DAY:g}"
        enough = days is not None and days * DAY >= self.at_least
        return Ruling(name, days, needed, "passed" if enough else "failed")


def _trials(count: int) -> str:
    return f"{count:,} trial{'' if count == 1 else 's'}"


AnyGate = Annotated[
    MetricGate
    | ProfitGate
    | BaselineGate
    | DeflatedGate
    | OverfittingGate
    | TripsGate
    | DrawdownGate
    | RegimeGate
    | HistoryGate,
    Field(discriminator="kind"),
]
"""Every gate that a recipe can name by its `kind`."""

DEFAULT_GATES: tuple[AnyGate, ...] = (
    ProfitGate(),
    BaselineGate(),
    TripsGate(),
    DrawdownGate(),
    DeflatedGate(),
    OverfittingGate(),
    RegimeGate(),
)
"""What a recipe without gates of its own must pass."""
