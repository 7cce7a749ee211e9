"""A running plan: events one by one, blocks, snapshots, and windows that outgrow their buffers."""

import numpy as np
import pytest

from bateia.core import ConfigError, DataError
from bateia.features import BATCH_BLOCK, LIVE_BLOCK, Plan
from bateia.features import stream as streams
from bateia.testing.operators import generated_market

MARKET = generated_market(3000, 7)
FEATURES = {
    "trend": "ema(close, 5) / ema(close, 20) - 1",
    "fast": 'mean(close, "10s") / mean(close, "90m") - 1',
    "slow": 'corr(diff(close, "2m"), signed_volume, "50m")',
    "past": 'lag(close, "70m") - lag(close, 700)',
    "share": "volume / sum(volume, 30)",
}
PLAN = Plan(FEATURES)
WHOLE = PLAN.start(BATCH_BLOCK).run(MARKET)


def same(one, two):
    return np.array_equal(one, two, equal_nan=True)


def rows(market=MARKET, plan=PLAN):
    return np.stack([market[name].astype(np.float64) for name in plan.columns], axis=1)


def block(start, stop):
    return {name: column[start:stop] for name, column in MARKET.items()}


def pushed(stream, start, stop):
    return np.array([stream.push(row).copy() for row in rows()[start:stop]]).reshape(-1, len(FEATURES)).T


def test_the_windows_here_outgrow_the_first_capacity():
    stream = PLAN.start()
    stream.run(MARKET)
    assert stream.capacity > 4 * streams.FIRST_CAPACITY
    assert np.isfinite(WHOLE).any(axis=1).all()


@pytest.mark.parametrize("size", [1, 3, LIVE_BLOCK, BATCH_BLOCK, 5000])
def test_growth_in_mid_block_changes_nothing(size):
    assert same(PLAN.start(size).run(MARKET), WHOLE)
    assert same(pushed(PLAN.start(size), 0, 3000), WHOLE)


@pytest.mark.parametrize("name", FEATURES)
def test_a_feature_alone_is_the_same_as_among_others(name):
    alone = Plan({name: FEATURES[name]}).run(MARKET)[name]
    assert same(alone, WHOLE[list(FEATURES).index(name)])


def test_push_and_run_take_turns():
    stream = PLAN.start()
    parts = [pushed(stream, 0, 700), stream.run(block(700, 701)), stream.run(block(701, 2500))]
    parts += [stream.run(block(2500, 2500)), pushed(stream, 2500, 3000)]
    assert same(np.concatenate(parts, axis=1), WHOLE)
    assert stream.rows == 3000


def test_push_hands_out_one_array_again_and_again():
    stream = PLAN.start()
    first = stream.push(rows()[0])
    assert stream.push(rows()[1]) is first
    assert first.dtype == np.float64


@pytest.mark.parametrize("at", [0, 1, 255, 256, 257, 1024, 1500, 2999])
def test_a_restored_stream_goes_on(at):
    stream = PLAN.start()
    stream.run(block(0, at))
    taken = stream.snapshot()
    assert taken.rows == at
    for size in (LIVE_BLOCK, 7):
        assert same(PLAN.restore(taken, size).run(block(at, 3000)), WHOLE[:, at:])
    live = PLAN.restore(taken)
    assert same(pushed(live, at, 3000), WHOLE[:, at:])
    assert live.rows == 3000
    assert taken == stream.snapshot(), "the snapshot moved with a stream restored from it"


