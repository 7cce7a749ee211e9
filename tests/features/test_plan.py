"""A plan: what it needs, what it gives, and its name by content."""

import numpy as np
import pytest

from bateia.core import Bars, ConfigError, DataError
from bateia.features import Plan, col, fn
from bateia.features.graph import Warmup
from bateia.testing.operators import generated_market

MARKET = generated_market(300)


def test_it_needs_the_columns_of_its_features_only():
    plan = Plan({"a": "high - low", "b": 'sum(volume, "10s")', "c": "a / close"})
    assert sorted(plan.columns) == ["close", "high", "low", "time", "volume"]
    found = plan.run({name: MARKET[name] for name in plan.columns})
    assert list(found) == plan.names == ["a", "b", "c"]
    assert np.array_equal(found["a"], MARKET["high"] - MARKET["low"])
    assert np.array_equal(found["c"], found["a"] / MARKET["close"])


def test_a_column_is_a_feature():
    assert np.array_equal(Plan({"price": "close"}).run(MARKET)["price"], MARKET["close"])


def test_bars_are_columns():
    bars = Bars(**{name: MARKET[name] for name in Bars.empty().columns()})
    plan = Plan({"a": fn.ema(col.close, 9) - col.open})
    assert np.array_equal(plan.run(bars)["a"], plan.run(MARKET)["a"], equal_nan=True)
    assert plan.features == {"a": "ema(close, 9) - open"}


def test_objects_and_text_are_the_same_plan():
    one, two = Plan({"a": fn.ema(col.close, 9)}), Plan({"a": "ema(close, 9)"})
    assert one.hash == two.hash
    assert one.warmup == two.warmup == {"a": Warmup(8)}
    assert Plan({"b": "ema(close, 9)"}).hash != one.hash
    assert Plan({"a": "ema(close, 8)"}).hash != one.hash


def test_any_columns():
    plan = Plan({"spread": "ask - bid"}, columns=["bid", "ask"])
    assert plan.run({"bid": np.array([1, 2]), "ask": np.array([1.5, 2.25])})["spread"].tolist() == [0.5, 0.25]


def test_a_constant_part_is_a_constant_series():
    assert Plan({"a": "close * 0 + sqrt(4)"}).run({"close": np.arange(3.0)})["a"].tolist() == [2, 2, 2]


def test_no_rows_and_many():
    plan = Plan({"a": 'mean(close, "30s")', "b": "ema(close, 20)"})
    assert plan.run({name: column[:0] for name, column in MARKET.items()})["a"].shape == (0,)
    many = generated_market(5000)
    twice = plan.run(many)
    assert np.array_equal(twice["a"], plan.run(many)["a"], equal_nan=True)


def test_feature_by_name():
    plan = Plan({"trend": "ema(close, 5)"})
    assert plan["trend"] == "ema(close, 5)"
    with pytest.raises(ConfigError, match="no feature 'trand'; try: trend"):
        _ = plan["trand"]
    assert repr(plan) == "Plan(1 features, 1 nodes, columns ['close'])"


def test_errors():
    with pytest.raises(ConfigError, match="a plan without features"):
        Plan({})
    with pytest.raises(ConfigError, match="features that look at no column; try: close"):
        Plan({"a": "cumcount(0)"})
    plan = Plan({"a": "close - open"})
    with pytest.raises(DataError, match=r"missing columns \['open'\]; allowed: close, open"):
        plan.run({"close": np.zeros(3)})
    with pytest.raises(DataError, match=r"unequal length: \[3, 2\]"):
        plan.run({"close": np.zeros(3), "open": np.zeros(2)})
    with pytest.raises(DataError, match="belongs to another plan"):
        plan.restore(Plan({"a": "open - close"}).start().snapshot())
