"""Gradient-boosted trees by LightGBM, stopped early on what comes after the training rows."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from bateia.core import INT32, Component
from bateia.core.events import Floats
from bateia.models.base import Dataset, check_width, class_chances, class_scores, classes_of

# Before OpenMP starts: idle threads must sleep, or a 0.1 s fit takes seconds on a busy machine.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


class LightGBM(Component):
    """LightGBM trees; the same data and seed give the same model with any number of threads.

    Classes are fitted by (multi-class) log-loss, returns by squared error, both weighted; training stops
    when `early_stopping_rounds` rounds bring nothing on the validation rows. Source: Ke et al., "LightGBM:
    A Highly Efficient Gradient Boosting Decision Tree", NeurIPS 2017.
    """

    kind: Literal["lightgbm"] = "lightgbm"
    rounds: int = Field(default=500, ge=1, le=INT32)
    """At most so many trees (a class)."""
    early_stopping_rounds: int = Field(default=100, ge=1, le=INT32)
    """Rounds without progress on the validation rows before it stops."""
    learning_rate: float = Field(default=0.05, gt=0.0, le=1.0)
    """Shrinkage of each tree."""
    num_leaves: int = Field(default=31, ge=2, le=131_072)
    """Leaves of a tree."""
    max_depth: int = Field(default=6, ge=-1, le=INT32)
    """Depth of a tree; -1 is unlimited."""
    min_data_in_leaf: int = Field(default=100, ge=1, le=INT32)
    """Rows that a leaf holds at least."""
    feature_fraction: float = Field(default=0.8, gt=0.0, le=1.0)
    """Share of features that a tree sees."""
    bagging_fraction: float = Field(default=0.8, gt=0.0, le=1.0)
    """Share of rows that a tree sees, drawn anew each round."""
    lambda_l2: float = Field(default=0.0, ge=0.0)
    """L2 penalty of the leaves' values."""
    max_bin: int = Field(default=255, ge=2, le=65535)
    """Histogram bins of a feature."""
    seed: int = Field(default=1, ge=0, le=INT32)
    """Seed of the row and feature draws."""
    threads: int = Field(default=0, ge=0, le=INT32)
    """Threads; 0 takes as many as there are cores. No effect on the result."""

    def fit(
        self, train: Dataset, valid: Dataset, on_round: Callable[[int, float], None] | None = None
    ) -> FittedLightGBM:
        """Fit on `train`, watching `valid`; `on_round(round, validation loss)` is called after each round.

        DataError where training holds a single class.
        """
        import lightgbm as lgb

        classes = classes_of(train)
        kept = np.isin(valid.y, classes) if len(classes) else np.ones(len(valid), np.bool_)
        learnt = watched = self._dataset(train, classes)
        callbacks: list[Any] = []
        if kept.any():
            held = Dataset(valid.X[kept], valid.y[kept], valid.weight[kept], valid.names, valid.task)
            watched = self._dataset(held, classes, reference=learnt)
            callbacks.append(lgb.early_stopping(self.early_stopping_rounds, verbose=False))
        if on_round is not None:
            callbacks.append(lambda env: on_round(env.iteration, env.evaluation_result_list[0][2]))
        booster = lgb.train(
            self._parameters(len(classes)),
            learnt,
            num_boost_round=self.rounds,
            valid_sets=[watched],
            callbacks=callbacks,
        )
        text = booster.model_to_string(num_iteration=booster.best_iteration)
        # The one line that threads would change.
        text = re.sub(r"\[num_threads: \d+\]", "[num_threads: 0]", text)
        return FittedLightGBM(tuple(train.names), tuple(classes.tolist()), text)

    def save_dataset(self, data: Dataset, path: Path) -> None:
        """Write the binned training data in LightGBM's own binary format, to train again without binning."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._dataset(data, classes_of(data)).construct().save_binary(str(path))

    def _dataset(self, data: Dataset, classes: Floats, reference: Any = None) -> Any:
        import lightgbm as lgb

        target = np.searchsorted(classes, data.y) if len(classes) else data.y
        return lgb.Dataset(
            data.X.astype(np.float32),
            target.astype(np.float32),
            weight=data.weight.astype(np.float32),
            feature_name=list(data.names),
            params=self._parameters(len(classes)),
            reference=reference,
            free_raw_data=True,
        )

    def _parameters(self, classes: int) -> dict[str, Any]:
        objective: dict[str, Any] = {"objective": "regression", "metric": "l2"}
        if classes == 2:
            objective = {"objective": "binary", "metric": "binary_logloss"}
        elif classes > 2:
            objective = {"objective": "multiclass", "metric": "multi_logloss", "num_class": classes}
        named = self.model_dump(exclude={"kind", "rounds", "early_stopping_rounds", "threads"})
        return {
            **objective,
            **named,
            "bagging_freq": 1,
            "num_threads": self.threads,
            "deterministic": True,
            "force_col_wise": True,
            "verbosity": -1,
        }


@dataclass(frozen=True, eq=False)
class FittedLightGBM:
    """A forest as LightGBM's own text, and the classes of its outputs (none: a return)."""

    names: Sequence[str]
    classes: Sequence[float]
    text: str

    @cached_property
    def booster(self) -> Any:
        """LightGBM's own object."""
        import lightgbm as lgb

        return lgb.Booster(model_str=self.text)

    def predict(self, X: Floats) -> Floats:
        """P(+1) - P(-1), or the expected return, of each row."""
        chances = self.chances(X)
        return self._out(X) if chances is None else class_scores(chances)

    def chances(self, X: Floats) -> Floats | None:
        """P(-1), P(0), P(+1) of each row; None for returns."""
        if not self.classes:
            return None
        out = self._out(X)
        if len(self.classes) == 2:
            out = np.column_stack([1.0 - out, out])
        return class_chances(out, np.array(self.classes))

    def _out(self, X: Floats) -> Floats:
        check_width(X, self.names)
        # Features are float32 in training; a tree's thresholds lie between float32 values.
        return np.asarray(self.booster.predict(X.astype(np.float32), num_threads=1), np.float64)

    def importance(self) -> dict[str, float]:
        """Total gain of the splits on each feature."""
        gains = self.booster.feature_importance("gain")
        return {name: float(gain) for name, gain in zip(self.names, gains, strict=True)}

    def save(self, folder: Path) -> None:
        """Write `model.json` and `model.txt`, LightGBM's native text."""
        folder.mkdir(parents=True, exist_ok=True)
        spec = {"kind": "lightgbm", "names": list(self.names), "classes": list(self.classes)}
        (folder / "model.json").write_text(json.dumps(spec), encoding="utf-8")
        (folder / "model.txt").write_text(self.text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> FittedLightGBM:
        """Read it back."""
        spec = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        text = (folder / "model.txt").read_text(encoding="utf-8")
        return cls(tuple(spec["names"]), tuple(spec["classes"]), text)
