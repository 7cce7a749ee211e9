"""The broker's kernel equals a plain broker, trade by trade and to the last bit, at any cut of the input."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bateia.trading import PARTS, Account, Charges, Fills, Tape
from bateia.trading.desk import DeskStream
from bateia.trading.latency import draw_latency
from trading.plain_broker import plain_run, rows_of

HOUR = 3_600_000_000
DAY = 24 * HOUR
GAUGED = {"every": "1h", "window": "4h", "volume_window": "3h"}


def distance(low=0.5):
    return st.one_of(
        st.floats(low, 300).map(lambda bp: {"bp": bp}), st.floats(0.1, 3).map(lambda atr: {"atr": atr})
    )


@st.composite
def costs(draw, passive):
    maker = st.one_of(st.none(), st.floats(-1, 3)) if passive else st.none()
    spread = draw(
        st.sampled_from(
            [
                None,
                {"kind": "ticks", "half": 1.5},
                {"kind": "share", "half_bps": 0.7},
                {"kind": "roll"},
                {"kind": "corwin_schultz", "scale": 0.5},
            ]
        )
    )
    return {
        "fee_bps": draw(st.sampled_from([0.0, 4.0])),
        "fee_per_unit": draw(st.sampled_from([0.0, 1.25])),
        "half_spread": 0.0 if spread else draw(st.sampled_from([0.0, 0.125])),
        "slippage_bps": draw(st.sampled_from([0.0, 0.3])),
        "maker_bps": draw(maker),
        "min_fee": draw(st.sampled_from([0.0, 3.0])),
        "tiers": draw(
            st.sampled_from([(), ({"notional": 2e3, "fee_bps": 3.0}, {"notional": 1e4, "fee_bps": 1.0})])
        ),
        "spread": spread,
        "slippage_volatility": draw(st.sampled_from([0.0, 0.1])),
        "impact": draw(st.sampled_from([0.0, 0.9])),
        "borrow_bps": draw(st.sampled_from([0.0, 500.0])),
    }


@st.composite
def brokers(draw):
    passive = draw(st.booleans())
    exits = {
        "stop_loss": draw(st.one_of(st.none(), distance())),
        "take_profit": draw(st.one_of(st.none(), distance())),
        "trailing": draw(st.one_of(st.none(), distance())),
        "time_out": draw(st.sampled_from([None, "5h"])),
    }
    both = {"both": draw(st.sampled_from(["stop", "path"]))}
    charged = draw(costs(passive))
    ticks = [0.25, 0.1] if (charged["spread"] or {}).get("kind") == "ticks" else [0.0, 0.25, 0.1]
    rates = [{"time": k * 5 * HOUR, "rate_bps": (-1) ** k * 3.0 + k} for k in range(1, 60)]
    return {
        "kind": "simulated",
        "costs": charged,
        "latency": draw(
            st.sampled_from(["0", "1h", {"kind": "uniform", "low": "0", "high": "9h"}, LOGNORMAL])
        ),
        "quantity": draw(st.sampled_from([1.0, 2.5])),
        "multiplier": draw(st.sampled_from([1.0, 50.0])),
        "orders": "passive" if passive else "market",
        "tick": draw(st.sampled_from(ticks)),
        "lot": draw(st.sampled_from([0.0, 0.3])),
        "min_notional": draw(st.sampled_from([0.0, 150.0])),
        "exits": draw(st.sampled_from([None, exits | both])) if any(exits.values()) else None,
        "funding": draw(
            st.sampled_from([None, {"kind": "fixed", "rate_bps": 2.0}, {"kind": "table", "rates": rates}])
        ),
        "market": GAUGED,
    }


LOGNORMAL = {"kind": "lognormal", "median": "1h", "p99": "12h", "seed": 3}
MARGINS = [
    None,
    {"capital": 1000, "initial": 0.5, "maintenance": 0.45, "fee_bps": 20},
    {"capital": 300, "initial": 0.1, "maintenance": 0.095, "fee_bps": 35},
]


def generated_tape(rng, n):
    """Prices on ticks with jumps, hours apart, several at one time."""
    time = np.cumsum(rng.integers(0, 3, n) * HOUR // 2).astype(np.int64)
    price = 100 + 0.25 * np.cumsum(rng.integers(-4, 5, n) * rng.choice([1, 1, 1, 6], n))
    price = np.maximum(price, 20.0)
    size, more = rng.integers(1, 9, n).astype(float), rng.integers(0, 2, n).astype(np.int8)
    return Tape(time, time, price, size, np.zeros(n, np.int8), more)


def generated_decisions(rng, n, end):
    # Not before the gauges know anything.
    time = np.sort(rng.integers(min(20 * HOUR, end), end + 1, n)).astype(np.int64)
    return time, rng.choice([-1.0, -0.5, 0.0, 0.5, 1.0], n)


def lines_of(account, decisions):
    """Each symbol's orders as (decided, due, row, target), by the definition."""
    lines = []
    for broker, (time, target) in zip(account.brokers.values(), decisions, strict=True):
        line, before, due = [], 0.0, -(2**62)
        for row in range(len(time)):
            if target[row] != before:
                due = max(due, int(time[row]) + int(draw_latency(broker.latency, np.array([row]))[0]))
                line.append((int(time[row]), due, row, float(target[row])))
            before = target[row]
        lines.append(line)
    return lines


