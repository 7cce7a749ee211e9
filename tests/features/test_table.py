"""The table of features says of each what its plan knows."""

import json

import pytest

from bateia.core import ConfigError
from bateia.features import Plan, feature_table, libraries


def test_a_row_for_each_feature():
    rows = feature_table()
    assert len(rows) == sum(map(len, libraries().values()))
    for row in rows:
        plan = Plan({row["name"]: row["formula"]})
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
