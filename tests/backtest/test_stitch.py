"""Backtests one after another are one account."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.backtest import measure, simulate
from bateia.backtest.stitch import stitched
from bateia.core import DataError
from bateia.trading import Costs, SimulatedBroker

BROKER = SimulatedBroker(latency="100ms", costs=Costs(fee_bps=1.0, half_spread=0.1))


def parts_of(generated_market, edges, seed=0):
    bars, trades, target = generated_market(seed=seed)
    return [simulate(bars[a:b], target[a:b], trades[10 * a : 10 * b], BROKER) for a, b in pairwise(edges)]


@settings(max_examples=15)
@given(st.sets(st.integers(10, 190), max_size=4), st.integers(0, 5))
def test_all_sums_are_those_of_the_parts(generated_market, cuts, seed):
    edges = [0, *(cut for cut in sorted(cuts)), 200]
    edges = [edge for k, edge in enumerate(edges) if k == 0 or edge - edges[k - 1] > 3 or edge == 200]
    parts = parts_of(generated_market, edges, seed)
    whole = stitched(parts)
    alone = [measure(part, draws=20).financial for part in parts]
    together = measure(whole, draws=20).financial
    for name in ("net", "gross", "cost", "traded", "round_trips", "fills", "unfilled", "bars"):
        assert getattr(together, name) == pytest.approx(sum(getattr(one, name) for one in alone)), name
    assert np.diff(whole.equity.time).min() > 0
    np.testing.assert_allclose(whole.equity.gross - whole.equity.cost, whole.equity.net, atol=1e-9)
    steps = np.concatenate([np.diff(part.equity.net, prepend=0.0) for part in parts])
    np.testing.assert_allclose(np.diff(whole.equity.net, prepend=0.0), steps, atol=1e-9)


def test_what_cannot_be_stitched(generated_market):
    one, other = parts_of(generated_market, [0, 100, 200])
    with pytest.raises(DataError, match="overlap in time"):
        stitched([other, one])
    with pytest.raises(DataError, match="no backtests"):
        stitched([])