@st.composite
def situations(draw):
    count = draw(st.integers(1, 3))
    account = Account.model_validate(
        {
            "brokers": {f"S{k}": draw(brokers()) for k in range(count)},
            "margin": draw(st.sampled_from(MARGINS)),
        }
    )
    rng = np.random.default_rng(draw(st.integers(0, 10**9)))
    tapes = [generated_tape(rng, draw(st.integers(60, 160))) for _ in range(count)]
    return account, tapes, [generated_decisions(rng, 25, int(tape.time[-1])) for tape in tapes]


def merged(tapes):
    """Rows of all tapes by time, then symbol."""
    rows = [
        (int(t), s, float(p), int(more))
        for s, tape in enumerate(tapes)
        for t, p, more in zip(tape.time, tape.price, tape.more, strict=True)
    ]
    return sorted(rows, key=lambda row: row[:2])


def plain(account, tapes, decisions):
    rows, gauges = merged(tapes), {}
    for s, (broker, tape) in enumerate(zip(account.brokers.values(), tapes, strict=True)):
        places = [j for j, row in enumerate(rows) if row[1] == s]
        stream = broker.gauges()
        for at, values in zip(*stream.run(tape), strict=True) if stream else ():
            gauges[places[at]] = values
    time, symbol, price, more = zip(*rows, strict=True)
    lines = lines_of(account, decisions)
    return plain_run(account.brokers.values(), lines, account.margin, time, price, symbol, gauges, more)


def test_the_situations_generated_hold_everything_that_can_happen():
    seen = {"reason": set(), "maker": set(), "kind": set(), "refused": set(), "parts": set()}

    @given(situations())
    @settings(max_examples=300, database=None, derandomize=True)
    def look(situation):
        account, tapes, decisions = situation
        stream = DeskStream(list(account.brokers.values()), account.margin)
        fills = stream.run(decisions, tapes)
        seen["reason"] |= set(fills.reason.tolist())
        seen["maker"] |= set(fills.maker.tolist())
        seen["kind"] |= set(stream.charges.kind.tolist())
        seen["refused"].add(stream.refused > 0)
        seen["parts"] |= {name for name in PARTS if getattr(fills, name).any()}

    look()
    # 6, closing at the end of data, is the caller's.
    assert seen == {
        "reason": {0, 1, 2, 3, 4, 5},
        "maker": {0, 1},
        "kind": {0, 1},
        "refused": {True, False},
        "parts": set(PARTS),
    }


