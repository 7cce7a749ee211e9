"""`col` and `fn`: every column and every function by attribute, with a hint for a mistyped one."""

import pytest

from bateia.features import col, fn
from bateia.features.expression import Call, Column, Constant
from bateia.features.language import words


def test_any_name_is_a_column():
    assert col.close == col["close"] == Column("close")
    with pytest.raises(AttributeError):
        _ = col.__wrapped__


def test_every_operator_and_function():
    assert dir(fn) == words()
    assert {"ema", "at", "of", "std"} <= set(words())
    assert "rows_within" not in words()
    for name in dir(fn):
        assert getattr(fn, name)(col.a, 3) == Call(name, (Column("a"), Constant(3.0)))
    assert fn.and_(col.a, col.b) == (col.a & col.b)
    assert fn.sum(col.a, 2) == fn.sum_(col.a, 2)


def test_a_mistyped_function_gets_a_hint():
    with pytest.raises(AttributeError, match="no function 'emma'; did you mean 'ema'"):
        _ = fn.emma
    with pytest.raises(AttributeError, match=r"no function 'qqqqqqqq'$"):
        _ = fn.qqqqqqqq
