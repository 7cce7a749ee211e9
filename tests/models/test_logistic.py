"""The linear baseline against scikit-learn."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from bateia.core import DataError
from bateia.models import Dataset, Logistic
from bateia.testing.models import generated_dataset


def clean(seed, task="class", classes=3):
    data = generated_dataset(seed=seed, task=task)
    X = np.nan_to_num(data.X)
    y = np.where(data.y == 0, 1.0, data.y) if classes == 2 else data.y
    return Dataset(X, y, data.weight, data.names, task)


def standardised(train, X):
    centre, scale = train.X.mean(axis=0), train.X.std(axis=0)
    return (X - centre) / scale


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_those_of_scikit_learn(classes):
    train, test = clean(1, classes=classes), clean(2, classes=classes)
    weight = train.weight / train.weight.sum()
    # Two classes have two sets of coefficients here and one there: the penalty halves.
    l2 = 0.01
    theirs = LogisticRegression(C=1 / (l2 if classes > 2 else l2 / 2), tol=1e-10, max_iter=2000)
    theirs.fit(standardised(train, train.X), train.y, sample_weight=weight)
    p = theirs.predict_proba(standardised(train, test.X))
    expected = p[:, -1] - p[:, 0]
    got = Logistic(l2=l2, iterations=2000).fit(train, test).predict(test.X)
    np.testing.assert_allclose(got, expected, atol=2e-3)


def test_returns_are_those_of_ridge():
    train, test = clean(1, "return"), clean(2, "return")
    weight = train.weight / train.weight.sum()
    theirs = Ridge(alpha=0.01).fit(standardised(train, train.X), train.y, sample_weight=weight)
    got = Logistic(l2=0.01).fit(train, test).predict(test.X)
    np.testing.assert_allclose(got, theirs.predict(standardised(train, test.X)), atol=1e-9)


def test_a_feature_that_says_nothing_does_no_harm():
    data = clean(1)
    X = np.column_stack([data.X, np.full(len(data), 3.0), np.full(len(data), np.nan)])
    wide = Dataset(X, data.y, data.weight, (*data.names, "constant", "unknown"))
    fitted = Logistic().fit(wide, wide)
    assert fitted.importance()["constant"] == 0
    assert fitted.importance()["unknown"] == 0
    # Two more columns, nothing more to say: the same scores but for the optimiser's last steps.
    np.testing.assert_allclose(fitted.predict(X), Logistic().fit(data, data).predict(data.X), atol=1e-3)


def test_an_unknown_feature_counts_as_its_mean():
    data = clean(1)
    fitted = Logistic().fit(data, data)
    mean = data.X.mean(axis=0, keepdims=True)
    assert fitted.predict(np.full((1, 5), np.nan))[0] == pytest.approx(fitted.predict(mean)[0], abs=1e-12)


FIT = """
import hashlib, numpy as np
from bateia.models import Dataset, Logistic
rng = np.random.default_rng(0)
X, w, names = rng.normal(size=(20_000, 49)), rng.uniform(0.1, 1, 20_000), [str(i) for i in range(49)]
for y, task in ((rng.integers(-1, 2, 20_000).astype(float), "class"), (X[:, 0] * 1e-4, "return")):
    data = Dataset(X, y, w, names, task)
    print(hashlib.sha256(Logistic(iterations=10).fit(data, data).coefficients.tobytes()).hexdigest())
"""


def test_threads_of_the_linear_algebra_do_not_show():
    bits = set()
    for threads in ("1", "2"):
        env = {**os.environ, "OPENBLAS_NUM_THREADS": threads}
        done = subprocess.run(
            [sys.executable, "-c", FIT], env=env, text=True, capture_output=True, check=True
        )
        bits.add(done.stdout)
    assert len(bits) == 1


def test_one_class_is_refused():
    data = Dataset(np.zeros((3, 1)), np.ones(3), np.ones(3), ("a",))
    with pytest.raises(DataError, match="every training row has class 1; allowed: at least two"):
        Logistic().fit(data, data)
