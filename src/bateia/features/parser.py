"""Text to expression: parsed, never evaluated, so nothing in a recipe can run code."""

from __future__ import annotations

import ast
import math

from bateia.core import ExpressionError
from bateia.features.expression import Call, Column, Constant, Expr, Text

_BINARY = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.Mod: "mod",
    ast.Pow: "pow",
}
_COMPARE = {ast.Gt: "gt", ast.GtE: "ge", ast.Lt: "lt", ast.LtE: "le", ast.Eq: "eq", ast.NotEq: "ne"}
_LONGEST, _DEEPEST = 4000, 60
_GRAMMAR = (
    "columns, numbers, quoted durations, + - * / % **, comparisons, and/or/not, calls such as ema(close, 20)"
)


def parse(text: str) -> Expr:
    """Parse an expression such as `ema(close, 20) / ema(close, 50) - 1`.

    Raises ExpressionError, which points at the character, for anything but columns, numbers, quoted
    durations, arithmetic, comparisons, logic, `a if condition else b` and calls.

    >>> parse("high / 2")
    Call(name='div', args=(Column(name='high'), Constant(value=2.0)))
    """
    if not text.strip():
        raise ExpressionError("the expression is empty", allowed=_GRAMMAR)
    if len(text) > _LONGEST:
        raise ExpressionError(
            f"the expression has {len(text)} characters",
            allowed=f"at most {_LONGEST}",
            hint="name a part of it as a feature of its own",
        )
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        lines = text.strip().splitlines(keepends=True)[: (error.lineno or 1) - 1]
        shift = len(text) - len(text.lstrip()) + sum(map(len, lines))
        position = shift + error.offset - 1 if error.offset else len(text)
        raise ExpressionError(
            f"cannot read it: {error.msg}", text=text, position=position, allowed=_GRAMMAR
        ) from None
    except UnicodeEncodeError as error:
        raise ExpressionError(
            "a character that no text file can hold", text=text, position=error.start, allowed=_GRAMMAR
        ) from None
    except (RecursionError, MemoryError, ValueError):
        raise _too_deep(text) from None
    shift = len(text) - len(text.lstrip())
    try:
        return _Reader(text, shift).read(tree.body, 0)
    except RecursionError:  # what it has no meaning for may be deep, too
        raise _too_deep(text) from None


def _too_deep(text: str, position: int | None = None) -> ExpressionError:
    where = "" if position is None else f" at character {position + 1}"
    return ExpressionError(
        f"the expression {text[:40]!r}… is nested too deep{where}",
        position=position or 0,
        allowed=f"{_DEEPEST} levels",
        hint="name a part of it as a feature of its own",
    )


class _Reader:
    """Turns Python's syntax tree into ours, refusing everything it does not know."""

    def __init__(self, text: str, shift: int) -> None:
        self.text, self.shift = text, shift
        # Python counts columns in UTF-8 bytes, we in characters.
        self.line_starts = [0]
        for line in text[shift:].encode().splitlines(keepends=True):
            self.line_starts.append(self.line_starts[-1] + len(line))

    def where(self, node: ast.expr) -> int:
        offset = self.line_starts[node.lineno - 1] + node.col_offset
        return self.shift + len(self.text[self.shift :].encode()[:offset].decode(errors="ignore"))

    def refuse(self, node: ast.expr, what: str) -> ExpressionError:
        return ExpressionError(what, text=self.text, position=self.where(node), allowed=_GRAMMAR)

    def read(self, node: ast.expr, depth: int) -> Expr:
        """The expression at a node, `depth` levels down."""
        if depth > _DEEPEST:
            raise _too_deep(self.text, self.where(node))
        at = self.where(node)
        match node:
            case ast.Name(id=name):
                expr: Expr = Column(name, position=at)
            case ast.Constant(value=value):
                expr = self._constant(node, value)
            case ast.UnaryOp(op=op, operand=operand):
                expr = self._unary(op, self.read(operand, depth + 1), node)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                expr = Call(_BINARY[type(op)], self._all(depth, left, right), position=at)
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARE:
                expr = Call(_COMPARE[type(op)], self._all(depth, left, right), position=at)
            case ast.Compare():
                raise self.refuse(node, "one comparison at a time: write `a < b and b < c`")
            case ast.BoolOp(op=op, values=values):
                expr = self._logic("and" if isinstance(op, ast.And) else "or", values, depth, at)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                expr = Call("where", self._all(depth, test, body, orelse), position=at)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                expr = Call(name, self._all(depth, *args), position=at)
            case ast.Call(keywords=[named, *_]):
                raise self.refuse(named.value, "functions take their arguments by place, without names")
            case _:
                raise self.refuse(node, f"{ast.unparse(node)!r} has no meaning here")
        return expr

    def _all(self, depth: int, *nodes: ast.expr) -> tuple[Expr, ...]:
        return tuple(self.read(node, depth + 1) for node in nodes)

    def _constant(self, node: ast.expr, value: object) -> Expr:
        if isinstance(value, str):
            return Text(value, position=self.where(node))
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.refuse(node, f"{value!r} is not a number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isinf(number):
            raise self.refuse(node, "the number is too large")
        return Constant(number, position=self.where(node))

    def _unary(self, op: ast.unaryop, inner: Expr, node: ast.expr) -> Expr:
        if isinstance(op, ast.UAdd):
            return inner
        if isinstance(op, ast.USub):
            if isinstance(inner, Constant):
                return Constant(-inner.value, position=self.where(node))
            return Call("neg", (inner,), position=self.where(node))
        if isinstance(op, ast.Not):
            return Call("not", (inner,), position=self.where(node))
        raise self.refuse(node, f"{ast.unparse(node)!r} has no meaning here")

    def _logic(self, name: str, values: list[ast.expr], depth: int, at: int) -> Expr:
        if depth + len(values) > _DEEPEST:
            raise _too_deep(self.text, self.where(values[_DEEPEST - depth]))
        first, *rest = self._all(depth, *values)
        for part in rest:
            first = Call(name, (first, part), position=at)
        return first
