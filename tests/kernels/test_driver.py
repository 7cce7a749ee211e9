"""The driver itself: history moved, trouble remembered, a live event of one call."""

import numpy as np
import pytest

from bateia.features import Plan
from bateia.kernels import driver
from bateia.kernels.operators import OPERATORS

pytestmark = pytest.mark.compiled


def test_trouble_is_remembered_until_the_plan_can_go_on(monkeypatch):
    plan = Plan({"f": 'sum(close, "1s") + 1'})
    stream, troubles = plan.start(64), []
    grow = stream._grow
    operators = [slot.operator for slot in plan.graph.slots if slot.operator]

    def watched(node):
        troubles.append((operators[node].name, int(stream._ctrl[driver.RESUME]), stream.capacity))
        grow(node)

    monkeypatch.setattr(stream, "_grow", watched)
    rows = {"time": np.arange(600), "close": np.ones(600)}
    found = stream.run(rows)[0]
    node = operators.index(OPERATORS["rows_within"])
    # Where more rows came than fit, the walk stopped at the node that counts them, and went on from there.
    assert troubles == [("rows_within", node, 256), ("rows_within", node, 512)]
    assert stream._ctrl[driver.RESUME] == 0
    assert np.isnan(found).all(), "the window of a second never passed"
    assert stream.run({"time": np.array([2_000_000]), "close": np.ones(1)})[0].tolist() == [2]


def test_a_row_of_the_wrong_length_touches_nothing():
    stream = Plan({"f": "lag(close, 2)"}).start()
    before = stream._ctrl.copy()
    assert driver.push(stream._ctrl, np.zeros(2)) == driver.WRONG
    assert np.array_equal(stream._ctrl, before)


def test_history_survives_many_moves():
    stream = Plan({"f": "lag(close, 5)"}).start(2)
    found = [float(stream.push(np.array([float(i)]))[0]) for i in range(1000)]
    assert np.isnan(found[:5]).all()
    assert found[5:] == list(range(995))
