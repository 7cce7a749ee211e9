"""What features come down to is the same feature, written out."""

import numpy as np
import pytest

from bateia.features import Plan, libraries
from bateia.features.expanded import LONGEST, expanded_body, expanded_feature
from bateia.features.functions import FUNCTIONS
from bateia.features.plan import KNOWN_COLUMNS
from bateia.testing.operators import generated_market

MARKET = generated_market(500, 6, pace=1000)


def written_out(formula):
    plan = Plan({"feature": formula}, KNOWN_COLUMNS)
    found = expanded_feature(plan)
    return plan, Plan({"feature": found["expanded"], **found["where"]}, KNOWN_COLUMNS), found


@pytest.mark.parametrize("name", sorted(libraries()))
def test_the_operators_give_the_same_bits(name):
    for feature in libraries()[name].values():
        plan, again, _ = written_out(feature.formula)
        one, two = (each.run(MARKET)["feature"] for each in (plan, again))
        np.testing.assert_array_equal(one, two, err_msg=feature.name)
        if len(plan.graph.timeframes) == 1:  # a named part is an output of its own, over the events too
            assert len(plan.graph.slots) == len(again.graph.slots), feature.name


@pytest.mark.parametrize(
    ("formula", "expanded", "where"),
    [
        ("zscore(close, 5)", "(close - sum(close, 5, 1)) / std(close, 5)", {}),
        ('mean(volume, "5m")', 'sum(volume, "5m", 1)', {}),
        ("std(close, 5, 0)", "std(close, 5, 0)", {}),
        ("diff(close, 1) ** 2", "a * a", {"a": "close - lag(close, 1)"}),
        ('at("1m", diff(high, 1))', 'at("1m", high - lag(high, 1))', {}),
        ('of("ETH", diff(close, 1)) - 2', 'of("ETH", diff(close, 1)) - 2', {}),
        ("close", "close", {}),
    ],
)
def test_written_as_a_user_would(formula, expanded, where):
    _, _, found = written_out(formula)
    assert found == {"expanded": expanded, "where": where}


def test_letters_are_not_columns():
    plan = Plan({"x": "(a + 1) ** 2"}, ("a",))
    assert expanded_feature(plan) == {"expanded": "b * b", "where": {"b": "a + 1"}}


def test_functions():
    assert expanded_body(FUNCTIONS["atr"])["columns"] == ["high", "low", "close"]
    for function in FUNCTIONS.values():
        found = expanded_body(function)
        assert len(found["expanded"]) <= LONGEST
        assert not set(found["columns"]) & set(function.params)
