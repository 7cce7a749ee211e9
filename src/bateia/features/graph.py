"""Expressions to a graph of operators, each distinct sub-expression once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bateia.core import BateiaError, ExpressionError, nearest, parse_duration
from bateia.features.expression import Call, Column, Constant, Expr, Text
from bateia.features.functions import FUNCTIONS
from bateia.features.parser import parse
from bateia.kernels.operator import Number, Operator, Window
from bateia.kernels.operators import OPERATORS

CLOCK = "time"
LONGEST_WINDOW = 10_000_000
_ROWS_WITHIN = OPERATORS["rows_within"]
_INTERNAL = {_ROWS_WITHIN.name}
_FOLD: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "mod": lambda a, b: a % b,
    "pow": lambda a, b: a**b,
    "neg": lambda a: -a,
}


@dataclass(frozen=True)
class Warmup:
    """NaN for the first `rows` rows and, where a window is a duration, until `micros` have passed too."""

    rows: int = 0
    micros: int = 0


@dataclass(frozen=True)
class Slot:
    """One buffer of the plan: an input column, a constant, or an operator's output."""

    operator: Operator | None = None
    inputs: tuple[int, ...] = ()
    params: tuple[float, ...] = ()
    column: str | None = None
    value: float | None = None


@dataclass
class Graph:
    """Slots in an order in which every input comes before its users; `outputs` name the features' slots."""

    slots: list[Slot] = field(default_factory=list)
    warmups: list[Warmup] = field(default_factory=list)
    history: list[int] = field(default_factory=list)
    """Rows of history that a slot's users read by count."""
    timed: list[bool] = field(default_factory=list)
    """Whether a user reads the slot over a duration, as far back as the plan's capacity."""
    outputs: dict[str, int] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """The input columns that the features need, in slot order."""
        return [slot.column for slot in self.slots if slot.column is not None]


def build(features: Mapping[str, Expr | str], columns: Sequence[str]) -> Graph:
    """The graph of named features over the columns that there are.

    Features may use each other by name. Raises ExpressionError for unknown columns, functions, wrong
    arguments, cycles, and names that shadow a column; the message names the feature.
    """
    builder = _Builder(features, columns)
    for name in features:
        builder.graph.outputs[name] = builder.feature(name)
    return builder.graph


