"""The steps' suite passes what is sound and fails what is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest

from bateia.core import Component
from bateia.preparation.base import FittedStep, by_column
from bateia.testing import check_preparation
from bateia.testing.preparation import CHECKS, generated_columns

DATA = generated_columns(["normal", "counts", "gaps"], rows=120)
CALLS = []


@dataclass(frozen=True, eq=False)
class Faulty(FittedStep):
    """Centred columns, with one planted fault."""

    centre: np.ndarray
    fault = ""

    def apply(self, X):
        return getattr(self, self.kind, self.sound)(X)

    def sound(self, X):
        return X - self.centre

    def pooled(self, X):
        return X - (X.mean(axis=0) if len(X) else 0)

    def infinite(self, X):
        return self.sound(X) * 1e10

    def single(self, X):
        return self.sound(X).astype(np.float32)

    def writes(self, X):
        X -= self.centre
        return X.copy()

    def fills_some(self, X):
        return np.where(np.isnan(X) & (X[:, :1] > 0), 0.0, self.sound(X))

    def forgets(self, X):
        return np.where(X > 2, np.nan, self.sound(X))

    def narrow(self, X):
        return self.sound(X)[:, :-1]

    def transform(self, X):
        if self.kind == "any_width":
            return np.resize(X, (len(X), len(self.names_out))) - self.centre
        return super().transform(X)

    def dump(self):
        spec = super().dump()
        if self.kind == "rounds":
            spec["arrays"]["centre"] = [round(x, 3) for x in spec["arrays"]["centre"]]
        return spec


class Centre(Component):
    """Fits the faulty step."""

    kind: Literal["centre"] = "centre"
    fault: str

    def fit(self, data, span, model=None):
        x = data.X
        if self.fault == "sees_all":
            x = data.X.base
        centre = by_column(x, np.mean, 0.0)
        if self.fault == "holds":
            centre = data.X[0]
        if self.fault == "restless":
            CALLS.append(0)
            centre = centre + len(CALLS)
        names = tuple(data.names)
        return Faulty(self.fault, names, names, centre)


class Thawed(Centre):
    """Not what it reads back as."""

    def model_dump(self, **kwargs):
        return super().model_dump(**kwargs) | {"fault": "other"}


def test_without_a_fault_it_passes():
    assert check_preparation(Centre(fault="none"), DATA) == list(CHECKS)


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("infinite", "shapes"),
        ("single", "shapes"),
        ("narrow", "shapes"),
        ("sees_all", "training"),
        ("holds", "training"),
        ("pooled", "rows"),
        ("restless", "repeats"),
        ("rounds", "saved"),
        ("writes", "inputs"),
        ("fills_some", "missing"),
        ("forgets", "missing"),
        ("any_width", "width"),
        ("none", "config"),
    ],
)
def test_a_planted_fault_fails_its_check(fault, check):
    others = {name: "the test is of one check" for name in CHECKS if name != check}
    step = (Thawed if check == "config" else Centre)(fault=fault)
    with pytest.raises(AssertionError):
        check_preparation(step, DATA, others)


def test_a_step_is_not_checked_on_a_handful_of_rows():
    with pytest.raises(AssertionError, match="29 rows; allowed: 30 or more"):
        check_preparation(Centre(fault="none"), generated_columns(["normal"], rows=29))
