"""States of the market from columns, row by row: rules, hidden Markov models, change points."""

from __future__ import annotations

import math

import numpy as np

from bateia.core.events import Floats, Ints
from bateia.kernels.jit import kernel


@kernel
def first_true(columns: Floats, out: Ints) -> None:
    """1 + the first row of `columns` (rules, rows) that is above 0; 0 where none is, or one is NaN."""
    for i in range(columns.shape[1]):
        out[i] = 0
        for k in range(len(columns)):
            if columns[k, i] != columns[k, i]:
                out[i] = 0
                break
            if out[i] == 0 and columns[k, i] > 0.0:
                out[i] = k + 1


@kernel
def banded(state: Floats, value: Floats, enter: float, leave: float, out: Ints) -> None:
    """1 up, 2 down, 3 between, 0 unknown: up from `enter` until below `leave`, down mirrored.

    `state[0]` is the last side: 1, -1 or 0.
    """
    side = state[0]
    for i in range(len(value)):
        v = value[i]
        if v != v:
            side = 0.0
            out[i] = 0
            continue
        if v > enter:
            side = 1.0
        elif v < -enter:
            side = -1.0
        elif (side > 0.0 and v < leave) or (side < 0.0 and v > -leave):
            side = 0.0
        out[i] = 1 if side > 0.0 else 2 if side < 0.0 else 3
    state[0] = side


@kernel
def _densities(x, i, mean, variance, log_scale, out):
    """Each state's Gaussian density of row i over the densest one's; returns that one's logarithm."""
    top = -np.inf
    for s in range(len(mean)):
        value = log_scale[s]
        for k in range(len(x)):
            gap = x[k, i] - mean[s, k]
            value -= 0.5 * gap * gap / variance[s, k]
        out[s] = value
        top = max(top, value)
    for s in range(len(mean)):
        out[s] = math.exp(out[s] - top)
    return top


@kernel
def _log_scales(variance):
    scale = np.zeros(len(variance))
    for s in range(len(variance)):
        for k in range(variance.shape[1]):
            scale[s] -= 0.5 * math.log(2.0 * math.pi * variance[s, k])
    return scale


@kernel
def markov_filter(
    state: Floats,
    x: Floats,
    start: Floats,
    transition: Floats,
    mean: Floats,
    variance: Floats,
    probability: Floats,
) -> None:
    """P(state at row i | rows up to i) into `probability` (rows, states); NaN before the first known row.

    `x` has shape (columns, rows). A row with a NaN shows nothing: there the chain's own forecast stands.
    `state` is (whether a row has been seen, the last probabilities ...).

    Source: Hamilton, "A new approach to the economic analysis of nonstationary time series and the business
    cycle", Econometrica 57 (1989).
    """
    states = len(start)
    scale = _log_scales(variance)
    seen = state[0]
    now, ahead, density = state[1:].copy(), np.empty(states), np.empty(states)
    for i in range(x.shape[1]):
        known = True
        for k in range(len(x)):
            known = known and x[k, i] == x[k, i]
        if not known and seen == 0.0:
            probability[i] = np.nan
            continue
        for s in range(states):
            ahead[s] = start[s]
            if seen != 0.0:
                total = 0.0
                for q in range(states):
                    total += now[q] * transition[q, s]
                ahead[s] = total
        seen = 1.0
        total = 0.0
        if known:
            _densities(x, i, mean, variance, scale, density)
            for s in range(states):
                ahead[s] *= density[s]
        for s in range(states):
            total += ahead[s]
        for s in range(states):
            # Where no state that can be reached could have made this row, every state is as likely.
            now[s] = ahead[s] / total if total > 0.0 else 1.0 / states
            probability[i, s] = now[s]
    state[0] = seen
    state[1:] = now


