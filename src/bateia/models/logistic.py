"""The linear baseline: logistic regression for classes, ridge regression for returns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from bateia.core import INT32, Component
from bateia.core.events import Floats
from bateia.models.base import Dataset, check_width, class_chances, class_scores, classes_of

_WIDEST = 8.0
"""Standardised features are held within this many deviations: one wild value must not decide."""


class Logistic(Component):
    """Multinomial logistic regression with an L2 penalty; on returns, ridge regression.

    Features are standardised by the training rows' mean and deviation, which the model keeps; an unknown
    feature counts as its mean. The penalty is `l2` per unit of mean weight, the intercept is free.
    Fitted by L-BFGS on the weighted log-loss. Source: Hastie, Tibshirani & Friedman, "The Elements of
    Statistical Learning" (2009), section 4.4.
    """

    kind: Literal["logistic"] = "logistic"
    l2: float = Field(default=0.01, ge=0.0)
    """Strength of the penalty on squared coefficients, relative to the mean log-loss."""
    iterations: int = Field(default=200, ge=1, le=INT32)
    """At most so many steps of L-BFGS."""

    def fit(self, train: Dataset, valid: Dataset) -> FittedLogistic:
        """Fit on `train`; `valid` is not needed. DataError where training holds a single class."""
        with np.errstate(invalid="ignore"):
            known = ~np.isnan(train.X)
            count = np.maximum(known.sum(axis=0), 1)
            centre = np.where(known, train.X, 0.0).sum(axis=0) / count
            spread = np.sqrt(np.where(known, (train.X - centre) ** 2, 0.0).sum(axis=0) / count)
        scale = np.where(spread > 0, spread, 1.0)
        Z = _standardise(train.X, centre, scale)
        weight = train.weight / train.weight.sum()
        classes = classes_of(train)
        if len(classes):
            coefficients, intercept = _multinomial(Z, train.y, classes, weight, self.l2, self.iterations)
        else:
            coefficients, intercept = _ridge(Z, train.y, weight, self.l2)
        return FittedLogistic(tuple(train.names), centre, scale, coefficients, intercept, classes)


@dataclass(frozen=True, eq=False)
class FittedLogistic:
    """Standardisation and coefficients (features, classes); `classes` is empty for returns."""

    names: Sequence[str]
    centre: Floats
    scale: Floats
    coefficients: Floats
    intercept: Floats
    classes: Floats

    def predict(self, X: Floats) -> Floats:
        """P(+1) - P(-1), or the expected return, of each row."""
        chances = self.chances(X)
        return np.ascontiguousarray(self._margin(X)[:, 0]) if chances is None else class_scores(chances)

    def chances(self, X: Floats) -> Floats | None:
        """P(-1), P(0), P(+1) of each row; None for returns."""
        if not len(self.classes):
            return None
        return class_chances(_softmax(self._margin(X)), self.classes)

    def _margin(self, X: Floats) -> Floats:
        """Log odds (rows, classes), or the expected return in one column."""
        check_width(X, self.names)
        Z = _standardise(X, self.centre, self.scale)
        # Summed feature by feature: a matrix product's last bits depend on how many rows it is given.
        margin = np.repeat(self.intercept[None], len(Z), axis=0)
        for column in range(Z.shape[1]):
            margin += Z[:, column, None] * self.coefficients[column]
        return margin

    def importance(self) -> dict[str, float]:
        """Mean absolute coefficient of each standardised feature."""
        size = np.abs(self.coefficients).mean(axis=1)
        return {name: float(value) for name, value in zip(self.names, size, strict=True)}

    def save(self, folder: Path) -> None:
        """Write `model.json`, numbers in full."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {name: getattr(self, name).tolist() for name in _ARRAYS}
        spec = {"kind": "logistic", "names": list(self.names), **arrays}
        (folder / "model.json").write_text(json.dumps(spec), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> FittedLogistic:
        """Read it back."""
        spec = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        return cls(tuple(spec["names"]), *(np.array(spec[name], np.float64) for name in _ARRAYS))


_ARRAYS = ("centre", "scale", "coefficients", "intercept", "classes")


def _standardise(X: Floats, centre: Floats, scale: Floats) -> Floats:
    return np.clip(np.nan_to_num((X - centre) / scale, nan=0.0), -_WIDEST, _WIDEST)


def _softmax(margin: Floats) -> Floats:
    odds = np.exp(margin - margin.max(axis=1, keepdims=True))
    share: Floats = odds / odds.sum(axis=1, keepdims=True)
    return share


def _dot(rows: Floats, columns: Floats) -> Floats:
    """`rows @ columns` by one thread: the last bits of BLAS depend on how many threads it takes."""
    each = np.ascontiguousarray(columns.T)
    return np.column_stack([np.einsum("ij,j->i", rows, column) for column in each])


def _ridge(Z: Floats, y: Floats, weight: Floats, l2: float) -> tuple[Floats, Floats]:
    centre, middle = _dot(Z.T, weight[:, None])[:, 0], float(np.sum(weight * y))
    A = np.ascontiguousarray(((Z - centre) * np.sqrt(weight)[:, None]).T)
    b = (y - middle) * np.sqrt(weight)
    # A penalty of 0 with collinear features has no single answer: the smallest is taken.
    solved = np.asarray(
        np.linalg.lstsq(_dot(A, A.T) + l2 * np.eye(Z.shape[1]), _dot(A, b[:, None])[:, 0], rcond=None)[0],
        np.float64,
    )
    return solved[:, None], np.array([middle - float(np.sum(centre * solved))])


def _multinomial(
    Z: Floats, y: Floats, classes: Floats, weight: Floats, l2: float, iterations: int
) -> tuple[Floats, Floats]:
    from scipy.optimize import minimize

    truth = (y[:, None] == classes).astype(np.float64)
    shape = (Z.shape[1] + 1, len(classes))
    T = np.ascontiguousarray(Z.T)

    def loss(flat: Floats) -> tuple[float, Floats]:
        b = flat.reshape(shape)
        share = _softmax(_dot(T.T, b[1:]) + b[0])
        value = -float(np.sum(weight * np.log(np.maximum((share * truth).sum(axis=1), 1e-300))))
        miss = (share - truth) * weight[:, None]
        gradient = np.vstack([miss.sum(axis=0), _dot(T, miss) + l2 * b[1:]])
        return value + 0.5 * l2 * float((b[1:] ** 2).sum()), gradient.ravel()

    found = minimize(
        loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": iterations}
    )
    b = found.x.reshape(shape)
    return b[1:], b[0]
