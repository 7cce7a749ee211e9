"""Prices near the largest float: nothing infinite comes out, any cut gives the same, and it is forgotten."""

import numpy as np
import pytest

from bateia.features import Plan
from bateia.features.expression import Call, Column, Constant, Text
from bateia.features.language import INTERNAL
from bateia.kernels.operator import Window
from bateia.kernels.operators import OPERATORS
from bateia.testing.operators import generated_market

ROWS, WILD = 2000, slice(100, 130)
USUAL = {"alpha": 0.3, "bins": 5.0, "step": 0.02, "most": 0.2, "d": 0.5}
FOR_EVER = {"cumsum", "cummax", "first"}
"""What these gather from the stream's start keeps a wild value, or its rounding, for good."""


def expressions():
    for operator in OPERATORS.values():
        if operator.name in INTERNAL:
            continue
        columns = [Column(name) for name in ("high", "low", "close")[: len(operator.inputs)]]
        for window in (Constant(5.0), Constant(40.0), Text("1m")):
            if isinstance(window, Text) and operator.window is None:
                continue
            for last in (0.0, 1.0):
                numbers = [
                    window if isinstance(p, Window) else Constant(USUAL.get(p.name, last))
                    for p in operator.params
                ]
                yield str(Call(operator.name, (*columns, *numbers)))


PLAN = Plan({f"f{k}": text for k, text in enumerate(dict.fromkeys(expressions()))})
CLEAN = {name: column.astype(np.float64) for name, column in generated_market(ROWS).items()}


def wild(change):
    market = {name: column.copy() for name, column in CLEAN.items()}
    for name in ("high", "low", "close"):
        market[name][WILD] = change(market[name][WILD])
    return market


def largest(prices):
    return prices / prices.max() * 1.7e308


def both_signs(prices):
    rng = np.random.default_rng(len(prices))
    return rng.choice([-1.7e308, 1.7e308], len(prices)) * rng.random(len(prices))


def squares_overflow(prices):
    return prices * 1e152


@pytest.mark.parametrize("change", [largest, both_signs, squares_overflow])
def test_nothing_infinite_and_forgotten(change):
    market, clean = wild(change), PLAN.run(CLEAN)
    whole, stream, at = PLAN.run(market), PLAN.start(64), 0
    rng, parts = np.random.default_rng(1), []
    while at < ROWS:
        size = int(rng.integers(1, 90))
        parts.append(stream.run({name: market[name][at : at + size] for name in PLAN.columns}))
        at += size
    cut = dict(zip(PLAN.names, np.concatenate(parts, axis=1), strict=True))
    for name, text in PLAN.features.items():
        assert not np.isinf(whole[name]).any(), text
        assert np.array_equal(whole[name], cut[name], equal_nan=True), text
        if text.partition("(")[0] not in FOR_EVER:
            late = slice(WILD.stop + 500, None)
            assert not (np.isnan(whole[name]) & ~np.isnan(clean[name]))[late].any(), text
