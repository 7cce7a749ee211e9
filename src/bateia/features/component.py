"""The features section of a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from pydantic import Field, model_validator

from bateia.core import Component, ConfigError
from bateia.core.events import BAR_COLUMNS
from bateia.features.library import library
from bateia.features.plan import Plan


class Features(Component):
    """Which features a recipe uses: whole libraries, and expressions of its own.

    >>> Features(use=("cnncripto",), define={"trend": "ema(close, 20) / close - 1"}).plan().names
    ['cnn_log_return', ..., 'trend']
    """

    use: tuple[str, ...] = ()
    """Names of bundled libraries."""
    define: dict[str, str] = Field(default_factory=dict)
    """Name -> expression; may use columns and every other feature."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.use and not self.define:
            raise ValueError("no features; allowed: libraries under `use`, expressions under `define`")
        return self

    def formulas(self) -> dict[str, str]:
        """Every feature's name and formula; ConfigError where a name is defined twice."""
        found: dict[str, str] = {}
        for name in self.use:
            found |= {feature.name: feature.formula for feature in library(name).values()}
        twice = sorted(set(found) & set(self.define))
        if twice:
            raise ConfigError(
                f"features defined twice: {', '.join(twice)}", hint="another name under `define`"
            )
        return found | self.define

    def plan(self, columns: Sequence[str] = BAR_COLUMNS) -> Plan:
        """The compiled plan over the columns that there are."""
        return Plan(self.formulas(), columns)
