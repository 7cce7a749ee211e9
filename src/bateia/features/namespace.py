"""`col.close` and `fn.ema(x, 20)`: expressions written in Python."""

from __future__ import annotations

from collections.abc import Callable

from bateia.core import nearest
from bateia.features.expression import Call, Column, Operand, as_expr
from bateia.features.language import words


class _Columns:
    """Any attribute is a column of that name."""

    def __getattr__(self, name: str) -> Column:
        if name.startswith("_"):
            raise AttributeError(name)
        return Column(name)

    def __getitem__(self, name: str) -> Column:
        return Column(name)


class _Functions:
    """Every operator and function of the expression language, by name."""

    def __getattr__(self, name: str) -> Callable[..., Call]:
        known = words()
        called = name.rstrip("_")
        if called not in known:
            close = nearest(called, known)
            raise AttributeError(f"no function {called!r}" + (f"; did you mean {close!r}?" if close else ""))

        def call(*args: Operand) -> Call:
            return Call(called, tuple(as_expr(arg) for arg in args))

        return call

    def __dir__(self) -> list[str]:
        return words()


col = _Columns()
fn = _Functions()
