"""Missing values are filled from training, and told."""

from __future__ import annotations

import numpy as np
import pytest

from bateia.core import DataError
from bateia.models import Dataset
from bateia.preparation import Impute
from bateia.testing.preparation import generated_spans

NAN = np.nan
X = np.array([[1.0, 5.0, NAN], [3.0, NAN, NAN], [8.0, 6.0, NAN], [NAN, 9.0, NAN], [2.0, 7.0, NAN]])


def data(names=("a", "b", "c"), X=X):
    return Dataset(X, np.array([1.0, -1.0, 0.0, 1.0, -1.0]), np.ones(5), names)


@pytest.mark.parametrize(("fill", "value"), [("median", [2.5, 6.5, 0.0]), ("zero", [0.0, 0.0, 0.0])])
def test_filled_and_told(fill, value):
    fitted = Impute(fill=fill).fit(data(), generated_spans(5))
    assert fitted.names_out == ("a", "b", "c", "a_missing", "b_missing", "c_missing")
    out = fitted.transform(np.array([[NAN, 4.0, 2.0], [NAN, NAN, NAN]]))
    assert out.tolist() == [[value[0], 4.0, 2.0, 1.0, 0.0, 0.0], [*value, 1.0, 1.0, 1.0]]


def test_only_what_was_missing_in_training_is_told():
    fitted = Impute().fit(data(X=np.nan_to_num(X, nan=1.0)), generated_spans(5))
    assert fitted.names_out == ("a", "b", "c")
    assert fitted.transform(np.full((1, 3), NAN)).tolist() == [[2.0, 6.0, 1.0]]


def test_a_name_that_is_taken():
    with pytest.raises(DataError, match="impute would add the feature 'a_missing', which there is already"):
        Impute().fit(data(("a", "b", "a_missing")), generated_spans(5))