@given(situations())
@settings(max_examples=300)
def test_kernel_is_the_plain_broker_to_the_last_bit(situation):
    account, tapes, decisions = situation
    stream = DeskStream(list(account.brokers.values()), account.margin)
    fills = stream.run(decisions, tapes)
    expected = plain(account, tapes, decisions)
    assert rows_of(fills) == expected.fills
    assert rows_of(stream.charges) == expected.charges
    assert stream.cash == expected.cash
    assert stream.refused == expected.refused
    assert stream.positions.tolist() == [own.position for own in expected.symbols]
    assert [len(line) for line in stream.pending] == [len(own.orders) for own in expected.symbols]


@given(situations(), st.lists(st.integers(0, 150), max_size=4).map(sorted))
@settings(max_examples=100)
def test_any_cut_by_the_clock_gives_the_same_bits(situation, cuts):
    account, tapes, decisions = situation
    whole = account.start()
    decided, traded = (dict(zip(account.symbols, part, strict=True)) for part in (decisions, tapes))
    expected, charges = whole.run(decided, traded), whole.charges
    stream, fills, charged, last = account.start(), [], [], -1
    for cut in [*(HOUR * hours for hours in cuts), 2**60]:
        some = {s: (t[(t > last) & (t <= cut)], x[(t > last) & (t <= cut)]) for s, (t, x) in decided.items()}
        fills.append(stream.run(some, {s: b[(b.time > last) & (b.time <= cut)] for s, b in traded.items()}))
        charged.append(stream.charges)
        stream, last = account.restore(stream.snapshot()), cut
    for ours, theirs in ((Fills.concat(fills), expected), (Charges.concat(charged), charges)):
        assert rows_of(ours) == rows_of(theirs)
    assert (stream.cash, stream.positions, stream.refused) == (whole.cash, whole.positions, whole.refused)
    for symbol in account.symbols:
        assert rows_of(stream.pending[symbol]) == rows_of(whole.pending[symbol])


@given(situations())
@settings(max_examples=100)
def test_equity_is_cash_and_positions_at_every_step(situation):
    account, tapes, decisions = situation
    stream = account.start()
    decided, traded = (dict(zip(account.symbols, part, strict=True)) for part in (decisions, tapes))
    fills = stream.run(decided, traded)
    steps = [(f[0], 1, k, f) for k, f in enumerate(rows_of(fills))]
    # A charge comes before the trades of its own time.
    steps += [(c[0], 0, k, c) for k, c in enumerate(rows_of(stream.charges)) if c[2] == 0]
    capital = account.margin.capital if account.margin else 0.0
    own = [broker.multiplier for broker in account.brokers.values()]
    spent = sum(f[8] for f in rows_of(fills)) + sum(c[5] for c in rows_of(stream.charges))
    bought = sum(f[5] * f[3] * own[f[15]] for f in rows_of(fills))
    assert np.isclose(stream.cash, capital - bought - spent, rtol=1e-12, atol=1e-6)
    held, cash, profit, marks = [0.0] * len(own), capital, 0.0, [0.0] * len(own)
    lent = sum(c[5] for c in rows_of(stream.charges) if c[2] == 1)
    for _, is_fill, _, step in sorted(steps, key=lambda step: step[:3]):
        if is_fill:
            s, market = step[15], step[3]
            profit += held[s] * (market - marks[s]) * own[s] - step[8]
            marks[s], held[s], cash = market, step[6], cash - step[5] * market * own[s] - step[8]
        else:
            profit, cash = profit - step[5], cash - step[5]
        assert np.isclose(
            cash + sum(h * m * k for h, m, k in zip(held, marks, own, strict=True)),
            capital + profit,
            atol=1e-6,
        )
    assert np.isclose(cash - lent, stream.cash, atol=1e-6)
    for f in rows_of(fills):
        assert np.isclose(sum((f[7], *f[9:13])), f[8], atol=1e-9)
