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
    nothing is what a net profit above 0 is measured against anyway.
    """

    kind: Literal["majority"] = "majority"

    def fit(self, train: Dataset, valid: Dataset) -> FittedMajority:
        """Weigh the training classes; `valid` is not needed."""
        if train.task == "return":
            return FittedMajority(tuple(train.names), float(np.average(train.y, weights=train.weight)))
        up, down = (float(train.weight[train.y == label].sum()) for label in (1.0, -1.0))
        return FittedMajority(tuple(train.names), 1.0 if up >= down else -1.0)


@dataclass(frozen=True)
class FittedMajority:
    """One score for every row."""

    names: Sequence[str]
    score: float

    def predict(self, X: Floats) -> Floats:
        """The same score for each row."""
        check_width(X, self.names)
        return np.full(len(X), self.score)

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
        return cls(tuple(spec["names"]), spec["score"])
