"""Expressions to a graph of operators, each distinct sub-expression once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from keyword import iskeyword
from typing import Any

from bateia.core import BateiaError, ExpressionError, nearest, parse_duration
from bateia.features.expression import Call, Column, Constant, Expr, Text
from bateia.features.functions import FUNCTIONS
from bateia.features.graph import Graph, Slot, Warmup
from bateia.features.language import INTERNAL, SCOPES, words
from bateia.features.parser import parse
from bateia.features.timeframe import how, shift
from bateia.kernels.operator import Number, Operator, Window
from bateia.kernels.operators import OPERATORS

CLOCK, KNOWN_AT = "time", "known_at"
LONGEST_WINDOW = 10_000_000
_LONGEST_CHAIN = 50
_ROWS_WITHIN = OPERATORS["rows_within"]
_BAR_ENDS, _BAR_OF, _HELD = (OPERATORS[name] for name in ("bar_ends", "bar_of", "held"))
_FOLD: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "mod": lambda a, b: a % b,
    "pow": lambda a, b: a**b,
    "neg": lambda a: -a,
}


def build(
    features: Mapping[str, Expr | str], columns: Sequence[str], names: Iterable[str] | None = None
) -> Graph:
    """The graph of named features, or of these `names` among them, over the columns that there are.

    Features may use each other by name. Raises ExpressionError for unknown columns, functions, wrong
    arguments, cycles, and names that shadow a column; the message names the feature.
    """
    builder = Builder(features, columns)
    for name in features if names is None else names:
        try:
            builder.graph.outputs[name] = builder.feature(name)
        except RecursionError:
            raise _too_long(name) from None
    return builder.graph


def _too_long(name: str) -> ExpressionError:
    return ExpressionError(
        "it builds on too many others, one on another",
        feature=name,
        allowed=f"{_LONGEST_CHAIN} that are not defined yet",
        hint="define features after those that they use",
    )


class Builder:
    """One graph in the making; `symbol` names the asset where it is another one's."""

    def __init__(
        self, features: Mapping[str, Expr | str], columns: Sequence[str], symbol: str | None = None
    ) -> None:
        self.features, self.columns, self.symbol = features, list(columns), symbol
        self.others: dict[str, Builder] = {}
        self.graph = Graph()
        self.known: dict[Slot, int] = {}
        self.done: dict[tuple[str, int], int] = {}
        self.domain = 0
        self.open: list[str] = []
        # What was made of an expression, by its identity: a function's arguments stand in many places of its
        # body. The expression is kept with it, so that no other takes over its identity.
        self.folded: dict[int, tuple[Expr, Expr]] = {}
        self.made: dict[tuple[int, int], tuple[Expr, int]] = {}
        self.text = ""
        self.written: dict[int, str] = {}
        """Position -> the function as the user wrote it, for messages: `ema`, not the `smooth` behind it."""

    def feature(self, name: str) -> int:
        """The slot of a named feature, built on first use."""
        if (name, self.domain) in self.done:
            return self.done[name, self.domain]
        if name in self.open:
            cycle = " -> ".join([*self.open[self.open.index(name) :], name])
            raise ExpressionError(f"features that need each other: {cycle}", allowed="no cycles")
        if name in self.columns:
            raise ExpressionError(f"the feature {name!r} has the name of a column", hint=f"{name}_feature")
        if not str(name).isidentifier() or iskeyword(str(name)):
            allowed = "letters, digits and _, no digit first, no word of Python's such as if"
            raise ExpressionError(f"{name!r} is not a name", allowed=allowed)
        if len(self.open) > _LONGEST_CHAIN:
            raise _too_long(self.open[0])
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
        self.done[name, self.domain] = made
        return made

    def fail(
        self, expr: Expr, what: str, allowed: str | None = None, hint: str | None = None
    ) -> ExpressionError:
        return ExpressionError(what, text=self.text, position=expr.position, allowed=allowed, hint=hint)

    def series(self, expr: Expr) -> int:
        """The slot of an expression that must be a series."""
        key = id(expr), self.domain
        if key not in self.made:
            self.made[key] = expr, self.make(expr)
        return self.made[key][1]

    def make(self, expr: Expr) -> int:
        folded = self.fold(expr)
        if isinstance(folded, Constant | Text):
            raise self.fail(
                folded, f"{folded} is not a series", allowed="a column or an expression of columns"
            )
        if isinstance(folded, Column):
            return self.column(folded)
        assert isinstance(folded, Call)
        match folded.name:
            case "at":
                return self.at(folded)
            case "of":
                return self.of(folded)
            case _:
                return self.call(folded)

    def column(self, expr: Column) -> int:
        if expr.name in self.columns:
            return self.bar_column(expr.name) if self.domain else self.slot(Slot(column=expr.name), Warmup())
        if expr.name in self.features:
            return self.feature(expr.name)
        known = [*self.columns, *self.features]
        close = nearest(expr.name, known)
        allowed = ", ".join(sorted(self.columns)) + f"; or one of the {len(self.features)} features"
        raise self.fail(expr, f"unknown column {expr.name!r}", allowed, close)

    def fold(self, expr: Expr) -> Expr:
        """Functions replaced by their bodies at the top, arithmetic on numbers done."""
        if id(expr) not in self.folded:
            reduced = self.reduce(expr)
            self.folded[id(reduced)] = reduced, reduced
            self.folded[id(expr)] = expr, reduced
        return self.folded[id(expr)][1]

    def reduce(self, expr: Expr) -> Expr:
        while isinstance(expr, Call) and expr.name in FUNCTIONS:
            function = FUNCTIONS[expr.name]
            if expr.name in OPERATORS:
                both = f"an operator and a function are called {expr.name!r}"
                raise self.fail(expr, both, "one of a name", "rename the operator")
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
        if op is None or op.name in INTERNAL:
            known = words()
            like = get_close_matches(expr.name, known, n=5, cutoff=0.4)
            some = ", ".join(like or ("ema", "mean", "std", "lag", "rsi"))
            allowed = f"the {len(known)} of docs/features.md, such as {some}"
            raise self.fail(expr, f"unknown function {expr.name!r}", allowed, nearest(expr.name, known))
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
            return self.slot(Slot(value=folded.value, domain=self.domain), Warmup())
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
        micros = self.duration(value, "a duration window", "a count of rows")
        time = self.column(Column(CLOCK, position=value.position))
        return self.node(_ROWS_WITHIN, (time,), (float(micros), 0.0), timed=True)

    def duration(self, value: Text, what: str, instead: str) -> int:
        """Microseconds of a duration that needs the clock."""
        try:
            micros = parse_duration(value.value)
        except BateiaError as error:
            raise self.fail(value, error.given, error.allowed, error.hint) from None
        if CLOCK not in self.columns:
            raise self.fail(value, f"{what} needs a clock, and there is no column {CLOCK!r}", instead)
        return micros

    def at(self, expr: Call) -> int:
        """An expression over the closed bars of a higher timeframe, held until the next one closes."""
        if len(expr.args) != 2:
            raise self.fail(expr, f"at() got {len(expr.args)} arguments", SCOPES["at"])
        timeframe, inner = expr.args
        if not isinstance(timeframe, Text):
            raise self.fail(
                timeframe, f"the timeframe of {SCOPES['at']} is {timeframe}", 'a duration such as "1h"'
            )
        if self.domain:
            raise self.fail(expr, "at() within at()", "one timeframe at a time")
        micros = self.duration(timeframe, "a higher timeframe", "columns with a clock")
        timeframes = self.graph.timeframes
        if micros not in timeframes:
            timeframes.append(micros)
        self.domain = timeframes.index(micros)
        try:
            made = self.series(inner)
        finally:
            self.domain = 0
        return self.node(_HELD, (made, self.bar_ends(micros)), (0.0,), timed=False)

    def of(self, expr: Call) -> int:
        """An expression over another asset's rows: an input column, joined by when we knew them."""
        if len(expr.args) != 2:
            raise self.fail(expr, f"of() got {len(expr.args)} arguments", SCOPES["of"])
        symbol, inner = expr.args
        if not isinstance(symbol, Text) or not symbol.value.strip():
            raise self.fail(symbol, f"the symbol of {SCOPES['of']} is {symbol}", 'a text such as "ETHUSDT"')
        if self.symbol is not None:
            raise self.fail(expr, "of() within of()", "one other asset at a time")
        if KNOWN_AT not in self.columns:
            raise self.fail(
                expr, f"other assets are joined on {KNOWN_AT!r}, and there is no such column", "bars"
            )
        name = str(expr)
        other = self.others.setdefault(symbol.value, Builder(self.features, self.columns, symbol.value))
        other.text, other.open, other.written = self.text, self.open, self.written
        if name not in other.graph.outputs:
            other.graph.outputs[name] = other.series(inner)
        self.graph.others[symbol.value] = other.graph
        self.slot(Slot(column=KNOWN_AT), Warmup())
        return self.joined(name)

    def joined(self, name: str) -> int:
        """Another asset's values as a column of ours; its warm-up is its own, and counts none of our rows."""
        made = self.slot(Slot(column=name), Warmup())
        if not self.domain:
            return made
        ends = self.bar_ends(self.graph.timeframes[self.domain])
        return self.node(_BAR_OF, (made, ends), (0.0, how(name)), timed=False)

    def bar_column(self, name: str) -> int:
        """A column of the present timeframe's bars."""
        if name == "vwap" and {"value", "volume"} <= set(self.columns):
            return self.series(Call("div", (Column("value"), Column("volume"))))
        ends = self.bar_ends(self.graph.timeframes[self.domain])
        column = self.slot(Slot(column=name), Warmup())
        return self.node(_BAR_OF, (column, ends), (0.0, how(name)), timed=False)

    def bar_ends(self, micros: int) -> int:
        time = self.slot(Slot(column=CLOCK), Warmup())
        return self.node(_BAR_ENDS, (time,), (float(micros), shift(micros)), timed=False)

    def node(self, op: Operator, inputs: tuple[int, ...], params: tuple[float, ...], timed: bool) -> int:
        graph = self.graph
        own = 0 if timed else op.warmup(params)
        late = [0 if op.late and name not in op.late else own for name in (*op.inputs, "")]
        rows = max((graph.warmups[k].rows + more for k, more in zip(inputs, late, strict=False)), default=own)
        micros = max((graph.warmups[k].micros for k in inputs), default=0)
        if op is _ROWS_WITHIN:
            micros = int(params[0])
        if op is _HELD:  # the first bar is left out, and each row of warm-up is a bar
            length = graph.timeframes[graph.slots[inputs[0]].domain]
            rows, micros = 0, micros + (rows + 1) * length
        domain = 0 if op in (_HELD, _BAR_ENDS) else self.domain
        made = self.slot(Slot(operator=op, inputs=inputs, params=params, domain=domain), Warmup(rows, micros))
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
