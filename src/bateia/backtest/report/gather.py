"""What a report shows beyond the numbers of a run: calibration, other thresholds, the gates' rulings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bateia.backtest.chance import Chance
from bateia.backtest.evidence import Evidence, Ruling
from bateia.backtest.gates import AnyGate
from bateia.backtest.numbers import CalibrationBin, Estimate
from bateia.backtest.predictive import return_by_decile
from bateia.backtest.simulate import Backtest
from bateia.backtest.sweep import Sweep, side_costs, sweep
from bateia.core import Bars, ConfigError
from bateia.core.events import Floats
from bateia.trading import AnyPolicy, Threshold

THRESHOLDS = 41


def said_and_happened(
    score: npt.ArrayLike, value: npt.ArrayLike, *, bands: int = 10, draws: int | None = None, seed: int = 0
) -> list[CalibrationBin]:
    """Calibration of class scores P(up) - P(down) on answers of -1, 0 and 1; empty for other scores.

    An undecided answer counts as half up, here as in the score: (1 + score) / 2 is the probability, and
    (1 + answer) / 2 what should average to it.

    >>> [(b.predicted, b.happened.value) for b in said_and_happened([-0.6, 0.6], [-1, 1], bands=2)]
    [(0.2, 0.0), (0.8, 1.0)]
    """
    s, v = np.asarray(score, np.float64), np.asarray(value, np.float64)
    rows = ~(np.isnan(s) | np.isnan(v))
    s, v = s[rows], v[rows]
    if not len(s) or np.abs(s).max() > 1 or not np.isin(v, (-1.0, 0.0, 1.0)).all():
        return []
    # Bands of equal size with the mean of what came, in bp: half the answer is what 0.5 lacks.
    return [
        CalibrationBin(
            band=found.band, rows=found.rows, predicted=(1 + found.score) / 2, happened=_share(found.ret_bp)
        )
        for found in return_by_decile(s, 0.5e-4 * v, bands=bands, draws=draws, seed=seed)
    ]


def _share(half: Estimate) -> Estimate:
    """A share from the mean of half the answers; its interval ends at 0 and 1."""
    ends = (half.value, half.low, half.high)
    value, low, high = (None if end is None else min(max(0.5 + end, 0.0), 1.0) for end in ends)
    return Estimate(value=value, low=low, high=high)


def other_thresholds(bars: Bars, score: Floats, policy: AnyPolicy, done: Backtest) -> Sweep | None:
    """The account at other entry thresholds, from 0 to the scores' 99.5% quantile; the exit as it is.

    None for a policy without thresholds, and for a broker whose costs depend on more than the price.
    """
    known = np.abs(score[np.isfinite(score)])
    if not isinstance(policy, Threshold) or not len(known):
        return None
    highest = max(float(np.quantile(known, 0.995)), policy.enter)
    enter = np.linspace(max(policy.exit, 0.0), highest, THRESHOLDS)
    broker = done.broker
    try:
        bp_side, per_unit = side_costs(broker)
        return sweep(
            bars,
            score,
            enter,
            np.minimum(policy.exit, enter),
            bp_side=bp_side,
            per_unit=per_unit,
            side=policy.side,
            quantity=broker.quantity,
            multiplier=broker.multiplier,
            capital=done.capital,
        )
    except ConfigError:
        return None


def rulings(
    gates: Sequence[AnyGate], metrics: Mapping[str, Any], chance: Chance, nets: Mapping[str, Floats]
) -> list[Ruling]:
    """Each gate on a run that has just ended; `nets` are the equity's net columns, the strategy's included.

    A gate that names a number which was not measured is not judged here; `bateia promote` refuses it.
    """
    evidence = Evidence(
        metrics={**metrics, "trials": chance.trials, "chance": chance.to_dict()},
        profits={name: np.diff(net) for name, net in nets.items()},
        trials=chance.trials,
        known=chance.compared,
        deflated=chance.dsr,
        pbo=chance.pbo,
        luck=chance.in_words,
    )
    return [_rule(gate, evidence) for gate in gates]


def _rule(gate: AnyGate, evidence: Evidence) -> Ruling:
    try:
        return gate.judge(evidence)
    except ConfigError as error:
        return Ruling(gate.kind, None, "\u2013", "not judged", str(error))
