"""From the ledger's profits to one set of numbers: how likely is it that the chosen trial is luck?"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from bateia.backtest.bootstrap import DRAWS
from bateia.backtest.chance.matrix import varies
from bateia.backtest.chance.mcs import confidence_set
from bateia.backtest.chance.pbo import PARTITIONS, overfitting
from bateia.backtest.chance.sharpe import (
    deflated_sharpe,
    expected_best_sharpe,
    min_track_record,
    moments,
    probabilistic_sharpe,
)
from bateia.backtest.chance.spa import superior
from bateia.backtest.chance.trials import luck
from bateia.core import ConfigError, DataError, nearest
from bateia.core.events import Floats
from bateia.runs import Ledger, TrialMatrix

ENOUGH_DAYS = 30
"""Days below which nothing is said about luck."""
_GAPS = 0.05
"""Share of the chosen trial's days that another may lack and still be compared."""


class Chance(BaseModel):
    """What luck could have done, from daily profits; None where undefined, with the reason in `missing`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    days: int
    """Calendar days of the chosen trial."""
    trials: int
    """Different recipes tried on this data."""
    compared: int
    """Trials whose profits cover the days that are compared: what PBO, SPA and the rest see."""
    compared_days: int = 0
    """Those days: the chosen trial's, or, where a search never saw its last ones, those that most know."""
    effective_trials: float | None = None
    """Independent trials that all of them amount to."""
    counted: str = ""
    """How `effective_trials` was found."""
    sharpe_daily: float | None = None
    """Of the chosen trial: mean / standard deviation of a day's profit."""
    luck_daily: float | None = None
    """Daily Sharpe ratio that the best of the trials is expected to show without skill."""
    psr: float | None = None
    """Probability that the true Sharpe ratio is above 0, had there been one trial."""
    dsr: float | None = None
    """Probability that it is above `luck_daily`: the deflated Sharpe ratio."""
    min_track_days: float | None = None
    """Days such a Sharpe ratio needs to be above 0 at 95%."""
    min_track_days_deflated: float | None = None
    """Days it needs to be above `luck_daily` at 95%."""
    pbo: float | None = None
    """Probability of backtest overfitting: the best of one half is in the worse half on the other half."""
    degradation: float | None = None
    """Slope of the Sharpe ratio out of sample on the one in sample, over all splits."""
    loss: float | None = None
    """Probability that the best of one half loses on the other half."""
    spa: float | None = None
    """Hansen's consistent p-value of "no trial is better than staying out"."""
    spa_lower: float | None = None
    spa_upper: float | None = None
    reality_check: float | None = None
    """White's p-value of the same."""
    mcs: float | None = None
    """p-value of the chosen trial in the model confidence set: small, and others are better for sure."""
    missing: dict[str, str] = {}
    """Why a number is None."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; `model_validate` reads it back."""
        return self.model_dump(mode="json")

    @property
    def in_words(self) -> str:
        """How the deflated Sharpe ratio came about, or why it or the PBO is unknown."""
        if self.dsr is None:
            return self.missing.get("dsr", "unknown")
        if self.pbo is None and self.compared > 1:
            return self.missing.get("pbo", "unknown")
        if self.sharpe_daily is None or self.luck_daily is None or self.effective_trials is None:
            return "unknown"
        if self.effective_trials < 1.5:
            return f"a daily Sharpe of {self.sharpe_daily:.3f}, held against 0"
        return (
            f"as many as {self.effective_trials:,.0f} independent ones, whose luckiest shows a daily Sharpe "
            f"of {self.luck_daily:.3f}; this one shows {self.sharpe_daily:.3f}"
        )


