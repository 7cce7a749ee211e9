"""The driver itself: history moved, trouble remembered, a live event of one call."""

import numpy as np

from bateia.features import Plan
from bateia.kernels import driver
from bateia.kernels.operators import OPERATORS


def test_trouble_is_remembered_until_the_plan_can_go_on():
    plan = Plan({"f": 'sum(close, "1s") + 1'})
    stream = plan.start(64)
    rows = np.array([np.arange(400.0), np.ones(400)])
    assert plan.columns == ["close", "time"]
    sources = np.ascontiguousarray(rows[::-1])
    out, progress = np.full((1, 400), np.nan), np.zeros(1, np.int64)
    status = driver.run(stream._ctrl, sources, out, progress)
    # 256 rows fit: blocks of 64 went through, the one that grew past them waits at its first node.
    assert progress[0] == 256
    operators = [slot.operator for slot in plan.graph.slots if slot.operator]
    assert operators[status] is OPERATORS["rows_within"]
    assert stream._ctrl[driver.RESUME] == status
    stream._grow(status)
    assert driver.run(stream._ctrl, sources, out, progress) == driver.DONE
    assert progress[0] == 400
    assert stream._ctrl[driver.RESUME] == 0


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
