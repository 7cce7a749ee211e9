"""Expressions to a graph: each part once, numbers folded, and errors that say where and what instead."""

import numpy as np
import pytest

from bateia.core import ExpressionError
from bateia.features import Plan, col, fn
from bateia.features.compiler import build
from bateia.features.functions import FUNCTIONS
from bateia.features.graph import Warmup
from bateia.kernels.operator import operator
from bateia.kernels.operators import OPERATORS

COLUMNS = ["time", "close", "volume"]


def operators(features, columns=COLUMNS):
    return [slot.operator.name for slot in build(features, columns).slots if slot.operator]


def refused(features, columns=COLUMNS):
    with pytest.raises(ExpressionError) as caught:
        build(features if isinstance(features, dict) else {"f": features}, columns)
    return caught.value


def test_a_shared_part_is_there_once():
    features = {"a": "ema(close, 5) / ema(close, 9)", "b": "ema(close, 5) - 1", "c": "ema( close,5 ) - 1"}
    assert operators(features) == ["smooth", "smooth", "div", "sub"]
    assert operators({"z": "zscore(close, 9)"}).count("sum") == 1
    assert operators({"a": 'sum(close, "5m")', "b": 'mean(volume, "5m")'}).count("rows_within") == 1
    graph = build({"a": "close - 1", "b": "close - 1"}, COLUMNS)
    assert graph.outputs["a"] == graph.outputs["b"]


def test_inputs_come_before_their_users():
    slots = build({"f": "zscore(roc(close, 5), 20) / atr(9)"}, ["high", "low", "close"]).slots
    assert all(j < k for k, slot in enumerate(slots) for j in slot.inputs)


def test_features_use_each_other_in_any_order():
    graph = build({"b": "a * 2", "a": "close - 1"}, COLUMNS)
    assert list(graph.outputs) == ["b", "a"]
    assert operators({"b": "a * 2", "a": "close - 1"}) == ["sub", "mul"]
    assert graph.columns == ["close"]


def test_a_cycle_is_refused():
    assert "a -> b -> a; allowed: no cycles" in str(refused({"a": "b + 1", "b": "a + 1"}))
    assert "a -> a" in str(refused({"a": "lag(a, 1)"}))


def test_names_that_shadow_a_column_or_are_none():
    error = str(refused({"close": "volume"}))
    assert error == "the feature 'close' has the name of a column; try: close_feature"
    assert "'5m' is not a name" in str(refused({"5m": "close"}))
    for name in ("if", "", 3):
        assert f"{name!r} is not a name" in str(refused({name: "close"}))


def test_the_nearest_column_and_function():
    error = refused({"trend": "1 + ema(colse, 5)"})
    assert (error.feature, error.position) == ("trend", 8)
    assert "feature 'trend': unknown column 'colse' at character 9" in str(error)
    assert str(error).endswith("try: close")
    error = refused("close + emma(close, 5)")
    assert error.position == 8
    assert "unknown function 'emma'" in str(error)
    assert str(error).endswith("try: ema")
    assert "unknown function 'rows_within'" in str(refused("rows_within(time, 1, 1)"))
    inner = refused({"a": "b + 1", "b": "   nothing"})
    assert (inner.feature, inner.position, inner.text) == ("b", 3, "   nothing")


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        (
            "ema(close, 0)",
            11,
            "the window of ema(x, n) is 0 at character 12 of 'ema(close, 0)'; allowed: a whole",
        ),
        ("ema(close, 2.5)", 11, "is 2.5"),
        ("ema(close, -3)", 11, "is -3"),
        (
            "ema(close, close)",
            11,
            "is close at character 12 of 'ema(close, close)'; allowed: a constant number",
        ),
        ("std(close, volume)", 11, 'a constant number or a duration such as "5m"'),
        ("std(close, 1)", 11, "a whole number from 2 to 10,000,000"),
        ("std(close, 1e8)", 11, "a whole number from 2 to 10,000,000"),
        ("std(close, 5, 2)", 14, "the ddof of std(x, n, ddof=1) is 2"),
        ("highest(close, 5, -2)", 18, "is -2"),
        ("smooth(close, 5, 1.5)", 17, "from 0 to 1"),
        ('ema(close, "5m")', 11, "ema(x, n) has no duration window at character 12"),
        ('std(close, "5 parsecs")', 11, "5 parsecs"),
        ('std(close, "5m", "5m")', 17, "the ddof of std"),
        ("std(close)", 0, "std() got 1 arguments at character 1 of 'std(close)'; allowed: std(x, n, ddof=1)"),
        ("std(close, 5, 1, 1)", 0, "std() got 4 arguments"),
        ("1 + ema(close)", 4, "ema() got 1 arguments at character 5 of '1 + ema(close)'; allowed: ema(x, n)"),
        ("5", 0, "5 is not a series at character 1 of '5'; allowed: a column or an expression of columns"),
        ('"5m"', 0, '"5m" is not a series'),
        ('close + "5m"', 8, '"5m" is not a series'),
        ("2 * 3", 0, "6 is not a series"),
        ("lag(3, 5)", 4, "3 is not a series"),
        ("close * (1 / 0)", 9, "1 / 0 is not a finite number"),
        ("close * 10 ** 400", 8, "10 ** 400 is not a finite number"),
        ("close * (-8) ** 0.5", 8, "is not a finite number"),
    ],
)
def test_what_makes_no_sense_is_pointed_at(text, at, words):
    error = refused(text)
    assert words in str(error)
    assert error.position == at


