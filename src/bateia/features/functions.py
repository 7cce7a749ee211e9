"""Functions that are expressions themselves: data, each with its meaning and source."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

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


_WILDER = "Wilder, New Concepts in Technical Trading Systems (1978)"

FUNCTIONS: dict[str, Function] = {
    f.name: f
    for f in (
        Function("lt", ("a", "b"), "b > a", "1 where a < b, else 0"),
        Function("le", ("a", "b"), "b >= a", "1 where a <= b, else 0"),
        Function("ne", ("a", "b"), "not (a == b)", "1 where a differs from b, else 0"),
        Function("clip", ("x", "low", "high"), "minimum(maximum(x, low), high)", "x held within [low, high]"),
        Function("diff", ("x", "n"), "x - lag(x, n)", "change over the window"),
        Function("roc", ("x", "n"), "x / lag(x, n) - 1", "relative change over the window"),
        Function("ema", ("x", "n"), "smooth(x, n, 2 / (n + 1))", "exponential moving average", "TA-Lib EMA"),
        Function("wilder", ("x", "n"), "smooth(x, n, 1 / n)", "Wilder's smoothing", _WILDER),
        Function("mean", ("x", "n"), "sum(x, n, 1)", "mean over the window"),
        Function("var", ("x", "n"), "std(x, n) ** 2", "sample variance over the window"),
        Function(
            "zscore", ("x", "n"), "(x - mean(x, n)) / std(x, n)", "distance from the mean in deviations"
        ),
        Function("max", ("x", "n"), "highest(x, n)", "largest value in the window"),
        Function("min", ("x", "n"), "highest(x, n, -1)", "smallest value in the window"),
        Function("argmax", ("x", "n"), "age_of_highest(x, n)", "rows since the largest value in the window"),
        Function(
            "argmin", ("x", "n"), "age_of_highest(x, n, -1)", "rows since the smallest value in the window"
        ),
        Function("corr", ("a", "b", "n"), "cov(a, b, n, 1)", "Pearson correlation over the window"),
        Function(
            "skew", ("x", "n"), "shape(x, n, 0)", "sample skewness of the window", "Joanes & Gill (1998)"
        ),
        Function(
            "kurt", ("x", "n"), "shape(x, n, 1)", "excess kurtosis of the window", "Joanes & Gill (1998)"
        ),
        Function("beta", ("a", "b", "n"), "cov(a, b, n) / std(b, n) ** 2", "slope of a on b over the window"),
        Function(
            "atr",
            ("n",),
            "wilder(true_range(high, low, close), n)",
            "average true range",
            f"{_WILDER}; TA-Lib ATR",
        ),
        Function("hour", (), "floor(time / 3600000000) % 24", "hour of the day, UTC"),
        Function("day_fraction", (), "time / 86400000000 % 1", "how much of the UTC day has passed, 0 to 1"),
        Function("weekday", (), "(floor(time / 86400000000) + 3) % 7", "day of the week, UTC, Monday 0"),
    )
}
