"""The policy and broker kernels against plain Python, event by event."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.kernels.fills import fill_orders, hysteresis
from bateia.kernels.ledger import mark_to_market, round_trips


def reference_hysteresis(scores, enter, leave, long, short):
    held, out = 0, []
    for s in scores:
        if np.isnan(s):
            held = 0
        elif long and s > enter:
            held = 1
        elif short and s < -enter:
            held = -1
        elif (held == 1 and s < leave) or (held == -1 and -s < leave):
            held = 0
        out.append(held)
    return out


score_lists = st.lists(st.one_of(st.floats(-1, 1), st.just(float("nan")), st.sampled_from([0.3, -0.3, 0.1])))


@given(score_lists, st.sampled_from([(0.3, 0.1), (0.3, 0.3), (0.0, 0.0), (0.3, -0.5)]), st.booleans())
def test_hysteresis_is_the_plain_rule(scores, thresholds, both):
    enter, leave = thresholds
    target, state = np.empty(len(scores), np.int8), np.zeros(1, np.int8)
    hysteresis(state, np.array(scores), enter, leave, True, both, target)
    expected = reference_hysteresis(scores, enter, leave, True, both)
    assert target.tolist() == expected
    assert state[0] == (expected[-1] if expected else 0)


def reference_broker(orders, trades, latency, quantity, multiplier, fee_rate, per_unit, half, slip):
    """Every trade in turn asks every waiting order, oldest first, whether it is due."""
    waiting, position, fills = list(enumerate(orders)), 0.0, []
    for time, price in trades:
        for entry in list(waiting):
            row, (decided, target) = entry
            if time > decided + latency:
                waiting.remove(entry)
                change = target * quantity - position
                if change != 0:
                    position += change
                    paid = price + (half + slip * price) * (1 if change > 0 else -1)
                    fee = abs(change) * (price * multiplier * fee_rate + per_unit)
                    cost = fee + abs(paid - price) * abs(change) * multiplier
                    fills.append((row, time, price, paid, change, position, fee, cost))
    return fills, [row for row, _ in waiting]


times = st.lists(st.integers(0, 60), max_size=25).map(sorted)


@given(
    times,
    times,
    st.integers(0, 20),
    st.data(),
    st.sampled_from([(0, 0, 0, 0), (1e-4, 2.0, 0.125, 2e-4), (0, 1.5, 0, 0)]),
)
@settings(max_examples=200)
def test_fills_are_those_of_a_broker_event_by_event(decided, traded, latency, data, costs):
    targets = data.draw(st.lists(st.integers(-1, 1), min_size=len(decided), max_size=len(decided)))
    prices = data.draw(st.lists(st.integers(400, 420), min_size=len(traded), max_size=len(traded)))
    prices = [p / 4 for p in prices]
    n = len(decided)
    ints = [np.empty(n, np.int64) for _ in range(2)]
    floats = [np.empty(n) for _ in range(6)]
    state = np.zeros(1)
    done, made = fill_orders(
        state,
        np.array(decided, np.int64),
        np.array(targets, float),
        np.array(traded, np.int64),
        np.array(prices, float),
        latency,
        2.0,
        50.0,
        *map(float, costs),
        *ints,
        *floats,
    )
    fills, waiting = reference_broker(
        list(zip(decided, targets, strict=True)),
        list(zip(traded, prices, strict=True)),
        latency,
        2.0,
        50.0,
        *costs,
    )
    ours = list(zip(*(c[:made] for c in ints + floats), strict=True))
    assert np.allclose(ours or [()], fills or [()], rtol=1e-12)
    assert list(range(done, n)) == waiting
    assert state[0] == (fills[-1][5] if fills else 0)


def test_the_first_trade_must_be_strictly_later_and_orders_wait_in_line():
    at, when = np.empty(3, np.int64), np.empty(3, np.int64)
    floats = [np.empty(3) for _ in range(6)]
    orders = np.array([10, 12, 30], np.int64), np.array([1.0, -1.0, 0.0])
    trades = np.array([15, 20, 35], np.int64), np.array([100.0, 101.0, 102.0])
    done, made = fill_orders(
        np.zeros(1), *orders, *trades, 5, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, at, when, *floats
    )
    # The trade at 15 is not later than 10 + 5; both orders meet the one at 20; 35 is not later than 30 + 5.
    assert (done, made) == (2, 2)
    assert at[:2].tolist() == [0, 1]
    assert when[:2].tolist() == [20, 20]
    assert floats[2][:2].tolist() == [1.0, -2.0]


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
