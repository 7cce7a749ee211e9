"""Feature expressions: the same text in a recipe, or the same object in Python."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from bateia.core import ExpressionError

INFIX = {
    "add": ("+", 4),
    "sub": ("-", 4),
    "mul": ("*", 5),
    "div": ("/", 5),
    "mod": ("%", 5),
    "pow": ("**", 7),
    "gt": (">", 3),
    "ge": (">=", 3),
    "lt": ("<", 3),
    "le": ("<=", 3),
    "eq": ("==", 3),
    "ne": ("!=", 3),
    "and": ("and", 1),
    "or": ("or", 0),
}
PREFIX = {"neg": ("-", 6), "not": ("not ", 2)}
_ATOM = 9

Operand: TypeAlias = "Expr | float | int | str"


@dataclass(frozen=True)
class Expr:
    """A causal expression over columns; `str(e)` is text that parses back to the same expression.

    >>> from bateia.features import col, fn
    >>> str(fn.ema(col.close, 20) / fn.ema(col.close, 50) - 1)
    'ema(close, 20) / ema(close, 50) - 1'
    """

    position: int = field(default=0, compare=False, kw_only=True, repr=False)

    def __add__(self, other: Operand) -> Call:
        return Call("add", (self, as_expr(other)))

    def __radd__(self, other: Operand) -> Call:
        return Call("add", (as_expr(other), self))

    def __sub__(self, other: Operand) -> Call:
        return Call("sub", (self, as_expr(other)))

    def __rsub__(self, other: Operand) -> Call:
        return Call("sub", (as_expr(other), self))

    def __mul__(self, other: Operand) -> Call:
        return Call("mul", (self, as_expr(other)))

    def __rmul__(self, other: Operand) -> Call:
        return Call("mul", (as_expr(other), self))

    def __truediv__(self, other: Operand) -> Call:
        return Call("div", (self, as_expr(other)))

    def __rtruediv__(self, other: Operand) -> Call:
        return Call("div", (as_expr(other), self))

    def __mod__(self, other: Operand) -> Call:
        return Call("mod", (self, as_expr(other)))

    def __pow__(self, other: Operand) -> Call:
        return Call("pow", (self, as_expr(other)))

    def __neg__(self) -> Call:
        return Call("neg", (self,))

    def __gt__(self, other: Operand) -> Call:
        return Call("gt", (self, as_expr(other)))

    def __ge__(self, other: Operand) -> Call:
        return Call("ge", (self, as_expr(other)))

    def __lt__(self, other: Operand) -> Call:
        return Call("lt", (self, as_expr(other)))

    def __le__(self, other: Operand) -> Call:
        return Call("le", (self, as_expr(other)))

    def __and__(self, other: Operand) -> Call:
        return Call("and", (self, as_expr(other)))

    def __or__(self, other: Operand) -> Call:
        return Call("or", (self, as_expr(other)))

    def __invert__(self) -> Call:
        return Call("not", (self,))

    def __bool__(self) -> bool:
        raise ExpressionError(
            f"the expression {str(self)!r} has no single truth value",
            hint="`a & b`, `a | b`, `~a` or `fn.where(condition, a, b)` in place of and, or, not, if",
        )


@dataclass(frozen=True)
class Column(Expr):
    """An input column, or another feature, by name."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Constant(Expr):
    """A number."""

    value: float

    def __str__(self) -> str:
        return f"{self.value:.0f}" if self.value.is_integer() and abs(self.value) < 1e15 else repr(self.value)


@dataclass(frozen=True)
class Text(Expr):
    """A quoted text, such as the duration `"5m"`."""

    value: str

    def __str__(self) -> str:
        plain = self.value.isprintable() and not {'"', "\\"} & set(self.value)
        return f'"{self.value}"' if plain else repr(self.value)


@dataclass(frozen=True)
class Call(Expr):
    """A function applied to arguments; arithmetic is a call of `add`, `sub` and so on."""

    name: str
    args: tuple[Expr, ...]

    def __str__(self) -> str:
        if self.name in INFIX and len(self.args) == 2:
            sign, level = INFIX[self.name]
            # ** binds to the right, comparisons not at all, the rest to the left.
            left_level = level + (self.name == "pow" or level == 3)
            right_level = level + (self.name != "pow")
            return f"{_show(self.args[0], left_level)} {sign} {_show(self.args[1], right_level)}"
        # The parser reads -2 as a number, not as the negative of one.
        if self.name in PREFIX and len(self.args) == 1 and not _is_number(self):
            sign, level = PREFIX[self.name]
            return f"{sign}{_show(self.args[0], level)}"
        return f"{self.name}({', '.join(map(str, self.args))})"


def _level(expr: Expr) -> int:
    if isinstance(expr, Call):
        if expr.name in INFIX and len(expr.args) == 2:
            return INFIX[expr.name][1]
        if expr.name in PREFIX and len(expr.args) == 1 and not _is_number(expr):
            return PREFIX[expr.name][1]
    if isinstance(expr, Constant) and math.copysign(1.0, expr.value) < 0:
        return PREFIX["neg"][1]
    return _ATOM


def _is_number(expr: Call) -> bool:
    return expr.name == "neg" and isinstance(expr.args[0], Constant)


def _show(expr: Expr, level: int) -> str:
    return f"({expr})" if _level(expr) < level else str(expr)


def as_expr(value: Operand) -> Expr:
    """A number, a duration text or an expression as an expression."""
    if isinstance(value, Expr):
        return value
    if isinstance(value, str):
        return Text(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return Constant(float(value))
    raise ExpressionError(
        f"{value!r} cannot be part of an expression",
        allowed="columns, finite numbers, durations such as '5m'",
    )


def walk(expr: Expr) -> Iterator[Expr]:
    """The expression and all of its parts, outermost first."""
    yield expr
    if isinstance(expr, Call):
        for arg in expr.args:
            yield from walk(arg)
