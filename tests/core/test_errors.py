"""Errors say what was given, what is allowed and what to try."""

from __future__ import annotations

from bateia.core import BateiaError, ExpressionError, nearest


def test_the_three_parts_are_told_and_kept():
    error = BateiaError("folds is 0", allowed="1 or more", hint="folds: 5")
    assert str(error) == "folds is 0; allowed: 1 or more; try: folds: 5"
    assert (error.given, error.allowed, error.hint) == ("folds is 0", "1 or more", "folds: 5")
    assert str(BateiaError("folds is 0")) == "folds is 0"


def test_an_expression_error_points_and_names_its_feature():
    error = ExpressionError("unknown column 'clsoe'", text="ema(clsoe, 3)", position=4, hint="close")
    assert str(error) == "unknown column 'clsoe' at character 5 of 'ema(clsoe, 3)'; try: close"
    named = error.within("trend").within("outer")
    assert str(named).startswith("feature 'trend': unknown column 'clsoe' at character 5")
    assert (named.feature, named.position, named.hint) == ("trend", 4, "close")


def test_nearest_is_none_when_nothing_is_near():
    assert nearest("zzz", ["open", "close"]) is None
