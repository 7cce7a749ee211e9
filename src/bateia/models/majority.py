"""The baseline that any model must beat: always the same answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from bateia.core import Component
from bateia.core.events import Floats
from bateia.models.base import Dataset, check_width


class Majority(Component):
    """Always the more frequent direction of the training rows, by weight; for returns, their weighted mean.

    A tie is long. Class 0 has no say: through the policy this is buy-and-hold or sell-and-hold, and doing
    nothing is what a net profit above 0 is measured against anyway. Its chances are the classes' shares of
    the training rows by weight, which any model's must beat.
    """

    kind: Literal["majority"] = "majority"

    def fit(self, train: Dataset, valid: Dataset) -> FittedMajority:
        """Weigh the training classes; `valid` is not needed."""
        if train.task == "return":
            return FittedMajority(tuple(train.names), float(np.average(train.y, weights=train.weight)))
        down, none, up = (float(train.weight[train.y == label].sum()) for label in (-1.0, 0.0, 1.0))
        whole = down + none + up
        shares = (down / whole, none / whole, up / whole)
        return FittedMajority(tuple(train.names), 1.0 if up >= down else -1.0, shares)


@dataclass(frozen=True)
class FittedMajority:
    """One score for every row, and for classes -1, 0, +1 their shares in training."""

    names: Sequence[str]
    score: float
    shares: tuple[float, float, float] | None = None

    def predict(self, X: Floats) -> Floats:
        """The same score for each row."""
        check_width(X, self.names)
        return np.full(len(X), self.score)

    def chances(self, X: Floats) -> Floats | None:
        """The training shares of -1, 0, +1 for each row; None for returns."""
        check_width(X, self.names)
        return None if self.shares is None else np.repeat(np.array([self.shares]), len(X), axis=0)

    def importance(self) -> dict[str, float]:
        """No feature matters."""
        return {}

    def save(self, folder: Path) -> None:
        """Write `model.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.json").write_text(json.dumps({"kind": "majority", **asdict(self)}), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> FittedMajority:
        """Read it back."""
        spec = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        shares = spec.get("shares")
        return cls(tuple(spec["names"]), spec["score"], tuple(shares) if shares else None)
