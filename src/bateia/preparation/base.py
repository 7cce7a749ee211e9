"""What a step is: it learns from training rows, then changes any row by itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Protocol, Self

import numpy as np

from bateia.core import Spans
from bateia.core.events import Floats
from bateia.models import AnyModel, Dataset
from bateia.models.base import check_width

WIDEST = 1e30
"""No output lies further from 0: finite as float32 too, which models compute in."""


class Step(Protocol):
    """A component that prepares features."""

    @property
    def kind(self) -> str:
        """Its name in a recipe."""

    def fit(self, data: Dataset, span: Spans, model: AnyModel | None = None) -> FittedStep:
        """Learn from training rows alone; `span` are their label spans.

        `model` is the model to prepare for: what asks a model how much a feature is worth asks that one.
        """


@dataclass(frozen=True, eq=False)
class FittedStep(ABC):
    """What a step has learnt: names and arrays of finite numbers, nothing else."""

    kind: str
    """The kind of the step that was fitted."""
    names_in: tuple[str, ...]
    """The features it takes, in order."""
    names_out: tuple[str, ...]
    """The features it gives, in order."""

    def transform(self, X: Floats) -> Floats:
        """New features (rows, out) of features (rows, in), each row by itself; X stays as it is."""
        check_width(X, self.names_in)
        return np.ascontiguousarray(self.apply(X))

    @abstractmethod
    def apply(self, X: Floats) -> Floats:
        """`transform`, after X's width was checked: a new array."""

    def dump(self) -> dict[str, Any]:
        """It as plain JSON: numbers in full."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        arrays = {name: value.tolist() for name, value in values.items() if isinstance(value, np.ndarray)}
        names = {name: list(values[name]) for name in ("names_in", "names_out")}
        return {"kind": self.kind, **names, "arrays": arrays}

    @classmethod
    def parse(cls, spec: Mapping[str, Any]) -> Self:
        """It again, from what `dump` gave."""
        arrays = {name: np.array(value, np.float64) for name, value in spec["arrays"].items()}
        return cls(spec["kind"], tuple(spec["names_in"]), tuple(spec["names_out"]), **arrays)


def by_column(X: Floats, summary: Callable[[Floats], Any], empty: Any) -> Floats:
    """`summary` of each column's known values (columns, ...); `empty` for a column without any.

    >>> by_column(np.array([[1.0, np.nan], [3.0, np.nan]]), np.median, empty=0.0)
    array([2., 0.])
    """
    known = [x[~np.isnan(x)] for x in X.T]
    return np.array([summary(x) if len(x) else empty for x in known], np.float64)


def gram(Z: Floats) -> Floats:
    """`Z.T @ Z` by one thread: the last bits of BLAS depend on how many threads it takes."""
    columns = np.ascontiguousarray(Z.T)
    return np.array([np.einsum("ij,j->i", columns, column) for column in columns])
