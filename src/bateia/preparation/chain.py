"""Steps in order: fitted one after the other on training rows, applied as one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from bateia.core import Component, DataError, RunError, Spans
from bateia.core.events import Floats
from bateia.models import AnyModel, Dataset
from bateia.models.base import check_width
from bateia.preparation.base import FittedStep
from bateia.preparation.impute import FittedImpute, Impute
from bateia.preparation.outliers import FittedBounds, Hampel, Winsorise
from bateia.preparation.pca import PCA, FittedPCA
from bateia.preparation.scalers import FittedQuantile, FittedScale, Quantile, Robust, Standard
from bateia.preparation.select import FittedSelect, Select

AnyStep = Annotated[
    Standard | Robust | Quantile | Winsorise | Hampel | Impute | PCA | Select, Field(discriminator="kind")
]
"""Every step that a recipe can name by its `kind`."""

_FITTED: dict[str, type[FittedStep]] = {
    "standard": FittedScale,
    "robust": FittedScale,
    "quantile": FittedQuantile,
    "winsorise": FittedBounds,
    "hampel": FittedBounds,
    "impute": FittedImpute,
    "pca": FittedPCA,
    "select": FittedSelect,
}
_FILE = "preparation.json"


def _in_order(steps: tuple[AnyStep, ...]) -> tuple[AnyStep, ...]:
    kinds = [step.kind for step in steps]
    if "pca" in kinds and "impute" in kinds[kinds.index("pca") :]:
        raise ValueError("impute after pca, which needs complete rows; try: impute before pca")
    return steps


Steps = Annotated[tuple[AnyStep, ...], AfterValidator(_in_order)]
"""Steps in the order they run."""


class Preparation(Component):
    """A chain of steps; without any, features stay as they are.

    >>> import numpy as np
    >>> data = Dataset(np.array([[1.0], [np.nan], [3.0]]), np.array([1.0, 0.0, -1.0]), np.ones(3), ["x"])
    >>> span = Spans(np.arange(3), np.arange(3))
    >>> fitted = Preparation(steps=[Impute(), Standard()]).fit(data, span)
    >>> fitted.names_out
    ('x', 'x_missing')
    >>> fitted.transform(np.array([[2.0], [np.nan]])).round(2).tolist()
    [[0.0, -0.71], [0.0, 1.41]]
    """

    steps: Steps = ()
    """The steps in the order they run."""

    def fit(self, data: Dataset, span: Spans, model: AnyModel | None = None) -> FittedPreparation:
        """Fit each step on what the steps before it make of the training rows, whose label spans are `span`.

        `model` is what `select` by mda asks: the one to prepare for.
        """
        if len(span) != len(data):
            raise DataError(f"{len(span)} label spans for {len(data)} rows", allowed="one for each row")
        names, fitted = tuple(data.names), list[FittedStep]()
        for step in self.steps:
            fitted.append(step.fit(data, span, model))
            data = replace(data, X=fitted[-1].transform(data.X), names=fitted[-1].names_out)
        return FittedPreparation(names, tuple(fitted))


@dataclass(frozen=True, eq=False)
class FittedPreparation:
    """The fitted steps; row by row, so one live row comes out as it did in the batch."""

    names_in: tuple[str, ...]
    steps: tuple[FittedStep, ...] = ()

    @property
    def names_out(self) -> tuple[str, ...]:
        """The features it gives, in order."""
        return self.steps[-1].names_out if self.steps else self.names_in

    def transform(self, X: Floats) -> Floats:
        """Prepared features (rows, out) of features (rows, in); X itself where there are no steps."""
        check_width(X, self.names_in)
        for step in self.steps:
            X = step.transform(X)
        return X

    def dataset(self, data: Dataset) -> Dataset:
        """The same rows and answers, their features prepared."""
        return replace(data, X=self.transform(data.X), names=self.names_out)

    def dump(self) -> dict[str, Any]:
        """It as plain JSON."""
        return {"names": list(self.names_in), "steps": [step.dump() for step in self.steps]}

    @classmethod
    def parse(cls, spec: Mapping[str, Any]) -> FittedPreparation:
        """It again, from what `dump` gave; a KeyError or TypeError for anything else."""
        steps = tuple(_FITTED[step["kind"]].parse(step) for step in spec["steps"])
        return cls(tuple(spec["names"]), steps)

    def save(self, folder: Path) -> None:
        """Write `preparation.json`, numbers in full."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _FILE).write_text(json.dumps(self.dump(), allow_nan=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> FittedPreparation:
        """Read it back; RunError where it cannot be read."""
        try:
            return cls.parse(json.loads((Path(folder) / _FILE).read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(
                f"{folder} holds no preparation that can be read: {error}", hint="run the recipe again"
            ) from None
