"""Text to expression and back: whatever is printed reads the same, whatever is refused says where."""

import keyword
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.core import ExpressionError
from bateia.features import parse
from bateia.features.expression import INFIX, PREFIX, Call, Column, Constant, Text

names = st.text(string.ascii_lowercase + "_", min_size=1, max_size=6).filter(
    lambda name: not keyword.iskeyword(name)
)
numbers = st.floats(allow_nan=False, allow_infinity=False)
leaves = st.one_of(
    names.map(Column), numbers.map(Constant), st.text(max_size=5).filter(str.isprintable).map(Text)
)


def grow(inner):
    two, any_ = st.tuples(inner, inner), st.lists(inner, max_size=4).map(tuple)
    calls = st.builds(Call, names.filter(lambda name: name not in {*INFIX, *PREFIX}), any_)
    infix = st.builds(Call, st.sampled_from(sorted(INFIX)), two)
    prefix = st.builds(Call, st.sampled_from(sorted(PREFIX)), st.tuples(inner))
    odd = st.builds(Call, st.sampled_from(["add", "neg", "gt", "pow"]), any_)
    return st.one_of(calls, infix, prefix, odd)


trees = st.recursive(leaves, grow, max_leaves=12)


@given(trees)
@settings(max_examples=300, deadline=None)
def test_what_is_printed_reads_back(tree):
    printed = str(tree)
    read = parse(printed)
    assert read == tree
    assert str(read) == printed


@given(st.text(max_size=30) | st.text("abc+-*/%()<>=! .,'\"0123[]{}:@\n\\#", max_size=30))
@settings(max_examples=400, deadline=None)
@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
def test_any_text_reads_or_is_refused(text):
    try:
        read = parse(text)
    except ExpressionError as error:
        assert 0 <= error.position <= len(text)
    else:
        assert parse(str(read)) == read


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ("", 0, "the expression is empty"),
        ("  ", 0, "the expression is empty"),
        ("close +", 7, "cannot read it"),
        ("   close + + ", 13, "cannot read it"),
        ("(close,\n  @)", 10, "cannot read it"),
        ("close.high", 0, "'close.high' has no meaning"),
        ("  1 + close[0]", 6, r"'close\[0\]' has no meaning"),
        ("1 + __import__('os').system('x')", 4, "has no meaning"),
        ("close + (lambda: 1)()", 8, "has no meaning"),
        ("[x for x in close]", 0, "has no meaning"),
        ("a // 2", 0, "has no meaning"),
        ("a @ b", 0, "has no meaning"),
        ("é + ~a", 4, "'~a' has no meaning"),
        ("a is b", 0, "one comparison at a time"),
        ("0 < a < 1", 0, "one comparison at a time"),
        ("ema(close, n=3)", 13, "by place, without names"),
        ("ema(close, *a)", 11, "has no meaning"),
        ("a + True", 4, "True is not a number"),
        ("a + None", 4, "None is not a number"),
        ("a + 1j", 4, "1j is not a number"),
        ("a + b'x'", 4, "is not a number"),
        ("a + 1e999", 4, "too large"),
        ("a + 1" + "0" * 400, 4, "too large"),
        ("é + f'{a}'", 4, "has no meaning"),
        ("(a := 3)", 1, "has no meaning"),
        ("a + \ud800", 4, "no text file can hold"),
        ("(ñ +\n  a.b)", 7, "has no meaning"),
    ],
)
def test_a_refusal_points_at_the_character(text, at, words):
    with pytest.raises(ExpressionError, match=words) as caught:
        parse(text)
    assert caught.value.position == at
    assert "allowed: columns, numbers" in str(caught.value)


def test_positions_of_the_parts():
    expr = parse("  ema(clöse, 3) / high")
    assert (expr.position, expr.args[0].position, expr.args[1].position) == (2, 2, 18)
    assert [arg.position for arg in expr.args[0].args] == [6, 13]


def test_nothing_is_evaluated(capsys):
    assert parse("print(1)") == Call("print", (Constant(1.0),))
    assert parse("exit()") == Call("exit", ())
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "deep", ["(" * 70 + "a" + ")" * 70, "-" * 61 + "a", "-" * 3999 + "a", "abs(" * 61 + "a" + ")" * 61]
)
def test_too_deep(deep):
    if deep.startswith("(" * 70):
        assert parse(deep) == Column("a")
        return
    with pytest.raises(ExpressionError, match=r"nested too deep.*; allowed: 60 levels; try: name a part"):
        parse(deep)


@pytest.mark.parametrize("deep", ["a" + ".b" * 1500, "a" + "[0]" * 900, "a" + "()" * 900])
def test_nonsense_is_refused_however_deep(deep):
    with pytest.raises(ExpressionError):
        parse(deep)


def test_too_deep_says_where():
    for deep, at in (("abs(" * 61 + "a" + ")" * 61, 244), (" and ".join("a" * 400), 6 * 60)):
        with pytest.raises(ExpressionError, match=f"nested too deep at character {at + 1};") as caught:
            parse(deep)
        assert caught.value.position == at
    assert str(parse(" and ".join("a" * 60))).count("and") == 59


def test_deep_enough():
    assert str(parse("abs(" * 60 + "a" + ")" * 60)).count("abs") == 60


def test_too_long():
    with pytest.raises(ExpressionError, match="4001 characters; allowed: at most 4000; try: name a part"):
        parse("a" * 4001)
    assert parse("a" * 4000) == Column("a" * 4000)


def test_the_grammar():
    assert parse("a if b > 1 else c") == parse("where(b > 1, a, c)")
    assert parse("a and b and c") == parse("(a and b) and c")
    assert parse("a or b and not c") == Call("or", (Column("a"), parse("b and not c")))
    assert parse("+a") == Column("a")
    assert parse("-3") == Constant(-3.0)
    assert parse("a != b") == Call("ne", (Column("a"), Column("b")))
    assert parse("2 ** -a") == Call("pow", (Constant(2.0), Call("neg", (Column("a"),))))