class _Builder:
    def __init__(self, features: Mapping[str, Expr | str], columns: Sequence[str]) -> None:
        self.features, self.columns = features, list(columns)
        self.graph = Graph()
        self.known: dict[Slot, int] = {}
        self.done: dict[str, int] = {}
        self.open: list[str] = []
        self.text = ""
        self.written: dict[int, str] = {}
        """Position -> the function as the user wrote it, for messages: `ema`, not the `smooth` behind it."""

    def feature(self, name: str) -> int:
        """The slot of a named feature, built on first use."""
        if name in self.done:
            return self.done[name]
        if name in self.open:
            cycle = " -> ".join([*self.open[self.open.index(name) :], name])
            raise ExpressionError(f"features that need each other: {cycle}", allowed="no cycles")
        if name in self.columns:
            raise ExpressionError(f"the feature {name!r} has the name of a column", hint=f"{name}_feature")
        if not name.isidentifier():
            raise ExpressionError(f"{name!r} is not a name", allowed="letters, digits and _, no digit first")
        outer, self.written = (self.text, self.written), {}
        self.open.append(name)
        try:
            given = self.features[name]
            self.text = given if isinstance(given, str) else str(given)
            # Objects go through their text as well: what compiles is what a recipe can hold.
            made = self.series(parse(self.text))
        except ExpressionError as error:
            raise error.within(name) from None
        finally:
            self.text, self.written = outer
            self.open.pop()
        self.done[name] = made
        return made

    def fail(
        self, expr: Expr, what: str, allowed: str | None = None, hint: str | None = None
    ) -> ExpressionError:
        return ExpressionError(what, text=self.text, position=expr.position, allowed=allowed, hint=hint)

    def series(self, expr: Expr) -> int:
        """The slot of an expression that must be a series."""
        folded = self.fold(expr)
        if isinstance(folded, Constant | Text):
            raise self.fail(
                folded, f"{folded} is not a series", allowed="a column or an expression of columns"
            )
        if isinstance(folded, Column):
            return self.column(folded)
        assert isinstance(folded, Call)
        return self.call(folded)

    def column(self, expr: Column) -> int:
        if expr.name in self.columns:
            return self.slot(Slot(column=expr.name), Warmup())
        if expr.name in self.features:
            return self.feature(expr.name)
        known = [*self.columns, *self.features]
        close = nearest(expr.name, known)
        allowed = ", ".join(sorted(self.columns)) + f"; or one of the {len(self.features)} features"
        raise self.fail(expr, f"unknown column {expr.name!r}", allowed, close)

    def fold(self, expr: Expr) -> Expr:
        """Functions replaced by their bodies at the top, arithmetic on numbers done."""
        while isinstance(expr, Call) and expr.name in FUNCTIONS:
            function = FUNCTIONS[expr.name]
            self.written.setdefault(expr.position, function.signature)
            if len(expr.args) != len(function.params):
                raise self.fail(expr, f"{expr.name}() got {len(expr.args)} arguments", function.signature)
            expr = function.expand(expr.args, expr.position)
        if isinstance(expr, Call) and expr.name in _FOLD:
            args = tuple(self.fold(arg) for arg in expr.args)
            if all(isinstance(arg, Constant) for arg in args):
                numbers = [arg.value for arg in args if isinstance(arg, Constant)]
                try:
                    value = _FOLD[expr.name](*numbers)
                    if isinstance(value, complex) or not math.isfinite(value):
                        raise ArithmeticError
                except ArithmeticError:
                    raise self.fail(expr, f"{expr} is not a finite number") from None
                return Constant(float(value), position=expr.position)
            if expr.name == "pow" and args[1] == Constant(2.0):
                return Call("mul", (args[0], args[0]), position=expr.position)
            if expr.name == "pow" and args[1] == Constant(0.5):
                return Call("sqrt", (args[0],), position=expr.position)
            return Call(expr.name, args, position=expr.position)
        return expr

    def call(self, expr: Call) -> int:
        op = OPERATORS.get(expr.name)
        if op is None or op.name in _INTERNAL:
            known = sorted({*OPERATORS, *FUNCTIONS} - _INTERNAL)
            close = nearest(expr.name, known)
            raise self.fail(expr, f"unknown function {expr.name!r}", ", ".join(known), close)
        least = len(op.inputs) + sum(p.default is None for p in op.params)
        most = len(op.inputs) + len(op.params)
        if not least <= len(expr.args) <= most:
            raise self.fail(expr, f"{op.name}() got {len(expr.args)} arguments", op.signature)
        given = expr.args[: len(op.inputs)]
        inputs = [self.operand(arg, scalar_ok=not op.params) for arg in given]
        params: list[float] = []
        rows = None
        written = self.written.get(expr.position, op.signature)
        for position, parameter in enumerate(op.params):
            at = len(op.inputs) + position
            if at >= len(expr.args):
                assert parameter.default is not None
                params.append(float(parameter.default))
                continue
            value = self.fold(expr.args[at])
            if isinstance(parameter, Window) and isinstance(value, Text):
                rows = self.rows_within(parameter, value, written)
                params.append(0.0)
            else:
                params.append(self.number(parameter, value, written))
        if rows is not None:
            inputs.append(rows)
        return self.node(op, tuple(inputs), tuple(params), timed=rows is not None)

    def operand(self, expr: Expr, scalar_ok: bool) -> int:
        folded = self.fold(expr)
        if isinstance(folded, Constant) and scalar_ok:
            return self.slot(Slot(value=folded.value), Warmup())
        return self.series(folded)

    def number(self, parameter: Window | Number, value: Expr, written: str) -> float:
        what = f"the {'window' if isinstance(parameter, Window) else parameter.name} of {written} is {value}"
        if not isinstance(value, Constant):
            also = ' or a duration such as "5m"' if isinstance(parameter, Window) and parameter.timed else ""
            raise self.fail(value, what, f"a constant number{also}")
        number = value.value
        if isinstance(parameter, Window):
            if not number.is_integer() or not parameter.least <= number <= LONGEST_WINDOW:
                raise self.fail(value, what, f"a whole number from {parameter.least} to {LONGEST_WINDOW:,}")
        elif not parameter.least <= number <= parameter.most:
            raise self.fail(value, what, f"from {parameter.least:g} to {parameter.most:g}")
        return number

    def rows_within(self, parameter: Window, value: Text, written: str) -> int:
        if not parameter.timed:
            raise self.fail(value, f"{written} has no duration window", "a count of rows")
        try:
            micros = parse_duration(value.value)
        except BateiaError as error:
            raise self.fail(value, error.given, error.allowed, error.hint) from None
        if CLOCK not in self.columns:
            raise self.fail(
                value, f"a duration window needs a clock, and there is no column {CLOCK!r}", "a count of rows"
            )
        time = self.column(Column(CLOCK, position=value.position))
        return self.node(_ROWS_WITHIN, (time,), (float(micros), 0.0), timed=True)

    def node(self, op: Operator, inputs: tuple[int, ...], params: tuple[float, ...], timed: bool) -> int:
        graph = self.graph
        own = 0 if timed else op.warmup(params)
        rows = max((graph.warmups[k].rows for k in inputs), default=0) + own
        micros = max((graph.warmups[k].micros for k in inputs), default=0)
        if op is _ROWS_WITHIN:
            micros = int(params[0])
        made = self.slot(Slot(operator=op, inputs=inputs, params=params), Warmup(rows, micros))
        for k in inputs:
            graph.history[k] = max(graph.history[k], op.history(params))
            graph.timed[k] = graph.timed[k] or timed
        return made

    def slot(self, slot: Slot, warmup: Warmup) -> int:
        if slot not in self.known:
            self.known[slot] = len(self.graph.slots)
            self.graph.slots.append(slot)
            self.graph.warmups.append(warmup)
            self.graph.history.append(0)
            self.graph.timed.append(False)
        return self.known[slot]
