"""The checks that every model passes: scores row by row, the same twice, the same after a save."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bateia.core import Component, DataError
from bateia.core.events import Floats
from bateia.models import AnyModel, Dataset, Task, load_model
from bateia.testing.suite import run_suite

SAFE = {".json", ".txt", ".npz"}
"""Endings of the files that a model may write: none of them can run code when read."""


def generated_dataset(rows: int = 600, seed: int = 0, task: Task = "class") -> Dataset:
    """Five columns of noise, the first of which the answer follows; some values missing. For tests only."""
    rng = np.random.default_rng(seed)
    X: Floats = rng.normal(size=(rows, 5))
    drive = X[:, 0] + 0.5 * rng.normal(size=rows)
    y = np.sign(np.where(np.abs(drive) < 0.3, 0.0, drive)) if task == "class" else drive * 1e-3
    X[rng.random(X.shape) < 0.02] = np.nan
    names = ("signal", "noise_a", "noise_b", "noise_c", "noise_d")
    return Dataset(X, y, rng.uniform(0.1, 1.0, rows), names, task)


def check_model(
    model: AnyModel, train: Dataset, valid: Dataset, exclude: Mapping[str, str] | None = None
) -> list[str]:
    """Run every check of a model; names of those run.

    AssertionError where the model breaks the contract; `exclude` maps a check's name to the reason. The
    data must hold something to learn: see `generated_dataset`.

    >>> from bateia.models import Logistic
    >>> check_model(Logistic(), generated_dataset(seed=1), generated_dataset(seed=2))
    ['scores', 'chances', 'agree', 'rows', 'repeats', 'saved', 'safe', 'inputs', 'importance', 'width', ...]
    """
    return run_suite(CHECKS, model, train, valid, exclude=exclude)


def _scores(model: AnyModel, train: Dataset, valid: Dataset) -> int:
    """One finite score a row, within [-1, 1] for classes, missing features or not."""
    fitted = model.fit(train, valid)
    blank = np.full((3, len(train.names)), np.nan)
    for X in (valid.X, valid.X[:1], valid.X[:0], blank):
        if not len(X):
            continue
        score = fitted.predict(X)
        assert score.shape == (len(X),) and score.dtype == np.float64
        assert np.isfinite(score).all(), "a score is not finite"
        if train.task == "class":
            assert (np.abs(score) <= 1.0).all(), "a class score lies outside [-1, 1]"
    assert tuple(fitted.names) == tuple(train.names)
    return 7


def _chances(model: AnyModel, train: Dataset, valid: Dataset) -> int:
    """For classes, chances of -1, 0, +1 that add up to 1 in each row, by that row alone; none for returns."""
    fitted = model.fit(train, valid)
    whole = fitted.chances(valid.X)
    assert (whole is None) == (train.task == "return"), "chances for classes, and for nothing else"
    if whole is None:
        return 1
    assert whole.shape == (len(valid), 3) and whole.dtype == np.float64
    assert ((whole >= 0.0) & (whole <= 1.0)).all(), "a chance lies outside [0, 1]"
    assert np.abs(whole.sum(axis=1) - 1.0).max() < 1e-9, "chances do not add up to 1"
    for row in range(5):
        one = fitted.chances(valid.X[row : row + 1])
        assert one is not None and np.array_equal(one[0], whole[row]), "chances depend on other rows"
    return 9


def _agree(model: AnyModel, train: Dataset, valid: Dataset) -> int:
    """A class score is P(+1) - P(-1) of the chances, to the last bit."""
    fitted = model.fit(train, valid)
    chances = fitted.chances(valid.X)
    if chances is not None:
        assert np.array_equal(fitted.predict(valid.X), chances[:, 2] - chances[:, 0]), "two opinions"
    return 1


def _rows(model: AnyModel, train: Dataset, valid: Dataset) -> int:
    """A row's score depends on that row alone, to the last bit."""
    fitted = model.fit(train, valid)
    whole = fitted.predict(valid.X)
    order = np.random.default_rng(0).permutation(len(valid))
    assert np.array_equal(fitted.predict(valid.X[order]), whole[order]), "scores depend on the rows' order"
    for row in order[:20]:
        assert fitted.predict(valid.X[row : row + 1])[0] == whole[row], "a score depends on other rows"
    return 21


