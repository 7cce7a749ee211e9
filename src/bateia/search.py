"""The tuning section of a recipe: which settings are searched, how, and by which measure."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from bateia.core import INT32, Component, ConfigError

MOST_TRIALS = 100_000


class Dimension(Component):
    """What one setting may be: a range of numbers, or a list of values of any shape.

    >>> Dimension(low=0.01, high=0.3, log=True).log
    True
    >>> Dimension(choices=("1m", "5m")).choices
    ('1m', '5m')
    """

    low: int | float | None = None
    high: int | float | None = None
    """The last value of the range, itself included."""
    log: bool = False
    """Search evenly by ratio instead of by difference."""
    step: int | float | None = Field(default=None, gt=0)
    """Distance between values, from `low`; a grid needs one."""
    choices: tuple[Any, ...] | None = None
    """Values, lists or whole sections, such as two models to choose from."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong = self._wrong_range() if self.choices is None else self._wrong_choices(self.choices)
        if wrong:
            raise ValueError(str(ConfigError(wrong[0], allowed=wrong[1], hint=wrong[2])))
        return self

    def _wrong_choices(self, choices: tuple[Any, ...]) -> tuple[str, str, str] | None:
        if self.log or any(given is not None for given in (self.low, self.high, self.step)):
            return "choices and a range", "one of the two", "choices: [1, 2, 5]"
        if len(choices) < 2:
            return f"{len(choices)} choices", "two or more", "choices: [1m, 5m]"
        return None

    def _wrong_range(self) -> tuple[str, str, str] | None:
        if self.low is None or self.high is None:
            return "a range without low or high", "both, or choices", "{low: 0.01, high: 0.3}"
        if not self.low < self.high:
            return f"low {self.low:g} and high {self.high:g}", "low < high", "the other way round"
        if self.log and (self.low <= 0 or self.step is not None):
            return f"log with low {self.low:g}", "low > 0 and no step", "{low: 0.01, high: 0.3, log: true}"
        return None


class Search(Component):
    """A search over settings of the recipe for the best `metric` on the development part of the data.

    >>> Search(space={"policy.enter": {"low": 0.1, "high": 0.5}}).sampler
    'tpe'
    """

    space: dict[str, Dimension] = Field(min_length=1)
    """Dotted path of a setting, such as `model.learning_rate` -> what it may be."""
    trials: int = Field(default=100, ge=1, le=MOST_TRIALS)
    """How many recipes are tried in all; a search that is resumed goes on to this number."""
    sampler: Literal["tpe", "random", "grid"] = "tpe"
    """Tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011), at random, or every combination."""
    pruner: Literal["median", "hyperband", "none"] = "median"
    """When a trial is given up after a fold: worse than the median of the others there, or by Hyperband."""
    metric: str = "strategy.financial.sharpe_net"
    """A number in a run's metrics, of the out-of-sample folds together, net of costs by default."""
    direction: Literal["maximize", "minimize"] = "maximize"
    holdout: float = Field(default=0.2, gt=0.0, lt=0.9)
    """Share of the trades, the last ones, that the search never sees."""
    nested: bool = False
    """A search for each fold of the recipe's split, on its training part alone, and no holdout."""
    seed: int = Field(default=0, ge=0, le=INT32)
    """Of the sampler."""
