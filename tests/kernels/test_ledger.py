"""The account's kernels: marked to market at any cut, and round trips that add up to it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bateia.kernels.ledger import mark_to_market, round_trips

fills_lists = st.lists(
    st.tuples(st.integers(0, 5), st.integers(400, 440), st.sampled_from([-2.0, -1.0, -0.5, 0.0, 1.0, 3.0]))
)


@given(fills_lists, st.lists(st.integers(0, 20), max_size=15).map(sorted), st.integers(0, 15))
def test_account_is_cash_plus_position_at_any_cut(steps, bar_times, cut):
    time = np.cumsum([gap for gap, _, _ in steps], dtype=np.int64).reshape(-1)
    price = np.array([p / 4 for _, p, _ in steps])
    position = np.array([p for _, _, p in steps])
    quantity = np.diff(position, prepend=0.0)
    cost = np.abs(quantity) * 2.5
    bars = np.array(bar_times, np.int64)
    close = 100.0 + np.arange(len(bars)) % 3

    def account(state, rows, begin, end):
        out = [np.empty(end - begin) for _ in range(4)]
        columns = [c[rows:] for c in (time, price, quantity, position, cost)]
        booked = mark_to_market(state, *columns, bars[begin:end], close[begin:end], 50.0, *out)
        return rows + booked, out

    _, whole = account(np.zeros(4), 0, 0, len(bars))
    state, cut = np.zeros(4), min(cut, len(bars))
    booked, first = account(state, 0, 0, cut)
    _, second = account(state, booked, cut, len(bars))
    for i, column in enumerate(whole):
        assert np.concatenate([first[i], second[i]]).tobytes() == column.tobytes()
    for i, moment in enumerate(bars):
        seen = time <= moment
        held = position[seen][-1] if seen.any() else 0.0
        assert whole[0][i] == held
        cash = -np.sum(quantity[seen] * price[seen]) * 50.0
        assert np.isclose(whole[1][i], cash + held * close[i] * 50.0, atol=1e-6)
        assert np.isclose(whole[2][i], cost[seen].sum())
        assert np.isclose(whole[3][i], np.sum(np.abs(quantity[seen]) * price[seen]) * 50.0)


@given(fills_lists)
def test_round_trips_add_up_to_the_account(steps):
    # End flat, as a backtest does.
    steps = [*steps, (1, 410, 0.0)]
    time = np.cumsum([gap for gap, _, _ in steps], dtype=np.int64)
    price = np.array([p / 4 for _, p, _ in steps])
    position = np.array([p for _, _, p in steps])
    quantity = np.diff(position, prepend=0.0)
    moved = quantity != 0
    time, price, position, quantity = (c[moved] for c in (time, price, position, quantity))
    cost = np.abs(quantity) * 2.5
    n = len(time)
    out = [
        np.empty(n, np.int64),
        np.empty(n, np.int64),
        np.empty(n, np.int8),
        *(np.empty(n) for _ in range(6)),
    ]
    made = round_trips(time, price, price + 1.0, position, cost, *out)
    entry, exit_, side, units, first, last, paid_in, paid_out, spent = (c[:made] for c in out)
    assert np.isclose(np.sum(side * units * (last - first)), -np.sum(quantity * price), atol=1e-9)
    assert np.isclose(spent.sum(), cost.sum())
    assert np.isclose(units.sum() * 2, np.abs(quantity).sum())
    assert np.allclose(paid_in, first + 1) and np.allclose(paid_out, last + 1)
    assert (entry <= exit_).all()
    signs = np.sign(position)
    opened = np.sum((signs != 0) & (signs != np.concatenate([[0], signs[:-1]])))
    assert made == opened
