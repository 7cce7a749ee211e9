"""What each detector finds in generated markets whose regimes are known, and the words of its errors."""

import numpy as np
import pytest
from hmmlearn.hmm import GaussianHMM
from pydantic import TypeAdapter, ValidationError

from bateia.core import ConfigError, DataError
from bateia.features import Plan
from bateia.kernels.regimes import expectations
from bateia.regimes import HMM, AnyRegime, ChangePoint, Etapa6, TrendStrength
from bateia.regimes.markov import learn
from bateia.testing.regimes import generated_regime_bars

BARS = generated_regime_bars(3000, 1)


def test_etapa6_is_the_bundled_functions_rules():
    plan = Plan(
        {
            "high_volatility": "high_volatility(20, 200)",
            "trend_up": "trend_up()",
            "trend_down": "trend_down()",
            "ranging": "ranging()",
        }
    )
    rules = np.array(list(plan.run(BARS).values()))
    expected = np.where(rules.any(axis=0), 1 + np.argmax(rules > 0, axis=0), 0)
    expected[np.isnan(rules).any(axis=0)] = 0
    assert np.array_equal(Etapa6().run(BARS), expected)
    assert set(expected) == {0, 1, 2, 3, 4}


def test_columns_do_as_well_as_bars():
    columns = {name: BARS.columns()[name] for name in ("high", "low", "close")}
    assert np.array_equal(Etapa6().run(columns), Etapa6().run(BARS))


@pytest.mark.parametrize("measure", ["efficiency", "t"])
def test_a_straight_way_is_a_trend_and_its_mirror_the_other(measure):
    close = np.exp(np.concatenate([np.linspace(0, 1, 60), np.linspace(1, 0, 60)]))
    regime = TrendStrength(measure=measure, enter=0.9 if measure == "efficiency" else 9.0)
    found = regime.run({"close": close})
    assert set(found[20:60]) == {1} and set(found[85:]) == {2}
    assert set(regime.run({"close": np.full(60, 5.0)})[25:]) == {3}


def generated_states(rows=6000, seed=0):
    """Returns of a calm and a wild state, the states themselves, and the closes."""
    rng = np.random.default_rng(seed)
    stay, state = [0.98, 0.95], [0]
    for _ in range(rows - 1):
        state.append(state[-1] if rng.random() < stay[state[-1]] else 1 - state[-1])
    state = np.array(state)
    ret = np.where(state == 0, 5e-4, -1e-3) + np.where(state == 0, 1e-3, 4e-3) * rng.normal(size=rows)
    return ret, state, 100 * np.exp(np.cumsum(ret))


def test_the_hidden_states_are_found():
    _, state, close = generated_states()
    fitted = HMM().fit({"close": close[:3000]})
    _, transition, mean, variance = fitted.chain.arrays()
    assert np.allclose(np.diag(transition), [0.98, 0.95], atol=0.02)
    assert np.allclose(np.sqrt(variance[:, 0]), [1e-3, 4e-3], rtol=0.1)
    assert np.allclose(mean[:, 0], [5e-4, -1e-3], atol=3e-4)
    found = fitted.run({"close": close})
    assert np.mean(found[3000:] == 1 + state[3000:]) > 0.93
    chance = fitted.probabilities({"close": close})
    assert np.allclose(chance[1:].sum(axis=1), 1) and np.isnan(chance[0]).all()


def test_the_fit_is_at_least_as_likely_as_hmmlearns():
    ret, _, _ = generated_states(3000, 2)
    x = np.ascontiguousarray(ret[None])
    chain = learn(x, 2, 500, 1e-10)
    theirs = GaussianHMM(2, "diag", n_iter=500, tol=1e-8, random_state=0, min_covar=1e-12, covars_weight=0)
    theirs.covars_prior = 0.0
    theirs.fit(1e3 * ret[:, None])
    order = np.argsort(theirs.covars_[:, 0, 0])
    assert np.allclose(np.array(chain.transition), theirs.transmat_[order][:, order], atol=5e-3)
    assert np.allclose(1e6 * np.array(chain.variance)[:, 0], theirs.covars_[order, 0, 0], rtol=1e-2)
    ours = expectations(x, *chain.arrays(), np.empty((3000, 2)), np.empty((2, 2)))
    assert ours / 3000 - np.log(1e3) >= theirs.score(1e3 * ret[:, None]) / 3000 - 1e-3


def test_a_round_never_makes_the_data_less_likely():
    ret, _, _ = generated_states(1000, 3)
    x = np.ascontiguousarray(np.stack([ret, np.abs(ret)]))
    gains = []
    for rounds in range(1, 12):
        chain = learn(x, 3, rounds, 1e-12)
        start = np.full(3, 1 / 3)
        gains.append(expectations(x, start, *chain.arrays()[1:], np.empty((1000, 3)), np.empty((3, 3))))
    # The first row's chances are not the fitted ones here: they may cost a few nats, once.
    assert (np.diff(gains) > -0.5).all() and gains[-1] > gains[0]


def test_a_change_is_known_soon_after_it_came_and_not_before():
    rng = np.random.default_rng(0)
    spread = np.repeat([1e-3, 5e-3], 1000)
    close = 100 * np.exp(np.cumsum(spread * rng.normal(size=2000)))
    found = ChangePoint(observe="log_return(close, 1) / 0.001", expected=1000.0).run({"close": close})
    calm = found[50:1000]
    assert np.mean(calm == 2) < 0.02
    first = int(np.argmax(found[1000:] == 2))
    assert 0 <= first < 10
    assert np.mean(found[1050:] == 1) > 0.9


def test_every_kind_is_read_by_its_name():
    read = TypeAdapter(AnyRegime).validate_python
    for kind in ("etapa6", "trend_strength", "hmm", "change_point"):
        assert read({"kind": kind}).kind == kind


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Etapa6(fast=20), "fast < middle < slow"),
        (lambda: Etapa6(volatility=200), "allowed: a longer history"),
        (lambda: TrendStrength(enter=0.1), "exit <= enter"),
        (lambda: TrendStrength(enter=2.0), "never above 1"),
        (lambda: ChangePoint(longest=20), "twice as long"),
        (lambda: HMM(states=1), "greater than or equal to 2"),
        (lambda: HMM(states=3, chain=HMM().fit(BARS).chain), "a chain of"),
    ],
)
def test_settings_that_make_no_sense_say_so(make, words):
    with pytest.raises(ValidationError, match=words):
        make()


def test_what_has_learnt_nothing_does_not_start():
    with pytest.raises(ConfigError, match=r"regime\.fit\(training bars\)"):
        HMM().run(BARS)


def test_too_little_to_learn_from_says_so():
    with pytest.raises(DataError, match="50 for each of 2 states"):
        HMM().fit(BARS[:60])
    with pytest.raises(DataError, match="'ret' never changes"):
        HMM().fit({"close": np.full(500, 3.0)})
