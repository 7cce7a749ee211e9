"""The regime suite passes every detector that a recipe can name, and catches those that break its rules."""

from typing import Literal, get_args

import numpy as np
import pytest

from bateia.regimes import HMM, AnyRegime, ChangePoint, Etapa6, Regime, TrendStrength
from bateia.testing import check_regime
from bateia.testing.regimes import CHECKS, generated_regime_bars

BARS = generated_regime_bars()
EVERY = [
    Etapa6(),
    Etapa6(fast=3, middle=5, slow=9, history=60),
    TrendStrength(),
    TrendStrength(measure="t", enter=8.0, exit=3.0),
    HMM(),
    HMM(states=3, observe={"ret": "log_return(close, 1)", "range": "log(high / low)"}),
    ChangePoint(longest=100),
]


@pytest.mark.parametrize("regime", EVERY, ids=lambda regime: f"{regime.kind}")
def test_every_detector_passes(regime):
    assert check_regime(regime, BARS) == list(CHECKS)


def test_no_kind_is_forgotten():
    assert {type(regime) for regime in EVERY} == set(get_args(get_args(AnyRegime)[0]))


class Rising(Regime):
    """Sound: whether the last return was above 0."""

    kind: Literal["rising"] = "rising"

    @property
    def names(self):
        return ("undefined", "falling", "rising")

    def expressions(self):
        return {"ret": "log_return(close, 1)"}

    def memory(self):
        return np.zeros(0)

    def advance(self, state, columns, out):
        out[:] = np.where(np.isnan(columns[0]), 0, np.where(columns[0] > 0, 2, 1))


class Smoothed(Rising):
    def advance(self, state, columns, out):
        later = np.nan_to_num(columns[0])[::-1].cumsum()[::-1]
        out[:] = np.where(np.isnan(columns[0]), 0, np.where(later > 0, 2, 1))


class Ranked(Rising):
    def advance(self, state, columns, out):
        above = columns[0] > np.nanmean(columns[0]) if out.size and not np.isnan(columns[0]).all() else False
        out[:] = np.where(np.isnan(columns[0]), 0, np.where(above, 2, 1))


class Nameless(Rising):
    def advance(self, state, columns, out):
        out[:] = np.where(np.isnan(columns[0]), 0, 1 + np.arange(out.size) % 3)


class Hasty(Rising):
    def advance(self, state, columns, out):
        out[:] = np.where(np.nan_to_num(columns[0]) > 0, 2, 1)


def test_a_sound_detector_of_ones_own_passes():
    assert check_regime(Rising(), BARS) == list(CHECKS)


@pytest.mark.parametrize(
    ("broken", "words", "exclude"),
    [
        (Smoothed(), "other regimes", {}),
        (Smoothed(), "a regime (before|needs)", {"cuts": "not the check tested here"}),
        (Ranked(), "a regime (before|needs)", {"cuts": "not the check tested here"}),
        (Nameless(), "without a name", {}),
        (Hasty(), "very first bar", {}),
    ],
)
def test_what_breaks_a_rule_is_caught(broken, words, exclude):
    with pytest.raises(AssertionError, match=words):
        check_regime(broken, BARS, exclude)