def assess(
    trials: TrialMatrix | Ledger,
    chosen: str,
    data_hash: str = "",
    *,
    draws: int = DRAWS,
    partitions: int = PARTITIONS,
    seed: int = 0,
) -> Chance:
    """Judge the trial with recipe hash `chosen` among all that the ledger holds for `data_hash`.

    Only days on which the chosen trial was tested count, and only trials that lack at most 5% of them are
    compared; the others still count as trials. A search never sees the holdout, so its trials lack the last
    of a run's days: where more of them can be compared on the days that at least half of all know, they are,
    and the chosen trial's Sharpe ratio, over all its days, is held against the luck that they show there.
    Raises ConfigError where the chosen trial has no profits.

    >>> rng = np.random.default_rng(0)
    >>> generated = rng.normal(size=(400, 30))
    >>> generated[:, 4] += 0.4
    >>> names = tuple(f"recipe {k}" for k in range(30))
    >>> found = assess(TrialMatrix(np.arange(400), names, generated, 30), "recipe 4", draws=200)
    >>> found.dsr > 0.99, found.pbo, found.spa < 0.01
    (True, 0.0, True)
    """
    matrix = trials.matrix(data_hash) if isinstance(trials, Ledger) else trials
    own, others, column = _aligned(matrix, chosen)
    window = _window(matrix, chosen)
    if window is not None:
        _, shared, place = _aligned(window, chosen)
        if shared.shape[1] > others.shape[1] and len(shared) >= ENOUGH_DAYS:
            others, column = shared, place
    found: dict[str, Any] = {
        "days": len(own),
        "trials": matrix.count,
        "compared": others.shape[1],
        "compared_days": len(others),
    }
    missing: dict[str, str] = {}

    def enter(names: tuple[str, ...], why_not: str, numbers: Callable[[], dict[str, Any]]) -> None:
        if why_not:
            missing.update(dict.fromkeys(names, why_not))
            return
        for name, value in numbers().items():
            if isinstance(value, float) and not math.isfinite(value):
                missing[name] = "the Sharpe ratio is not above what it is held against"
            else:
                found[name] = value

    short = _short(min(len(own), len(others)), ENOUGH_DAYS)
    flat = "" if np.ptp(own) > 0 else "the chosen trial's profit never varies: it has no Sharpe ratio"
    many = int(varies(others).sum()) if others.size else 0
    alone = (
        "" if many >= 2 else f"{many} trial{'' if many == 1 else 's'} with profits that vary, 2 are needed"
    )
    enter(_SHARPE, short or flat, lambda: _sharpe(own, others, matrix.count, seed))
    enter(_PBO, _short(len(others), 2 * partitions) or alone, lambda: _pbo(others, partitions))
    nothing = "" if many else "no trial's profit varies"
    enter(_SPA, short or nothing, lambda: _spa(others, draws, seed))
    enter(("mcs",), short or alone, lambda: {"mcs": _p_in_set(others, column, draws, seed)})
    return Chance(**found, missing=missing)


_SHARPE = (
    "sharpe_daily",
    "psr",
    "dsr",
    "luck_daily",
    "effective_trials",
    "min_track_days",
    "min_track_days_deflated",
)
_PBO = ("pbo", "degradation", "loss")
_SPA = ("spa", "spa_lower", "spa_upper", "reality_check")


def _short(days: int, least: int) -> str:
    return "" if days >= least else f"{days} day{'' if days == 1 else 's'}, at least {least} are needed"


def _aligned(matrix: TrialMatrix, chosen: str) -> tuple[Floats, Floats, int]:
    """The chosen trial's own profits, and the compared trials' on the days that all of them know."""
    if chosen not in matrix.recipes:
        near = nearest(chosen, matrix.recipes)
        raise ConfigError(
            f"no daily profits of trial {chosen!r} in the ledger",
            allowed=f"one of the {len(matrix.recipes)} recipes with recorded profits",
            hint=repr(near) if near else "record it with its profits",
        )
    column = matrix.recipes.index(chosen)
    tested = matrix.profits[np.isfinite(matrix.profits[:, column])]
    if not len(tested):
        raise DataError(f"trial {chosen!r} has no day with a profit", allowed="one day or more")
    kept = np.isnan(tested).mean(axis=0) <= _GAPS
    others = tested[:, kept]
    common = np.isfinite(others).all(axis=1)
    return tested[:, column], np.ascontiguousarray(others[common]), int(kept[:column].sum())


def _window(matrix: TrialMatrix, chosen: str) -> TrialMatrix | None:
    """The days of the chosen trial that at least half of all know; None where these are all, or none."""
    known = np.isfinite(matrix.profits)
    own = known[:, matrix.recipes.index(chosen)]
    days = own & (known.mean(axis=1) >= 0.5)
    if not days.any() or days.sum() == own.sum():
        return None
    return TrialMatrix(matrix.days[days], matrix.recipes, matrix.profits[days], matrix.count)


def _sharpe(own: Floats, others: Floats, count: int, seed: int) -> dict[str, Any]:
    track, tried = moments(own), luck(others, count, seed=seed)
    best = expected_best_sharpe(tried.effective, tried.variance)
    return {
        "sharpe_daily": track.sharpe,
        "psr": probabilistic_sharpe(track),
        "dsr": deflated_sharpe(track, tried.effective, tried.variance),
        "luck_daily": best,
        "effective_trials": tried.effective,
        "counted": tried.method,
        "min_track_days": min_track_record(track),
        "min_track_days_deflated": min_track_record(track, best),
    }


def _pbo(others: Floats, partitions: int) -> dict[str, Any]:
    found = overfitting(others, partitions)
    return {"pbo": found.pbo, "degradation": found.degradation, "loss": found.loss}


def _spa(others: Floats, draws: int, seed: int) -> dict[str, Any]:
    found = superior(others, draws=draws, seed=seed)
    return {
        "spa": found.consistent,
        "spa_lower": found.lower,
        "spa_upper": found.upper,
        "reality_check": found.reality_check,
    }


def _p_in_set(others: Floats, column: int, draws: int, seed: int) -> float:
    return float(confidence_set(others, draws=draws, seed=seed).p_range[column])
