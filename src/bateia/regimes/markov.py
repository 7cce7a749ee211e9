"""Hidden states that come and go: a Gaussian hidden Markov model, fitted on training bars."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from bateia.core import Block, Component, ConfigError, DataError
from bateia.core.events import Floats, Ints
from bateia.features import BATCH_BLOCK, Plan
from bateia.kernels.regimes import expectations, markov_filter
from bateia.regimes.base import UNDEFINED, Columns, Regime

Row = tuple[float, ...]
PER_STATE = 50
"""Known rows below which a state's numbers say too little."""
FLOOR = 0.01
"""Least variance of a state, as a share of the whole: else one would settle on prices that stand still."""


class Chain(Component):
    """What a hidden Markov model has learnt: calmest state first, by the first column."""

    start: Row
    """Chance of each state at the first row."""
    transition: tuple[Row, ...]
    """Chance of each state (column) after each state (row)."""
    mean: tuple[Row, ...]
    """Mean of each column (columns) in each state (rows)."""
    variance: tuple[Row, ...]
    """Variance of each, about its mean."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        start, transition, mean, variance = self.arrays()
        states = len(start)
        if transition.shape != (states, states) or mean.shape != variance.shape or len(mean) != states:
            raise ValueError(f"parts of {states}, {transition.shape}, {mean.shape}, {variance.shape}")
        sums = np.concatenate([[start.sum()], transition.sum(axis=1)])
        if (start < 0).any() or (transition < 0).any() or np.abs(sums - 1).max() > 1e-6:
            raise ValueError("chances that are negative or do not add up to 1")
        if not (variance > 0).all():
            raise ValueError("a variance that is not above 0")
        return self

    def arrays(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Start, transition, mean and variance as arrays."""
        start, transition, mean, variance = (
            np.array(part, np.float64) for part in (self.start, self.transition, self.mean, self.variance)
        )
        return start, transition, mean, variance


class HMM(Regime):
    """The likeliest of `states` hidden states, by the rows up to now: filtered, never smoothed.

    Each state draws the observed columns from independent Gaussians. `fit` runs expectation-maximisation
    from states of rising spread; states are numbered by the variance of the first column, calmest first.

    Source: Hamilton, Econometrica 57 (1989) for the filter; Baum et al., Ann. Math. Stat. 41 (1970) and
    Rabiner, Proc. IEEE 77 (1989) for the fit.
    """

    kind: Literal["hmm"] = "hmm"
    observe: dict[str, str] = Field(default={"ret": "log_return(close, 1)"}, min_length=1)
    """Name -> feature expression of what the states show themselves by."""
    states: int = Field(default=2, ge=2, le=20)
    """How many there are."""
    rounds: int = Field(default=200, ge=1, le=100_000)
    """Most rounds of expectation-maximisation."""
    tolerance: float = Field(default=1e-7, gt=0.0, le=1.0)
    """Gain in log likelihood a row below which it stops."""
    chain: Chain | None = None
    """What `fit` learns, unless given."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.chain is not None:
            shape = len(self.chain.mean), len(self.chain.mean[0])
            if shape != (self.states, len(self.observe)):
                raise ValueError(
                    f"a chain of (states, columns) {shape}; allowed: {(self.states, len(self.observe))}"
                )
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The regimes' names: calmest first."""
        return (UNDEFINED, *(f"state_{k + 1}" for k in range(self.states)))

    @property
    def ready(self) -> bool:
        """Whether the chain is known."""
        return self.chain is not None

    def expressions(self) -> dict[str, str]:
        """What is observed."""
        return dict(self.observe)

    def fit(self, bars: Block | Columns) -> Self:
        """With the chain that these bars teach; DataError for fewer than 50 known rows a state."""
        if self.chain is not None:
            return self
        columns = Plan(self.expressions()).start(BATCH_BLOCK).run(bars)
        known = np.ascontiguousarray(columns[:, ~np.isnan(columns).any(axis=0)])
        if known.shape[1] < PER_STATE * self.states:
            raise DataError(
                f"{known.shape[1]} known rows to fit a hidden Markov model on",
                allowed=f"{PER_STATE} for each of {self.states} states",
                hint="more bars, or fewer states",
            )
        constant = np.ptp(known, axis=1) == 0
        if constant.any():
            name = list(self.observe)[int(np.argmax(constant))]
            raise DataError(f"{name!r} never changes over these bars", hint="another column to observe")
        return self.model_copy(update={"chain": learn(known, self.states, self.rounds, self.tolerance)})

    def probabilities(self, bars: Block | Columns) -> Floats:
        """P(state | rows up to now), shape (rows, states), from a fresh start; NaN before the first row."""
        columns = np.ascontiguousarray(self.plan.start(BATCH_BLOCK).run(bars))
        return self._filter(self.memory(), columns)

    def memory(self) -> Floats:
        """Whether a row has been seen, and each state's chance."""
        self._known()
        return np.zeros(1 + self.states)

    def advance(self, state: Floats, columns: Floats, out: Ints) -> None:
        """The likeliest state."""
        chance = self._filter(state, columns)
        unknown = np.isnan(chance[:, 0])
        out[:] = np.where(unknown, 0, 1 + np.argmax(np.where(unknown[:, None], 0.0, chance), axis=1))

    def _filter(self, state: Floats, columns: Floats) -> Floats:
        chance = np.empty((columns.shape[1], self.states))
        markov_filter(state, columns, *self._known().arrays(), chance)
        return chance

    def _known(self) -> Chain:
        if self.chain is None:
            raise ConfigError(
                "a hidden Markov model that has learnt nothing",
                allowed="one that was fitted, or given a chain",
                hint="regime.fit(training bars)",
            )
        return self.chain


