"""What a report shows beyond the numbers of a run: other thresholds, and the gates' rulings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bateia.backtest.chance import Chance
from bateia.backtest.evidence import Evidence, Ruling
from bateia.backtest.gates import AnyGate
from bateia.backtest.simulate import Backtest
from bateia.backtest.sweep import Sweep, side_costs, sweep
from bateia.core import Bars, ConfigError
from bateia.core.events import Floats
from bateia.trading import AnyPolicy, SimulatedBroker, Threshold

THRESHOLDS = 41


def other_thresholds(bars: Bars, score: Floats, policy: AnyPolicy, done: Backtest) -> Sweep | None:
    """The account at other entry thresholds, from 0 to the scores' 99.5% quantile; the exit as it is.

    None for a policy without thresholds, and for a broker whose costs depend on more than the price.
    """
    known = np.abs(score[np.isfinite(score)])
    broker = done.broker
    if not isinstance(policy, Threshold) or not len(known) or not isinstance(broker, SimulatedBroker):
        return None
    highest = max(float(np.quantile(known, 0.995)), policy.enter)
    enter = np.linspace(max(policy.exit, 0.0), highest, THRESHOLDS)
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
