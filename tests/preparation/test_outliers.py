"""Outliers come back to the bounds of the training rows, nothing else moves."""

from __future__ import annotations

import numpy as np
import pytest

from bateia.models import Dataset
from bateia.preparation import Hampel, Winsorise
from bateia.testing.preparation import generated_columns, generated_spans

ASKED = np.array([[-1e6], [0.0], [4.0], [1e6], [np.nan]])


def fit(step, *values):
    x = np.array(values, np.float64)[:, None]
    data = Dataset(x, np.where(np.arange(len(x)) % 2, 1.0, -1.0), np.ones(len(x)), ["x"])
    return step.fit(data, generated_spans(len(x)))


def test_winsorised_at_the_quantiles():
    out = fit(Winsorise(lower=0.1, upper=0.75), *range(11), np.nan).transform(ASKED)[:, 0]
    np.testing.assert_allclose(out, [1.0, 1.0, 4.0, 7.5, np.nan])


def test_share_of_training_rows_that_move():
    data = generated_columns(["heavy"], rows=1000)
    fitted = Winsorise(lower=0.05, upper=0.9).fit(data, generated_spans(1000))
    moved = fitted.transform(data.X) != data.X
    assert moved.sum() == 150


@pytest.mark.parametrize(("to", "expected"), [("bound", [-4.913, 9.913]), ("median", [2.5, 2.5])])
def test_hampel_by_hand(to, expected):
    # The median is 2.5 and so is the median distance from it: 2 * 1.4826 * 2.5 = 7.413.
    fitted = fit(Hampel(k=2, to=to), 0, 0, 2, 3, 5, 100)
    low, zero, four, high, nan = fitted.transform(ASKED)[:, 0]
    assert (zero, four) == (0.0, 4.0)
    np.testing.assert_allclose([low, high], expected, atol=1e-4)
    assert np.isnan(nan)


def test_hampel_leaves_a_column_without_a_scale():
    fitted = fit(Hampel(), 0, 0, 0, 0, 0, 1, 2)
    np.testing.assert_array_equal(fitted.transform(ASKED), ASKED)


@pytest.mark.parametrize("bounds", [(0.5, 0.5), (0.9, 0.1)])
def test_quantiles_that_bound_nothing_are_refused(bounds):
    with pytest.raises(ValueError, match="allowed: lower < upper"):
        Winsorise(lower=bounds[0], upper=bounds[1])
