"""Every operator and function against a slow, obvious twin in plain Python, by count and by duration."""

import numpy as np
import pytest

from bateia.features import Plan
from bateia.features.functions import FUNCTIONS
from bateia.features.plan import KNOWN_COLUMNS
from bateia.kernels.operators import OPERATORS
from bateia.testing.operators import check_operator, generated_market
from references import REFERENCES
from references.base import NAN


def with_holes(market):
    """Missing values alone and in a row, in each column at rows of its own."""
    rng, holed = np.random.default_rng(3), {}
    for name, column in market.items():
        holed[name] = column.copy()
        if column.dtype == np.float64:
            rows = rng.integers(0, len(column), 3)
            for row in rows:
                holed[name][row : row + rng.integers(1, 4)] = NAN
    return holed


MARKETS = {"clean": generated_market(260, 4), "holes": with_holes(generated_market(260, 9))}


def test_every_operator_and_function_has_a_reference():
    assert set(REFERENCES) == {*OPERATORS, *FUNCTIONS}


def compiled(name, n):
    plan = Plan({"feature": REFERENCES[name].filled(n)}, KNOWN_COLUMNS)
    if name == "rows_within":  # of no use by itself: what a duration window is made of
        slots = plan.graph.slots
        plan.graph.outputs["feature"] = [slot.operator for slot in slots].index(OPERATORS[name])
    return plan


@pytest.mark.parametrize("name", sorted(REFERENCES))
@pytest.mark.parametrize("kind", MARKETS)
def test_the_same_as_the_reference(name, kind):
    market, twin = MARKETS[kind], REFERENCES[name]
    columns = {key: column.tolist() for key, column in market.items()}
    for n in twin.windows:
        expected = np.array(twin.rows(columns, n))
        got = compiled(name, n).run(market)["feature"]
        scale, why = np.nanmax(np.abs(expected), initial=0.0), twin.filled(n)
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12 * scale, err_msg=why)
        assert np.isfinite(got).any(), f"{why} is never known"


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_every_check(name):
    market, twin = generated_market(700, 2), REFERENCES[name]
    for n in {twin.windows[-1], twin.windows[-4:][0]}:
        sparse = twin.sparse and not isinstance(n, str)
        check_operator(twin.filled(n), market, {"warmup": "undefined in some rows"} if sparse else None)
