"""What a feature or function comes down to: operators over columns, what is used twice named once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import count, product
from string import ascii_lowercase
from typing import Any

from bateia.core import format_duration
from bateia.features.expression import Call, Column, Constant, Expr, Text, walk
from bateia.features.functions import FUNCTIONS, Function
from bateia.features.graph import Graph, Slot
from bateia.features.parser import parse
from bateia.features.plan import Plan
from bateia.kernels.operator import Window

LONGEST = 600
"""Characters of a function's body in operators beyond which it is left out: its parts can be looked up."""


def expanded_feature(plan: Plan) -> dict[str, Any]:
    """The operators of a plan of one feature: `expanded`, and under `where` what it uses more than once.

    >>> expanded_feature(Plan({"x": "zscore(close, 5)"}))["expanded"]
    '(close - sum(close, 5, 1)) / std(close, 5)'
    """
    (output,) = plan.graph.outputs.values()
    shown = _Shown(plan.graph, output)
    return {"expanded": str(shown.tree(output)), "where": {name: str(e) for name, e in shown.shared.items()}}


def expanded_body(function: Function) -> dict[str, Any]:
    """A function's body in operators alone, `""` where that is long, and the columns that it reads.

    >>> expanded_body(FUNCTIONS["roc"])
    {'expanded': 'x / lag(x, n) - 1', 'columns': []}
    """
    expr = _replace(parse(function.body))
    text = str(expr)
    names = dict.fromkeys(part.name for part in walk(expr) if isinstance(part, Column))
    columns = [name for name in names if name not in function.params]
    return {"expanded": text if len(text) <= LONGEST else "", "columns": columns}


def _replace(expr: Expr) -> Expr:
    while isinstance(expr, Call) and expr.name in FUNCTIONS:
        expr = FUNCTIONS[expr.name].expand(expr.args)
    return Call(expr.name, tuple(map(_replace, expr.args))) if isinstance(expr, Call) else expr


def _names() -> Iterator[str]:
    for length in count(1):
        yield from map("".join, product(ascii_lowercase, repeat=length))


class _Shown:
    """Slots back to expressions, as a user would write them."""

    def __init__(self, graph: Graph, output: int) -> None:
        self.slots, self.timeframes = graph.slots, graph.timeframes
        self.shared: dict[str, Expr] = {}
        self.named: dict[int, str] = {}
        uses = Counter(k for slot in self.slots for k in self.arguments(slot))
        columns = {slot.column for slot in self.slots}
        names = (name for name in _names() if name not in columns)
        for k, slot in enumerate(self.slots):
            if uses[k] > 1 and k != output and self.arguments(slot):
                tree, name = self.tree(k), next(names)
                self.shared[name], self.named[k] = tree, name

    def arguments(self, slot: Slot) -> tuple[int, ...]:
        """The slots that an operator's text shows; not the clock of a window, nor where a bar ends."""
        operator = slot.operator
        return slot.inputs[: len(operator.inputs)] if operator and not self.is_column(slot) else ()

    @staticmethod
    def is_column(slot: Slot) -> bool:
        """Whether the slot is a column, of the events or of a higher timeframe's bars."""
        return slot.operator is None or slot.operator.name in {"bar_of", "rows_within", "bar_ends"}

    def tree(self, k: int) -> Expr:
        """The expression of a slot, where it is shared its name."""
        slot = self.slots[k]
        if k in self.named:
            return Column(self.named[k])
        if slot.value is not None:
            return Constant(slot.value)
        if slot.operator is None or self.is_column(slot):
            column = slot.column if slot.column is not None else self.slots[slot.inputs[0]].column
            return Column(str(column))
        if slot.operator.name == "held":
            inner = slot.inputs[0]
            length = self.timeframes[self.slots[inner].domain]
            return Call("at", (Text(format_duration(length)), self.tree(inner)))
        return Call(slot.operator.name, (*map(self.tree, self.arguments(slot)), *self.numbers(slot)))

    def numbers(self, slot: Slot) -> list[Expr]:
        """An operator's constants, without those at the end that are its defaults."""
        operator = slot.operator
        assert operator is not None
        pairs = list(zip(operator.params, slot.params, strict=True))
        while pairs and pairs[-1][0].default is not None and pairs[-1][0].default == pairs[-1][1]:
            pairs.pop()
        timed = len(slot.inputs) > len(operator.inputs)
        return [
            Text(format_duration(int(self.slots[slot.inputs[-1]].params[0])))
            if timed and isinstance(parameter, Window) and parameter.timed
            else Constant(value)
            for parameter, value in pairs
        ]