@pytest.mark.parametrize("at", [0, 5, 256, 300, 600, 1025, 1400, 2800])
def test_snapshots_are_equal_whatever_the_cut(at):
    snapshots = []
    for size, cut in ((LIVE_BLOCK, 1), (LIVE_BLOCK, at // 2), (BATCH_BLOCK, at), (7, 0)):
        stream = PLAN.start(size)
        stream.run(block(0, cut))
        pushed(stream, cut, at) if size == LIVE_BLOCK else stream.run(block(cut, at))
        snapshots.append(stream.snapshot())
    if at:
        assert all(snapshot == snapshots[-1] for snapshot in snapshots)
        other = PLAN.start()
        other.run(block(1, at + 1))
        assert other.snapshot() != snapshots[-1]
    assert snapshots[-1] != "a snapshot"


def test_two_streams_of_one_plan_share_nothing():
    one, two = PLAN.start(), PLAN.start()
    found = [(one.push(row).copy(), two.push(row).copy()) for row in rows()[:400]]
    assert same(*map(np.array, zip(*found, strict=True)))


def test_a_stream_may_outlive_its_plan():
    stream = Plan(FEATURES).start()
    first = pushed(stream, 0, 50)
    assert same(first, WHOLE[:, :50])


def test_infinite_and_missing_inputs_are_the_same():
    plan = Plan({"price": "close", "mean": "mean(close, 3)"})
    for bad in (np.nan, np.inf, -np.inf):
        close = np.array([1.0, 2.0, 3.0, bad, 5.0, 6.0, 7.0])
        found = plan.run({"close": close})
        assert same(found["price"], [1, 2, 3, np.nan, 5, 6, 7])
        assert same(found["mean"], [np.nan, np.nan, 2, np.nan, np.nan, np.nan, 6])
        stream = plan.start()
        assert same(np.array([stream.push(close[i : i + 1])[0] for i in range(7)]), found["price"])


def test_a_row_of_another_length_is_refused():
    stream = Plan({"a": "close - open"}).start()
    with pytest.raises(DataError, match=r"a row of 3 values; allowed: .* of 2, .*: close, open"):
        stream.push(np.zeros(3))
    for row in ({"close": 1.0}, [1.0, 2.0], 3.0, None):
        with pytest.raises(DataError, match=f"a row that is {type(row).__name__}; .*try: np.array"):
            stream.push(row)
    with pytest.raises(DataError, match="a row of 0 values"):
        stream.push(np.zeros(0))
    assert stream.rows == 0
    assert stream.push(np.array([3.0, 1.0])).tolist() == [2]


def test_missing_columns_and_unequal_lengths():
    stream = PLAN.start()
    with pytest.raises(DataError, match="missing columns"):
        stream.run({"close": MARKET["close"]})
    with pytest.raises(DataError, match="unequal length"):
        stream.run({**MARKET, "close": MARKET["close"][1:]})
    assert same(stream.run(MARKET), WHOLE)


@pytest.mark.parametrize(
    "close", [np.ones((900, 1)), np.array(1.0), np.full(900, "x"), ["x"] * 900, np.full(900, 1j), None]
)
def test_columns_are_numbers_in_one_dimension(close):
    stream = PLAN.start()
    with pytest.raises(DataError, match=r"the column 'close' is .*; allowed: numbers in one dimension"):
        stream.run({**MARKET, "close": close})
    assert same(stream.run(MARKET), WHOLE)


@pytest.mark.parametrize("block", [0, -1, 2.5, None, 1 << 40])
def test_a_buffer_holds_some_rows(block):
    for start in (PLAN.start, lambda block: PLAN.restore(PLAN.start().snapshot(), block)):
        with pytest.raises(ConfigError, match=r"buffers of .* rows; allowed: 1 to"):
            start(block)


def test_a_window_has_an_end(monkeypatch):
    monkeypatch.setattr(streams, "_LARGEST_CAPACITY", 512)
    with pytest.raises(DataError, match=r"holds more than 512 rows.*a shorter window or larger bars"):
        PLAN.run(MARKET)
    stream = PLAN.start()
    with pytest.raises(DataError, match="holds more than 512 rows"):
        pushed(stream, 0, 3000)
    assert 512 <= stream.rows < 3000


def test_a_given_output_is_filled_and_must_fit():
    plan = Plan({"twice": "2 * close", "lagged": "lag(close, 1)"})
    close = np.arange(5.0)
    out = np.empty((2, 5))
    assert plan.start().run({"close": close}, out) is out
    assert out[0].tolist() == (2 * close).tolist()
    assert plan.run({"close": close}, out)["twice"].base is out
    for wrong in (np.empty((2, 4)), np.empty((5, 2)).T, np.empty((2, 5), np.float32)):
        with pytest.raises(DataError, match=r"allowed: C-ordered float64 \(2, 5\)"):
            plan.start().run({"close": close}, wrong)


def test_many_symbols_in_one_process():
    """A stream each, with small buffers, fed in turns: each as if it were alone."""
    plan = Plan(
        {"trend": "ema(close, 9) / close - 1", "fast": 'mean(close, "10s")', "spread": "std(close, 30)"}
    )
    markets = [generated_market(60, seed) for seed in range(5)]
    streams = [plan.start(16) for _ in range(1000)]
    last = [np.empty(0)] * 1000
    for row in range(60):
        events = [np.array([market[name][row] for name in plan.columns], np.float64) for market in markets]
        last = [stream.push(events[k % 5]).copy() for k, stream in enumerate(streams)]
    for k in range(1000):
        whole = np.array(list(plan.run(markets[k % 5]).values()))
        assert same(last[k], whole[:, -1])
