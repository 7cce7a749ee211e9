"""The models' suite passes what is sound and fails what is not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from bateia.models import LightGBM, Logistic, Majority
from bateia.models.majority import FittedMajority
from bateia.testing import check_model
from bateia.testing.models import CHECKS, generated_dataset

SMALL = LightGBM(rounds=30, min_data_in_leaf=10, threads=1)
CONSTANT = {
    "learns": "the baseline gives every row the same score",
    "agree": "the baseline takes a side whatever the classes' shares are",
}


@pytest.mark.parametrize("task", ["class", "return"])
@pytest.mark.parametrize(
    ("model", "exclude"),
    [(SMALL, None), (Logistic(), None), (Majority(), CONSTANT)],
    ids=lambda m: str(m)[:14],
)
def test_every_model_passes(model, exclude, task):
    ran = check_model(
        model, generated_dataset(seed=1, task=task), generated_dataset(seed=2, task=task), exclude
    )
    assert set(ran) | set(exclude or {}) == set(CHECKS)


@dataclass(frozen=True)
class Faulty(FittedMajority):
    """A baseline with one planted fault."""

    fault: str = ""

    def predict(self, X):
        base = np.where(np.isnan(X[:, 0]), 0.0, np.tanh(X[:, 0]))
        if self.fault == "wide":
            return 2 * base + 0.5
        if self.fault == "pooled":
            return base - base.mean()
        if self.fault == "nan":
            return np.where(np.isnan(X[:, 0]), np.nan, base)
        if self.fault == "writes":
            X[0, 0] = 0.0
        if self.fault == "constant":
            return np.zeros(len(X))
        if self.fault != "narrow":
            super().predict(X)
        return base

    def chances(self, X):
        up = np.full(len(X), 0.75 if self.fault == "sums" else 0.5)
        if self.fault == "pooled chances":
            up = np.linspace(0.0, 1.0, len(X))
        if self.fault == "silent":
            return None
        down = np.full(len(X), 0.5) if self.fault == "sums" else 1.0 - up
        return np.column_stack([down, np.zeros(len(X)), up])

    def importance(self):
        return {"unknown": 1.0} if self.fault == "importance" else {}

    def save(self, folder: Path):
        replace(self, score=0.0)
        super().save(folder)
        if self.fault == "pickle":
            (folder / "model.pkl").write_bytes(b"\x80\x04.")


class Maker(Majority):
    """Fits the faulty baseline."""

    fault: str

    def fit(self, train, valid):
        if self.fault == "restless":
            return Restless(tuple(train.names), 0.0, fault=self.fault)
        return Faulty(tuple(train.names), 0.0, fault=self.fault)


class Restless(Faulty):
    """Another answer every time."""

    def predict(self, X):
        return np.full(len(X), np.random.default_rng().uniform(-1, 1))


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("wide", "scores"),
        ("nan", "scores"),
        ("pooled", "rows"),
        ("sums", "chances"),
        ("pooled chances", "chances"),
        ("silent", "chances"),
        ("two opinions", "agree"),
        ("restless", "repeats"),
        ("saves otherwise", "saved"),
        ("pickle", "safe"),
        ("writes", "inputs"),
        ("importance", "importance"),
        ("narrow", "width"),
        ("constant", "learns"),
    ],
)
def test_a_planted_fault_fails_its_check(fault, check):
    train, valid = generated_dataset(seed=1), generated_dataset(seed=2)
    others = {name: "the test is of one check" for name in CHECKS if name != check}
    with pytest.raises(AssertionError):
        check_model(Maker(fault=fault), train, valid, others)
