"""The table of features says of each what its plan knows."""

import json

import pytest

from bateia.core import ConfigError
from bateia.features import Plan, feature_table, libraries
from bateia.features.functions import FUNCTIONS
from bateia.features.language import INTERNAL, SCOPES
from bateia.features.plan import KNOWN_COLUMNS
from bateia.features.table import describe, function_table, operator_table
from bateia.kernels.operators import OPERATORS


def test_a_row_for_each_feature():
    rows = feature_table()
    assert len(rows) == sum(map(len, libraries().values()))
    for row in rows:
        plan = Plan({row["name"]: row["formula"]}, KNOWN_COLUMNS)
        assert row["columns"] == plan.columns
        assert row["warmup_rows"] == plan.warmup[row["name"]].rows
        assert bool(row["warmup_time"]) == bool(plan.warmup[row["name"]].micros)
        assert row["about"] == libraries()[row["library"]][row["name"]].about
    assert json.loads(json.dumps(rows)) == rows


def test_one_library():
    rows = {row["name"]: row for row in feature_table("price")}
    assert list(rows) == list(libraries()["price"])
    assert rows["return_5m"]["warmup_time"] == "5m"
    assert rows["return_60"]["warmup_rows"] == 60


def test_an_unknown_library():
    with pytest.raises(ConfigError, match="try: volatility"):
        feature_table("volatilty")


def test_functions_and_operators():
    functions, operators = function_table(), operator_table()
    assert [row["name"] for row in functions] == list(FUNCTIONS)
    assert {row["name"] for row in operators} == {*OPERATORS, *SCOPES} - INTERNAL
    assert {row["family"] for row in functions} >= {"core", "regimes"}
    assert all(row["about"] for row in [*functions, *operators])
    assert {row["name"]: row["durations"] for row in operators}["std"]


def test_one_name():
    (row,) = describe("macd_histogram")
    assert row["kind"] == "feature"
    assert row["expanded"] == "(a - smooth(a, 9, 0.2)) / close"
    assert row["warmup_rows"] == 33
    assert [row["kind"] for row in describe("hour")] == ["feature", "function"]
    assert [row["kind"] for row in describe("lag")] == ["operator"]


@pytest.mark.parametrize(
    ("wrong", "right"), [("vwap_distence", "vwap_distance"), ("zscor", "zscore"), ("rows_within", "")]
)
def test_an_unknown_name(wrong, right):
    with pytest.raises(ConfigError, match=f"no feature, function or operator '{wrong}'.*{right}"):
        describe(wrong)
