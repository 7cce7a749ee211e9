"""The features section of a recipe."""

import pytest
from pydantic import ValidationError

from bateia.core import ConfigError, ExpressionError
from bateia.features import Features, Plan, library


def test_libraries_and_formulas_of_its_own():
    features = Features(use=("momentum", "calendar"), define={"trend": "rsi_14 / 50 - 1"})
    names = [*library("momentum"), *library("calendar"), "trend"]
    assert list(features.formulas()) == features.plan().names == names
    assert features.plan().hash == Plan(features.formulas()).hash


def test_over_other_columns():
    plan = Features(define={"mid": "(bid + ask) / 2"}).plan(["bid", "ask"])
    assert plan.columns == ["bid", "ask"]


def test_it_reads_back():
    features = Features(use=("price",), define={"a": "close"})
    assert Features.model_validate_json(features.model_dump_json()) == features


def test_nothing_is_no_section():
    with pytest.raises(ValidationError, match="no features; allowed: libraries under `use`"):
        Features()


def test_a_name_twice_and_names_unknown():
    with pytest.raises(ConfigError, match="features defined twice: rsi_14"):
        Features(use=("momentum",), define={"rsi_14": "close"}).formulas()
    with pytest.raises(ConfigError, match="try: price"):
        Features(use=("prices",)).plan()
    with pytest.raises(ExpressionError, match="feature 'a': unknown column 'clsoe'"):
        Features(define={"a": "clsoe"}).plan()