@kernel
def expectations(
    x: Floats,
    start: Floats,
    transition: Floats,
    mean: Floats,
    variance: Floats,
    gamma: Floats,
    moved: Floats,
) -> float:
    """Forward and backward over known rows: `gamma` (rows, states), expected moves (states, states).

    Returns the log likelihood in nats. Source: Rabiner, "A tutorial on hidden Markov models", Proc. IEEE 77
    (1989), section III with scaling.
    """
    states, rows = len(start), x.shape[1]
    scale = _log_scales(variance)
    density, norm = np.empty((rows, states)), np.empty(rows)
    likelihood = 0.0
    for i in range(rows):
        likelihood += _densities(x, i, mean, variance, scale, density[i])
        total = 0.0
        for s in range(states):
            ahead = start[s]
            if i > 0:
                ahead = 0.0
                for q in range(states):
                    ahead += gamma[i - 1, q] * transition[q, s]
            gamma[i, s] = ahead * density[i, s]
            total += gamma[i, s]
        norm[i] = max(total, 1e-300)
        likelihood += math.log(norm[i])
        for s in range(states):
            gamma[i, s] /= norm[i]
    moved[:] = 0.0
    later, before = np.ones(states), np.empty(states)
    for i in range(rows - 1, 0, -1):
        for q in range(states):
            before[q] = 0.0
            for s in range(states):
                flow = transition[q, s] * density[i, s] * later[s] / norm[i]
                before[q] += flow
                moved[q, s] += gamma[i - 1, q] * flow
        for s in range(states):
            gamma[i, s] *= later[s]
            later[s] = before[s]
    for s in range(states):
        if rows > 0:
            gamma[0, s] *= later[s]
    return likelihood


@kernel
def run_lengths(state: Floats, x: Floats, hazard: float, recent: int, out: Floats) -> None:
    """P(the newest change came within the last `recent` rows | rows up to i); NaN for the first `recent`.

    Bayesian online change points: between changes rows are Gaussian with unknown mean and variance, whose
    prior is normal-gamma(0, 1, 1, 1); a change comes at each row with probability `hazard`. `state` is
    (rows seen, then for each run length its probability, mean and beta); the longest run length keeps all
    longer runs and forgets their oldest rows. A NaN row shows nothing and changes nothing.

    Source: Adams & MacKay, "Bayesian online changepoint detection" (2007); Murphy, "Conjugate Bayesian
    analysis of the Gaussian distribution" (2007), section 3 for the predictive Student t.
    """
    room = (len(state) - 1) // 3
    seen = state[0]
    chance, mean, beta = state[1 : 1 + room], state[1 + room : 1 + 2 * room], state[1 + 2 * room :]
    constant = np.empty(room)
    for r in range(room):
        alpha = 1.0 + 0.5 * r
        constant[r] = math.lgamma(alpha + 0.5) - math.lgamma(alpha) - 0.5 * math.log(2.0 * math.pi)
    for i in range(len(x)):
        value = x[i]
        if value == value:
            longest = min(int(seen), room - 1)
            total = kept = kept_mean = kept_beta = 0.0
            for r in range(longest, -1, -1):
                kappa, alpha = 1.0 + r, 1.0 + 0.5 * r
                gap = value - mean[r]
                spread = 2.0 * beta[r] * (kappa + 1.0) / kappa
                density = math.exp(
                    constant[r]
                    - 0.5 * math.log(0.5 * spread)
                    - (alpha + 0.5) * math.log1p(gap * gap / spread)
                )
                likely = chance[r] * density
                total += likely
                grown = likely * (1.0 - hazard)
                new_mean = (kappa * mean[r] + value) / (kappa + 1.0)
                new_beta = beta[r] + 0.5 * kappa * gap * gap / (kappa + 1.0)
                if r == room - 1:
                    # As many rows as before, so the squares of one row less.
                    kept, kept_mean = grown, new_mean
                    kept_beta = new_beta * alpha / (alpha + 0.5)
                elif r + 1 == room - 1 and kept > 0.0:
                    if grown > kept:
                        mean[r + 1], beta[r + 1] = new_mean, new_beta
                    else:
                        mean[r + 1], beta[r + 1] = kept_mean, kept_beta
                    chance[r + 1] = grown + kept
                else:
                    chance[r + 1], mean[r + 1], beta[r + 1] = grown, new_mean, new_beta
            chance[0], mean[0], beta[0] = hazard * total, 0.0, 1.0
            seen += 1.0
            if total > 0.0:
                for r in range(min(int(seen), room - 1) + 1):
                    chance[r] /= total
            else:
                chance[:] = 0.0
                chance[0] = 1.0
        young = 0.0
        for r in range(min(recent + 1, room)):
            young += chance[r]
        out[i] = young if seen > recent else np.nan
    state[0] = seen
