"""Every bundled feature: causal, the same live, described."""

import pytest

from bateia.core import ConfigError
from bateia.features import Plan, libraries, library
from bateia.testing.operators import CHECKS, check_operator, generated_market

FEATURES = {name: feature for found in libraries().values() for name, feature in found.items()}
MARKET = generated_market(2000, 1)


def test_there_are_enough_of_them_and_no_name_twice():
    assert len(FEATURES) >= 40
    assert len(FEATURES) == sum(map(len, libraries().values()))


@pytest.mark.parametrize("name", FEATURES)
def test_every_check(name):
    # Without exclusions: a feature that is meant for everybody has no excuse.
    assert check_operator(FEATURES[name].formula, MARKET) == list(CHECKS)


@pytest.mark.parametrize("name", FEATURES)
def test_it_says_what_it_is(name):
    feature = FEATURES[name]
    assert feature.about
    assert feature.about[0].isupper()
    assert not feature.about.endswith(".")
    assert feature.name == name
    assert feature.library in libraries()


def test_all_of_them_fit_into_one_plan():
    plan = Plan({name: feature.formula for name, feature in FEATURES.items()})
    found = plan.run(MARKET)
    assert all(len(found[name]) == 2000 for name in FEATURES)
    alone = sum(len(Plan({name: feature.formula}).graph.slots) for name, feature in FEATURES.items())
    assert len(plan.graph.slots) < 0.75 * alone


def test_an_unknown_library_gets_a_hint():
    assert library("momentum") is libraries()["momentum"]
    with pytest.raises(ConfigError, match=r"no feature library 'momentun'.*price.*try: momentum"):
        library("momentun")
