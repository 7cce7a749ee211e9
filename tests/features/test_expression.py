"""Expressions as Python objects: arithmetic, text, what they refuse."""

import math

import pytest

from bateia.core import ExpressionError
from bateia.features import col, fn, parse
from bateia.features.expression import Call, Column, Constant, Text, as_expr, walk

A, B = Column("a"), Column("b")


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (A + 1, "a + 1"),
        (1 + A, "1 + a"),
        (A - 2.5, "a - 2.5"),
        (2.5 - A, "2.5 - a"),
        (A * B, "a * b"),
        (2 * A, "2 * a"),
        (A / B, "a / b"),
        (1 / A, "1 / a"),
        (A % 3, "a % 3"),
        (A**2, "a ** 2"),
        (-A, "-a"),
        (A > B, "a > b"),
        (A >= 1, "a >= 1"),
        (A < B, "a < b"),
        (A <= B, "a <= b"),
        ((A > 1) & (B > 1), "a > 1 and b > 1"),
        ((A > 1) | (B > 1), "a > 1 or b > 1"),
        (~(A > 1), "not a > 1"),
        ((A + B) * 2, "(a + b) * 2"),
        (A - (B - 1), "a - (b - 1)"),
        (A - B - 1, "a - b - 1"),
        ((A**B) ** 2, "(a ** b) ** 2"),
        (A ** (B**2), "a ** b ** 2"),
        ((-A) ** 2, "(-a) ** 2"),
        (-(A**2), "-a ** 2"),
        (A ** Constant(-0.0), "a ** (-0)"),
        (Constant(-0.0) ** A, "(-0) ** a"),
        ((A > B) > 1, "(a > b) > 1"),
        (-Constant(2.0), "neg(2)"),
        (Call("add", (A,)), "add(a)"),
        (Call("add", (A, B, A)), "add(a, b, a)"),
        (Call("not", (A, B)), "not(a, b)"),
        (fn.lag(A, "5m"), 'lag(a, "5m")'),
        (Text('say "5m"'), "'say \"5m\"'"),
        (Text("tab\t"), "'tab\\t'"),
        (Constant(1e300), "1e+300"),
        (Constant(1e15), "1000000000000000.0"),
    ],
)
def test_text(expr, text):
    assert str(expr) == text
    if text != "not(a, b)":
        assert parse(text) == expr


def test_an_expression_has_no_truth_value():
    with pytest.raises(ExpressionError, match=r"no single truth value.*fn.where"):
        bool(A > 1)
    with pytest.raises(ExpressionError, match="no single truth value"):
        0 < A < 1  # noqa: B015


@pytest.mark.parametrize("value", [None, True, [1], math.nan, math.inf, -math.inf])
def test_what_cannot_be_part_of_an_expression(value):
    with pytest.raises(ExpressionError, match="cannot be part of an expression; allowed: columns"):
        A + value


def test_equal_by_content_not_by_place():
    assert parse("  a + 1") == parse("a+1") == A + 1
    assert hash(parse("  a + 1")) == hash(A + 1)
    assert A + 1 != 1 + A
    assert as_expr(3) == Constant(3.0)
    assert as_expr(A) is A
    assert as_expr("5m") == Text("5m")


def test_walk_meets_every_part():
    assert [str(part) for part in walk(fn.ema(A, 3) / B)] == ["ema(a, 3) / b", "ema(a, 3)", "a", "3", "b"]


def test_columns_and_functions_make_what_the_text_says():
    assert fn.ema(col.close, 20) / fn.ema(col["close"], 50) - 1 == parse(
        "ema(close, 20) / ema(close, 50) - 1"
    )
