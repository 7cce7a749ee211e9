"""The risk suite passes what is sound and fails what is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.testing import check_risk
from bateia.testing.risk import CHECKS, generated_case
from bateia.trading.risk import Allowed, Risk, RiskStream

FULL = [
    {"kind": "volatility", "goal": 0.3, "half_life": "6h", "cap": 1.5},
    {"kind": "score"},
    {"kind": "inertia"},
    {"kind": "adaptive_stop", "life": "1d"},
    {"kind": "drawdown", "start": 0.02, "end": 0.2, "least": 0.1},
    {"kind": "daily_loss", "share": 0.03},
    {"kind": "exposure", "units": 5, "symbol": 0.8, "total": 1.5},
    {"kind": "trades", "most": 6},
    {"kind": "cooldown", "wait": "1h"},
    {"kind": "kill", "drawdown": 0.9, "losses": 90},
]
CALM = [{"kind": "exposure", "symbol": 0.5}, {"kind": "trades", "most": 4}, {"kind": "atr", "risk": 0.02}]
SETS = {
    "nothing": [],
    "everything": FULL,
    "kelly by trades": [{"kind": "kelly", "after": 5}, {"kind": "kill", "loss": 0.6}],
    "kelly by prediction": [{"kind": "kelly", "by": "prediction", "fraction": 1, "cap": 2}],
    "probability": [{"kind": "fixed", "units": 3}, {"kind": "score", "by": "probability"}],
    "atr": [{"kind": "atr", "risk": 0.01, "distance": 3}, {"kind": "atr_stop", "multiple": 3}],
    "regimes": [*FULL, {"kind": "regime", "number": 2, "rules": CALM}],
}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("wild", [True, False])
def test_every_rule_passes(name, wild):
    assert check_risk(Risk(rules=SETS[name]), generated_case(400, 3, wild)) == list(CHECKS)


@given(
    st.integers(0, 10_000),
    st.lists(st.sampled_from(FULL), unique_by=lambda r: r["kind"]),
    st.sampled_from([1.0, 50.0, 0.01]),
    st.booleans(),
)
@settings(max_examples=40)
def test_whatever_comes_caps_hold_and_stricter_is_never_larger(seed, rules, multiplier, regime):
    own = [{"kind": "regime", "number": 1, "rules": CALM}] if regime else []
    risk = Risk(rules=rules + own, multiplier=multiplier)
    slow = dict.fromkeys(("cuts", "snapshots", "past", "config"), "the test is of the others")
    assert check_risk(risk, generated_case(300, seed), slow)


class FaultyStream(RiskStream):
    """A stream with one planted fault."""

    def run(self, bars, target, account, **opinion):
        fault, n = self.risk.fault, len(bars)
        if fault == "writes":
            target *= 1.0
            bars.close[:] = np.round(bars.close, 1)
        out = super().run(bars, target, account, **opinion)
        position = out.position.copy()
        if fault == "beyond":
            position *= 1.01
        elif fault == "against":
            position[position > 0] *= -1
        elif fault == "by_block":
            position = np.where(np.arange(n) == 0, 0.0, position)
        elif fault == "sees_all":
            position = position * np.minimum(1.0, n / 1e6 + np.nanmean(np.tanh(target)) ** 2)
        elif fault == "holds":
            position = np.where(np.isnan(target) & (np.arange(n) > 0), 1e-6, position)
        elif fault == "undead" and self.killed:
            position = np.nan_to_num(target)
        elif fault == "loosens":
            position = position * (
                2.0 - min([r.share for r in self.risk.rules if r.kind == "daily_loss"] + [1])
            )
        return Allowed(position, out.stop, out.reason)

    def snapshot(self):
        saved = super().snapshot()
        return saved | {"floats": np.round(saved["floats"], 2)} if self.risk.fault == "rounds" else saved


class FaultyRisk(Risk):
    """Its fault is part of its parameters."""

    fault: str

    def start(self):
        return FaultyStream(self)

    def restore(self, snapshot):
        if self.fault == "anyone":
            return FaultyStream(self, dict(snapshot) | {"risk": np.array(self.hash)})
        return FaultyStream(self, snapshot)


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("against", "shape"),
        ("by_block", "cuts"),
        ("rounds", "snapshots"),
        ("sees_all", "past"),
        ("beyond", "caps"),
        ("holds", "flat"),
        ("undead", "killed"),
        ("loosens", "strict"),
        ("beyond", "loop"),
        ("writes", "inputs"),
        ("anyone", "config"),
    ],
)
def test_a_planted_fault_fails_its_check(fault, check):
    rules = [{"kind": "volatility", "goal": 0.1, "half_life": "6h"}, {"kind": "daily_loss", "share": 0.4}]
    others = {name: "the test is of one check" for name in CHECKS if name != check}
    case = generated_case(300, 1, wild=fault == "holds")
    with pytest.raises(AssertionError):
        check_risk(FaultyRisk(rules=rules, fault=fault), case, others)
    assert check_risk(Risk(rules=rules), case, others)


def test_a_risk_is_not_checked_on_a_handful_of_bars():
    with pytest.raises(AssertionError, match="99 bars; allowed: 100 or more"):
        check_risk(Risk(), generated_case(99))