def test_objects_get_the_same_messages_as_text():
    text = "ema(std(close, 0), 3)"
    assert str(refused(fn.ema(fn.std(col.close, 0), 3))) == str(refused(text))
    assert "the window of std(x, n, ddof=1) is 0" in str(refused(text))
    deep = col.close
    for _ in range(70):
        deep = abs_(deep)
    assert "nested too deep" in str(refused(deep))


def abs_(expr):
    return fn.abs(expr)


def test_a_duration_needs_a_clock():
    error = refused('1 + sum(close, "5m")', ["close"])
    assert "a duration window needs a clock, and there is no column 'time'" in str(error)
    assert error.position == 15


def test_numbers_are_folded():
    graph = build({"f": "close * (2 + 3 * 4 - 10 / 5 % 3 - -2 ** 2)"}, COLUMNS)
    assert [slot.value for slot in graph.slots if slot.value is not None] == [16.0]
    assert operators({"f": "ema(close, 2 * 10)"}) == operators({"f": "ema(close, 20)"})
    assert operators({"f": "close ** 2"}) == ["mul"]
    assert operators({"f": "close ** 0.5"}) == ["sqrt"]
    assert operators({"f": "close ** 3"}) == ["pow"]


def test_warmups():
    def warm(text):
        graph = build({"f": text}, [*COLUMNS, "high", "low"])
        return graph.warmups[graph.outputs["f"]]

    assert warm("close") == Warmup()
    assert warm("close + lag(volume, 7)") == Warmup(7)
    assert warm("ema(ema(close, 5), 9)") == Warmup(12)
    assert warm("zscore(diff(close, 3), 20)") == Warmup(22)
    assert warm("adx(high, low, close, 14)") == Warmup(27)
    assert warm('sum(lag(close, 2), "1m")') == Warmup(2, 60_000_000)
    assert warm('sum(close, "1m") + mean(close, "5m")') == Warmup(0, 300_000_000)


def test_every_function_and_operator_says_what_it_is():
    for function in FUNCTIONS.values():
        assert function.about
        assert function.signature.startswith(function.name + "(")
    for op in OPERATORS.values():
        assert op.about.endswith(".")
        assert op.signature.startswith(op.name + "(")


def test_a_function_is_its_body():
    close = np.random.default_rng(0).normal(size=50)
    one = Plan({"f": "zscore(close, 9)"}).run({"close": close})["f"]
    two = Plan({"f": "(close - mean(close, 9)) / std(close, 9)"}).run({"close": close})["f"]
    assert np.array_equal(one, two, equal_nan=True)


def test_what_stands_in_many_places_is_compiled_once():
    """Each of these would be 6 ** 30 places if every one were looked at."""
    plan = Plan({"f": "tema(" * 30 + "close" + ", 3)" * 30})
    assert plan.warmup["f"].rows == 30 * 6
    assert Plan({"f": "first_argmax_60(first_argmax_60(first_argmax_60(close)))"}).warmup["f"].rows == 177


def test_features_that_build_on_each_other_without_end():
    chain = {"f0": "close"} | {f"f{k}": f"f{k - 1} + 1" for k in range(1, 2000)}
    assert Plan(chain).run({"close": np.ones(1)})["f1999"] == 2000
    with pytest.raises(
        ExpressionError, match=r"feature 'f1999': it builds on too many others.*; try: define"
    ):
        Plan(dict(reversed(chain.items())))
    near = dict(list(chain.items())[:50])
    assert Plan(dict(reversed(near.items()))).run({"close": np.ones(1)})["f49"] == 50
    heavy = {"f0": "close"} | {f"f{k}": "score(" * 50 + f"f{k - 1}" + ", 3)" * 50 for k in range(1, 40)}
    with pytest.raises(ExpressionError, match=r"too many others|too deep"):
        Plan(dict(reversed(heavy.items())))


def test_an_operator_with_the_name_of_a_function_is_not_passed_over():
    @operator("x", name="streak")
    def streak(start, stop, x, out, p, s):
        """Never run: the language has a streak already."""
        return 0

    try:
        says = str(refused({"f": "close + streak(close)"}))
    finally:
        del OPERATORS["streak"]
    assert "an operator and a function are called 'streak' at character 9" in says
    assert "try: rename the operator" in says


def test_the_warm_up_is_that_of_the_input_that_is_late():
    """A true range needs the close before, and high and low of the row itself."""
    close = np.arange(9.0)
    for high, low, before, rows in [(1, 1, 5, 5), (1, 5, 1, 4), (5, 1, 4, 4), (1, 1, 1, 1), (4, 4, 4, 4)]:
        formula = f"true_range(mean(close, {high}), mean(close, {low}), mean(close, {before}))"
        plan = Plan({"f": formula})
        assert plan.warmup["f"].rows == rows == np.isnan(plan.run({"close": close})["f"]).sum()
