"""The bar kernels against plain Python, trade by trade."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.core import Trades
from bateia.kernels import bars as kernels

KERNELS = {
    "time": kernels.time_bars,
    "tick": kernels.tick_bars,
    "volume": kernels.volume_bars,
    "dollar": kernels.dollar_bars,
}


def fresh():
    return np.array([0, 0, 0, 0, 1, 0, 0], np.int64), np.array([0.0] * 6 + [np.nan])


CODES = {"time": kernels.TIME, "tick": kernels.TICK, "volume": kernels.VOLUME, "dollar": kernels.DOLLAR}


def in_python(kind):
    """The kernel's own loop, not compiled."""
    return lambda *args: kernels._bars.py_func(CODES[kind], *args)


def compiled(kind, limit, trades, state=None, room=None, run=None):
    """Bars as one list of numbers each; `room` for so many bars a call."""
    run = run or KERNELS[kind]
    ints, floats = state or fresh()
    columns = trades.columns().values()
    row, made = 0, []
    while row < len(trades):
        out_ints = np.empty((kernels.OUT_INTS, room or len(trades)), np.int64)
        out_floats = np.empty((kernels.OUT_FLOATS, room or len(trades)))
        row, count = run(limit, row, *columns, ints, floats, out_ints, out_floats)
        made += [[*out_ints[:, i].tolist(), *out_floats[:, i].tolist()] for i in range(count)]
    return made


def plain(kind, limit, trades):
    """The same bars from lists of trades, and the trades that are left open."""
    made, part, signs = [], [], []
    last, direction = None, 1

    def close(at):
        prices = [p for _, _, p, _, _ in part]
        volume = value = signed = 0.0
        for (_, _, p, q, _), (sign, _) in zip(part, signs, strict=True):
            volume, value, signed = volume + q, value + p * q, signed + q * sign
        clocks = [part[0][0], at, max(at, *(k for _, k, _, _, _ in part))]
        ohlc = [prices[0], max(prices), min(prices), prices[-1]]
        ticks = [sum(m > 0 for _, m in signs), sum(m < 0 for _, m in signs)]
        made.append([*clocks, *ohlc, volume, signed, value, value / volume, len(part), *ticks])
        part.clear()
        signs.clear()

    for trade in zip(*(column.tolist() for column in trades.columns().values()), strict=True):
        time, _, price, _, side = trade
        if kind == "time" and part:
            due = math.floor(part[0][0] / limit) * limit + limit
            if time >= due:
                close(due)
        move = 0.0 if last is None else price - last
        direction = direction if move == 0 else 1 if move > 0 else -1
        last = price
        part.append(trade)
        signs.append((side or direction, move))
        reached = {
            "time": False,
            "tick": len(part) >= limit,
            "volume": running(q for _, _, _, q, _ in part) >= limit,
            "dollar": running(p * q for _, _, p, q, _ in part) >= limit,
        }[kind]
        if reached:
            close(time)
    return made, part


def running(numbers):
    """Added one by one: the built-in sum rounds better since Python 3.12."""
    total = 0.0
    for number in numbers:
        total += number
    return total


@st.composite
def markets(draw):
    rows = draw(st.integers(1, 60))
    wait = draw(st.lists(st.sampled_from([0, 0, 1, 3, 10, 25]), min_size=rows, max_size=rows))
    ticks = draw(st.lists(st.integers(-1, 1), min_size=rows, max_size=rows))
    sizes = draw(st.lists(st.sampled_from([0.1, 0.5, 1.0, 2.0, 7.3]), min_size=rows, max_size=rows))
    sides = draw(st.lists(st.integers(-1, 1), min_size=rows, max_size=rows))
    delay = draw(st.lists(st.integers(0, 30), min_size=rows, max_size=rows))
    time = np.cumsum(wait) + draw(st.sampled_from([-100, 0, 1_600_000_000_000_003]))
    price = 100 + 0.1 * np.cumsum(ticks)
    return Trades(time, time + delay, price, np.array(sizes), np.array(sides, np.int8))


LIMITS = {"time": (1, 7, 20), "tick": (1, 2, 9), "volume": (0.05, 1.0, 12.0), "dollar": (1.0, 100.0, 1500.0)}
CASES = [(kind, limit) for kind, limits in LIMITS.items() for limit in limits]


@pytest.mark.parametrize(("kind", "limit"), CASES)
@settings(max_examples=40, deadline=None)
@given(trades=markets(), room=st.sampled_from([None, 1, 2, 5]), cut=st.floats(0, 1))
def test_bars_are_those_of_the_plain_reference(kind, limit, trades, room, cut):
    """To the last bit, however little room there is for output and wherever the input is cut."""
    expected, part = plain(kind, limit, trades)
    assert compiled(kind, limit, trades, room=room) == expected
    state, at = fresh(), int(cut * len(trades))
    halves = [compiled(kind, limit, half, state, room) for half in (trades[:at], trades[at:])]
    assert halves[0] + halves[1] == expected
    ints, floats = state
    assert ints[kernels.COUNT] == len(part)
    if part:
        assert floats[3] == running(q for _, _, _, q, _ in part)


@pytest.mark.compiled
@pytest.mark.parametrize(("kind", "limit"), CASES)
@settings(max_examples=10, deadline=None)
@given(trades=markets(), room=st.sampled_from([None, 1, 2]))
def test_the_loop_does_the_same_without_the_compiler(kind, limit, trades, room):
    states = fresh(), fresh()
    expected = compiled(kind, limit, trades, states[0], room)
    assert compiled(kind, limit, trades, states[1], room, in_python(kind)) == expected
    assert [part.tolist() for part in states[0]] == [part.tolist() for part in states[1]]


def test_the_tick_rule_is_up_before_the_first_change_and_holds_over_equal_prices():
    price = np.array([5.0, 5.0, 4.0, 4.0, 6.0, 6.0])
    n = len(price)
    trades = Trades(np.arange(n), np.arange(n), price, np.ones(n), np.zeros(n, np.int8))
    signed = [bar[8] for bar in compiled("tick", 1, trades)]
    assert signed == [1, 1, -1, -1, 1, 1]
    assert [bar[12] for bar in compiled("tick", 1, trades)] == [0, 0, 0, 0, 1, 0]
    assert [bar[13] for bar in compiled("tick", 1, trades)] == [0, 0, 1, 0, 0, 0]


def test_a_given_side_goes_before_the_tick_rule_and_does_not_change_it():
    price, side = np.array([5.0, 4.0, 4.0, 4.0]), np.array([0, 1, 0, -1], np.int8)
    trades = Trades(np.arange(4), np.arange(4), price, np.ones(4), side)
    assert [bar[8] for bar in compiled("tick", 1, trades)] == [1, 1, -1, -1]


def test_time_bars_are_left_closed_on_the_grid_and_skip_empty_stretches():
    time = np.array([-1, 0, 9, 10, 45])
    trades = Trades(time, time, np.arange(5) + 1.0, np.ones(5), np.zeros(5, np.int8))
    made = compiled("time", 10, trades)
    assert [bar[:2] for bar in made] == [[-1, 0], [0, 10], [10, 20]]
    assert [bar[11] for bar in made] == [1, 2, 1]
