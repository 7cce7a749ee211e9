"""Functions that are expressions themselves: data, a YAML file a family, a line a function."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from bateia.features.data import yaml_files
from bateia.features.expression import Call, Column, Expr
from bateia.features.parser import parse


@dataclass(frozen=True)
class Function:
    """A named expression with parameters, replaced by its body before anything is compiled."""

    name: str
    params: tuple[str, ...]
    body: str
    about: str
    source: str = ""

    @property
    def signature(self) -> str:
        """How it is written, e.g. `zscore(x, n)`."""
        return f"{self.name}({', '.join(self.params)})"

    def expand(self, args: tuple[Expr, ...], position: int = 0) -> Expr:
        """The body with the arguments in the parameters' places, as if written at `position`."""
        return _substitute(_parsed(self.body), dict(zip(self.params, args, strict=True)), position)


@cache
def _parsed(body: str) -> Expr:
    return parse(body)


def _substitute(expr: Expr, values: dict[str, Expr], position: int) -> Expr:
    if isinstance(expr, Column):
        return values.get(expr.name, Column(expr.name, position=position))
    if isinstance(expr, Call):
        parts = tuple(_substitute(arg, values, position) for arg in expr.args)
        return Call(expr.name, parts, position=position)
    return expr


def _read() -> dict[str, Function]:
    found: dict[str, Function] = {}
    for rows in yaml_files(__name__).values():
        for signature, row in rows.items():
            name, _, params = signature.removesuffix(")").partition("(")
            if name in found:
                raise ValueError(f"the function {name!r} is there twice")
            found[name] = Function(name, tuple(filter(None, params.split(", "))), **row)
    return found


FUNCTIONS = _read()