def _repeats(model: AnyModel, train: Dataset, valid: Dataset) -> int:
    """Fitting twice gives the same scores."""
    once, twice = (model.fit(train, valid).predict(valid.X) for _ in range(2))
    assert np.array_equal(once, twice), "two fits of the same data differ"
    return 1


def _saved(model: AnyModel, train: Dataset, valid: Dataset) -> int:
    """Saved and loaded it gives the same bits."""
    fitted = model.fit(train, valid)
    with tempfile.TemporaryDirectory() as folder:
        fitted.save(Path(folder) / "model")
        loaded = load_model(Path(folder) / "model")
        assert np.array_equal(loaded.predict(valid.X), fitted.predict(valid.X)), (
            "a saved model scores otherwise"
        )
        assert tuple(loaded.names) == tuple(fitted.names)
        assert loaded.importance() == fitted.importance()
    return 3


def _safe(model: AnyModel, train: Dataset, valid: Dataset) -> int:
    """It writes safe formats only."""
    with tempfile.TemporaryDirectory() as folder:
        model.fit(train, valid).save(Path(folder))
        files = [path for path in Path(folder).rglob("*") if path.is_file()]
        assert files, "nothing was saved"
        for path in files:
            assert path.suffix in SAFE, f"{path.name} is not of a safe format"
            assert not path.read_bytes().startswith(b"\x80"), f"{path.name} is a pickle"
    return 2 * len(files)


def _inputs(model: AnyModel, train: Dataset, valid: Dataset) -> int:
    """Neither fitting nor predicting changes its input."""
    before = [part.copy() for data in (train, valid) for part in (data.X, data.y, data.weight)]
    model.fit(train, valid).predict(valid.X)
    after = [part for data in (train, valid) for part in (data.X, data.y, data.weight)]
    for one, other in zip(before, after, strict=True):
        assert np.array_equal(one, other, equal_nan=True), "an input was changed"
    return len(after)


def _importance(model: AnyModel, train: Dataset, valid: Dataset) -> int:
    """Importance names the features, each 0 or more."""
    importance = model.fit(train, valid).importance()
    assert not importance or list(importance) == list(train.names)
    assert all(np.isfinite(value) and value >= 0 for value in importance.values())
    return 2


def _width(model: AnyModel, train: Dataset, valid: Dataset) -> int:
    """Another number of features is refused with a DataError."""
    fitted = model.fit(train, valid)
    for X in (valid.X[:, :-1], np.hstack([valid.X, valid.X])):
        try:
            fitted.predict(X)
        except DataError:
            continue
        raise AssertionError(f"{X.shape[1]} features were taken for {len(train.names)}")
    return 2


def _learns(model: AnyModel, train: Dataset, valid: Dataset) -> int:
    """On rows it has not seen, the scores go with the answers."""
    score = model.fit(train, valid).predict(valid.X)
    assert np.std(score) > 0, "the same score for every row"
    assert np.corrcoef(score, valid.y)[0, 1] > 0.2, "the scores do not follow the answers"
    return 2


def _config(model: AnyModel, train: Dataset, valid: Dataset) -> int:
    """Its parameters go to JSON and back, and are frozen."""
    assert isinstance(model, Component)
    assert type(model).model_validate(model.model_dump(mode="json")) == model
    return 2


CHECKS = {
    "scores": _scores,
    "chances": _chances,
    "agree": _agree,
    "rows": _rows,
    "repeats": _repeats,
    "saved": _saved,
    "safe": _safe,
    "inputs": _inputs,
    "importance": _importance,
    "width": _width,
    "learns": _learns,
    "config": _config,
}
