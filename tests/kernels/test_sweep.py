"""The sweep kernel against one lane at a time in plain Python, to the last bit, at any cut."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.kernels.sweep import LANES, RULES, STATES, sweep_thresholds


def reference_lane(up, down, leave_long, leave_short, scores, fills, costs, closes):
    """The rows of the state after the last bar, with plain floats and branches."""
    held = cash = spent = traded = units = opened = peak = fall = net = squares = 0.0
    for s, price, paid, mark in zip(scores, fills, costs, closes, strict=True):
        want = held
        if s != s:
            want = 0.0
        elif s > up:
            want = 1.0
        elif s < down:
            want = -1.0
        elif (held > 0 and s < leave_long) or (held < 0 and s > leave_short):
            want = 0.0
        if want != held:
            cash -= (want - held) * price
            spent += abs(want - held) * paid
            traded += abs(want - held) * price
            units += abs(want - held)
        held, before = want, net
        net = cash + held * mark - spent
        squares += (net - before) * (net - before)
        opened += held != 0
        peak = max(peak, net)
        fall = max(fall, peak - net)
    return [held, cash, spent, traded, units, opened, peak, fall, net, squares]


def generated_lanes(seed, rows, groups):
    rng = np.random.default_rng(seed)
    enter = rng.integers(0, 5, (groups, LANES)) / 8.0
    leave = enter - rng.integers(0, 4, (groups, LANES)) / 8.0
    rule = np.stack([enter, -enter, leave, -leave], axis=1)
    rule[rng.random((groups, RULES, LANES)) < 0.1] = np.inf
    score = rng.integers(-6, 7, rows) / 8.0
    score[rng.random(rows) < 0.1] = np.nan
    close = 100 + np.cumsum(rng.normal(0, 0.3, rows))
    columns = (score, close + rng.normal(0, 0.1, rows), rng.random(rows) * 0.05, close)
    return np.ascontiguousarray(rule.reshape(groups, -1)), columns


@given(st.integers(0, 2**31), st.integers(0, 60), st.integers(1, 3), st.data())
@settings(max_examples=60)
def test_every_lane_is_the_plain_account_at_any_cut(seed, rows, groups, data):
    rule, columns = generated_lanes(seed, rows, groups)
    whole, cut = np.zeros((groups, STATES * LANES)), np.zeros((groups, STATES * LANES))
    sweep_thresholds(whole, rule, *columns)
    edges = sorted(data.draw(st.lists(st.integers(0, rows), max_size=4)))
    for start, stop in zip([0, *edges], [*edges, rows], strict=True):
        sweep_thresholds(cut, rule, *(column[start:stop] for column in columns))
    assert cut.tobytes() == whole.tobytes()
    lanes = whole.reshape(groups, STATES, LANES)
    for g, own in enumerate(rule.reshape(groups, RULES, LANES)):
        for j in range(LANES):
            expected = reference_lane(*own[:, j].tolist(), *(column.tolist() for column in columns))
            assert lanes[g, :, j].tolist() == expected