def learn(x: Floats, states: int, rounds: int, tolerance: float) -> Chain:
    """The chain that expectation-maximisation finds for `x` (columns, rows), deterministic.

    It starts from states that last about ten rows, with variances from a quarter to four times the whole
    one's and no difference of means, and stops when a round gains less than `tolerance` nats a row.
    """
    rows = x.shape[1]
    whole = x.var(axis=1)
    factor = np.geomspace(0.25, 4.0, states)[:, None]
    start = np.full(states, 1.0 / states)
    transition = np.full((states, states), 0.1 / (states - 1))
    np.fill_diagonal(transition, 0.9)
    # A little apart in mean too, so that columns that differ in nothing else can part the states.
    mean = x.mean(axis=1) + np.linspace(-0.1, 0.1, states)[:, None] * np.sqrt(whole)
    variance = factor * whole
    gamma, moved, before = np.empty((rows, states)), np.empty((states, states)), -np.inf
    for _ in range(rounds):
        likelihood = expectations(x, start, transition, mean, variance, gamma, moved)
        if likelihood - before < tolerance * rows:
            break
        before = likelihood
        weight = np.maximum(gamma.sum(axis=0), 1e-300)[:, None]
        start = gamma[0] / gamma[0].sum()
        # A state that is never left in these rows may be left once in a while all the same.
        transition = moved + 1e-10
        transition /= transition.sum(axis=1, keepdims=True)
        mean = np.einsum("ts,kt->sk", gamma, x) / weight
        square = np.einsum("ts,kt->sk", gamma, x * x) / weight
        variance = np.maximum(square - mean * mean, FLOOR * whole)
    order = np.argsort(variance[:, 0], kind="stable")
    transition = transition[order][:, order]
    return Chain(
        start=tuple(_in_the_long_run(transition).tolist()),
        transition=_rows(transition),
        mean=_rows(mean[order]),
        variance=_rows(variance[order]),
    )


def _in_the_long_run(transition: Floats) -> Floats:
    """Share of rows that each state takes: a stream may start anywhere, not only where training did."""
    equations = np.vstack([transition.T - np.eye(len(transition)), np.ones(len(transition))])
    share: Floats = np.maximum(np.linalg.lstsq(equations, np.eye(len(equations))[-1], rcond=None)[0], 0.0)
    share /= share.sum()
    return share


def _rows(matrix: Floats) -> tuple[Row, ...]:
    return tuple(tuple(row) for row in matrix.tolist())
