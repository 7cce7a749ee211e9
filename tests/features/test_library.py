"""Every bundled feature: causal, the same live, described."""

import pytest

from bateia.core import ConfigError
from bateia.features import Plan, libraries, library
from bateia.features.plan import KNOWN_COLUMNS
from bateia.testing.operators import CHECKS, check_operator, generated_market

FEATURES = {name: feature for found in libraries().values() for name, feature in found.items()}
MARKET, SLOW = generated_market(2000, 1), generated_market(2000, 1, pace=300)
HOUR = 3_600_000_000


def market(name):
    """An hour of rows, or four weeks where an hour is too little."""
    needed = Plan({name: FEATURES[name].formula}, KNOWN_COLUMNS).warmup[name].micros
    return SLOW if needed >= HOUR / 4 else MARKET


def test_there_are_enough_of_them_and_no_name_twice():
    assert len(FEATURES) >= 200
    assert len(FEATURES) == sum(map(len, libraries().values()))


@pytest.mark.parametrize("name", FEATURES)
def test_every_check(name):
    # Without exclusions: a feature that is meant for everybody has no excuse.
    assert check_operator(FEATURES[name].formula, market(name)) == list(CHECKS)


@pytest.mark.parametrize("name", FEATURES)
def test_it_says_what_it_is(name):
    feature = FEATURES[name]
    assert feature.about
    assert feature.about[0].isupper()
    assert not feature.about.endswith(".")
    assert feature.name == name
    assert feature.library in libraries()


def test_all_of_them_fit_into_one_plan():
    plan = Plan({name: feature.formula for name, feature in FEATURES.items()}, KNOWN_COLUMNS)
    found = plan.run(MARKET)
    assert all(len(found[name]) == 2000 for name in FEATURES)
    plans = [Plan({name: feature.formula}, KNOWN_COLUMNS) for name, feature in FEATURES.items()]
    alone = sum(len(plan.graph.slots) for plan in plans)
    assert len(plan.graph.slots) < 0.75 * alone


def test_an_unknown_library_gets_a_hint():
    assert library("momentum") is libraries()["momentum"]
    with pytest.raises(ConfigError, match=r"no feature library 'momentun'.*price.*try: momentum"):
        library("momentun")
