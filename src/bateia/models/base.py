"""What a model is: arrays in, scores out; it knows nothing of features or markets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from bateia.core import DataError
from bateia.core.events import Floats

Task = Literal["class", "return"]
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows to learn from or to watch: `X` (rows, features) float64 with NaN for unknown.

    `y` (rows,) holds classes -1, 0, +1 or log returns, as `task` says; `weight` (rows,) is not negative.
    Raises DataError for what nothing can be learnt from.
    """

    X: Floats
    y: Floats
    weight: Floats
    names: Sequence[str]
    task: Task = "class"

    def __post_init__(self) -> None:
        rows, columns = self.X.shape
        if not rows == len(self.y) == len(self.weight) or columns != len(self.names):
            shapes = (
                f"X {self.X.shape}, y {self.y.shape}, weight {self.weight.shape}, {len(self.names)} names"
            )
            raise DataError(
                f"a dataset of unequal parts: {shapes}", allowed="one row each, one name a column"
            )
        if not rows:
            raise DataError("a dataset without rows", allowed="at least one")
        # Trees are fitted in float32, where a larger number would be infinite.
        if (np.abs(self.X) > _LARGEST).any():
            row, column = np.argwhere(np.abs(self.X) > _LARGEST)[0]
            raise DataError(
                f"feature {self.names[column]!r} of row {row} is {self.X[row, column]:g}",
                allowed="numbers within 3.4e38, or NaN",
            )
        if not np.isfinite(self.y).all():
            row = int(np.flatnonzero(~np.isfinite(self.y))[0])
            raise DataError(
                f"the answer of row {row} is {self.y[row]}", hint="leave out rows without an answer"
            )
        if self.task == "class" and not np.isin(self.y, (-1.0, 0.0, 1.0)).all():
            row = int(np.flatnonzero(~np.isin(self.y, (-1.0, 0.0, 1.0)))[0])
            raise DataError(f"the class of row {row} is {self.y[row]:g}", allowed="-1, 0, +1")
        if not (np.isfinite(self.weight).all() and (self.weight >= 0).all() and self.weight.sum() > 0):
            raise DataError("weights that are negative, unknown or all 0", allowed="0 or more, some above 0")

    def __len__(self) -> int:
        return len(self.y)


class Fitted(Protocol):
    """A fitted model: its arrays, nothing else."""

    @property
    def names(self) -> Sequence[str]:
        """The features it was fitted on, in order."""

    def predict(self, X: Floats) -> Floats:
        """Scores (rows,): P(+1) - P(-1) in [-1, 1] for classes, else the expected value; row by row."""

    def chances(self, X: Floats) -> Floats | None:
        """P(-1), P(0) and P(+1) of each row, shape (rows, 3), row by row; None for a model of returns."""

    def importance(self) -> dict[str, float]:
        """How much each feature matters, 0 or more; empty where none does."""

    def save(self, folder: Path) -> None:
        """Write it to a folder in safe formats, no pickle; `load_model` reads it back."""


def check_width(X: Floats, names: Sequence[str]) -> None:
    """DataError unless X has one column a feature."""
    if X.ndim != 2 or X.shape[1] != len(names):
        raise DataError(
            f"features of shape {X.shape}", allowed=f"(rows, {len(names)}): {', '.join(names[:5])}, …"
        )


def classes_of(train: Dataset) -> Floats:
    """The classes in training, ascending, none for returns; DataError for a single one."""
    if train.task == "return":
        return np.empty(0)
    classes = np.unique(train.y)
    if len(classes) < 2:
        raise DataError(
            f"every training row has class {classes[0]:g}",
            allowed="at least two classes",
            hint="more data, or a label with a shorter horizon or narrower barriers",
        )
    return classes


def class_chances(probability: Floats, classes: Floats) -> Floats:
    """P(-1), P(0), P(+1), shape (rows, 3), from probabilities (rows, classes); 0 for a class not learnt."""
    chances = np.zeros((len(probability), 3))
    for column, label in enumerate(classes):
        chances[:, int(label) + 1] = probability[:, column]
    return chances


def class_scores(chances: Floats) -> Floats:
    """P(+1) - P(-1) of each row of chances (rows, 3)."""
    score: Floats = chances[:, 2] - chances[:, 0]
    return score


def up_rather_than_down(chances: Floats) -> Floats:
    """P(+1), given that it is not 0, of each row of chances (rows, 3); a half where both are 0.

    This is what is asked of a probability where answers are up or down: those of 0 are left out.

    >>> up_rather_than_down(np.array([[0.1, 0.5, 0.4], [0.0, 1.0, 0.0]])).tolist()
    [0.8, 0.5]
    """
    either = chances[:, 0] + chances[:, 2]
    share: Floats = np.divide(chances[:, 2], either, out=np.full(len(chances), 0.5), where=either > 0)
    return np.minimum(share, 1.0)
