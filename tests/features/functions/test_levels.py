"""Levels against numbers worked by hand."""

import numpy as np
import pytest

from bateia.features import Plan

BARS = {
    "high": np.array([105.0, 110.0, 108.0, 200.0]),
    "low": np.array([95.0, 99.0, 90.0, 50.0]),
    "close": np.array([100.0, 104.0, 100.0, 115.0]),
}


# High 110, low 90 and close 100 of the three bars before: the current one, wild, is not among them.
@pytest.mark.parametrize(
    ("level", "price"),
    [
        ("pivot(3)", 100.0),
        ("pivot_r1(3)", 110.0),
        ("pivot_s1(3)", 90.0),
        ("pivot_r2(3)", 120.0),
        ("pivot_s2(3)", 80.0),
        ("resistance(3)", 110.0),
        ("support(3)", 90.0),
        ("distance(pivot(3))", 0.15),
        ("breakout(3)", 0.25),
        ("range_position(4)", 65 / 150),
    ],
)
def test_by_hand(level, price):
    found = Plan({"it": level}, tuple(BARS)).run(BARS)["it"]
    assert np.isnan(found[:3]).all()
    assert found[3] == pytest.approx(price)


def test_a_flat_market_stands_in_the_middle_of_its_range():
    flat = {name: np.full(9, 7.0) for name in BARS}
    found = Plan({"a": "range_position(3)", "b": "breakout(3)"}, tuple(flat)).run(flat)
    assert found["a"][-1] == 0.5
    assert found["b"][-1] == 0


@pytest.mark.parametrize("power", range(-8, 13))
def test_round_numbers_at_every_magnitude(power):
    scale = 10.0**power
    prices = scale * np.array([1.0, 1.04, 1.06, 2.5, 9.98, 1.234])
    plan = Plan({"two": "round_distance(close, 2)", "three": "round_distance(close, 3)"}, ("close",))
    found = plan.run({"close": prices})
    np.testing.assert_allclose(found["two"], [0, 0.4, -0.4, 0, -0.2, 0.34], atol=1e-6)
    np.testing.assert_allclose(found["three"], [0, 0, 0, 0, 0, 0.4], atol=1e-6)
