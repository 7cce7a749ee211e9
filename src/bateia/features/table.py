"""What each feature, function and operator is, for people and for JSON."""

from __future__ import annotations

from typing import Any

from bateia.core import ConfigError, format_duration, nearest
from bateia.features.data import yaml_files
from bateia.features.expanded import expanded_body, expanded_feature
from bateia.features.functions import FUNCTIONS
from bateia.features.language import INTERNAL, SCOPES
from bateia.features.library import Feature, libraries, library
from bateia.features.plan import KNOWN_COLUMNS, Plan
from bateia.kernels.operators import OPERATORS

Row = dict[str, Any]
SCOPE_ABOUT = {
    "at": "x over the closed bars of a higher timeframe, the last value held until the next bar closes",
    "of": "x over another asset's rows, as far as they were known by then",
}


def feature_table(name: str | None = None) -> list[Row]:
    """A row a feature of one library, or of all: formula, warm-up, columns, meaning, source.

    Raises ConfigError where there is no such library.

    >>> feature_table("momentum")[3]["columns"]
    ['close']
    """
    chosen = [library(name)] if name else libraries().values()
    return [_feature_row(feature, _plan(feature)) for features in chosen for feature in features.values()]


def function_table() -> list[Row]:
    """A row a function: signature, body, meaning, source, and the family that it is of.

    >>> next(row["body"] for row in function_table() if row["name"] == "diff")
    'x - lag(x, n)'
    """
    families = {
        signature.partition("(")[0]: family
        for family, rows in yaml_files("bateia.features.functions").items()
        for signature in rows
    }
    return [
        {
            "family": families[function.name],
            "name": function.name,
            "signature": function.signature,
            "body": function.body,
            "about": function.about,
            "source": function.source,
        }
        for function in FUNCTIONS.values()
    ]


def operator_table() -> list[Row]:
    """A row an operator, in alphabetical order; `durations` says whether its window may be one.

    >>> next(row["signature"] for row in operator_table() if row["name"] == "std")
    'std(x, n, ddof=1)'
    """
    rows = [
        {
            "name": operator.name,
            "signature": operator.signature,
            "durations": operator.window is not None,
            "about": operator.about.removesuffix("."),
            "source": operator.source,
        }
        for operator in OPERATORS.values()
        if operator.name not in INTERNAL
    ]
    rows += [
        {"name": name, "signature": signature, "durations": False, "about": SCOPE_ABOUT[name], "source": ""}
        for name, signature in SCOPES.items()
    ]
    return sorted(rows, key=lambda row: str(row["name"]))


def describe(name: str) -> list[Row]:
    """All that is called so: a feature, a function or an operator, each with its `kind`; some names are two.

    Features and functions come with `expanded`, what they are in operators alone. Raises ConfigError with
    the nearest name where there is nothing.

    >>> [row["kind"] for row in describe("hour")]
    ['feature', 'function']
    """
    found: list[Row] = []
    features = {key: feature for known in libraries().values() for key, feature in known.items()}
    if name in features:
        plan = _plan(features[name])
        found.append({"kind": "feature", **_feature_row(features[name], plan), **expanded_feature(plan)})
    functions = [row for row in function_table() if row["name"] == name]
    found += [{"kind": "function", **row, **expanded_body(FUNCTIONS[name])} for row in functions]
    found += [{"kind": "operator", **row} for row in operator_table() if row["name"] == name]
    if not found:
        known = {*features, *FUNCTIONS, *OPERATORS, *SCOPES} - INTERNAL
        raise ConfigError(
            f"no feature, function or operator {name!r}",
            allowed="those of `bateia features list` and docs/features.md",
            hint=nearest(name, known),
        )
    return found


def _plan(feature: Feature) -> Plan:
    return Plan({feature.name: feature.formula}, KNOWN_COLUMNS)


def _feature_row(feature: Feature, plan: Plan) -> Row:
    warm = plan.warmup[feature.name]
    return {
        "library": feature.library,
        "name": feature.name,
        "formula": feature.formula,
        "about": feature.about,
        "source": feature.source,
        "columns": plan.columns,
        "warmup_rows": warm.rows,
        "warmup_time": format_duration(warm.micros) if warm.micros else "",
    }
