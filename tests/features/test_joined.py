"""Other assets: joined on when we knew them, the same however the rows of both were cut."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bateia.core import DataError, ExpressionError
from bateia.features import JoinedStream, Plan, Snapshot, Stream
from bateia.testing.operators import generated_market

FEATURES = {
    "other": 'of("ETHUSDT", close)',
    "relative": 'log_return(close, 5) - of("ETHUSDT", log_return(close, 5))',
    "beta": 'beta(log_return(close, 1), log_return(of("ETHUSDT", close), 1), 20)',
    "hourly": 'of("BTCUSDT", at("1m", ema(close, 3))) / at("1m", of("BTCUSDT", close))',
    "by_name": 'of("BTCUSDT", trend)',
    "trend": "ema(close, 5) / close - 1",
}
PLAN = Plan(FEATURES)
OURS, ETH, BTC = (generated_market(900, seed) for seed in (1, 2, 3))
WHOLE = np.array(list(PLAN.run(OURS, others={"ETHUSDT": ETH, "BTCUSDT": BTC}).values()))


def same(one, two):
    return np.array_equal(one, two, equal_nan=True)


def part(market, start, stop):
    return {name: column[start:stop] for name, column in market.items()}


def as_of(other, values):
    """The value of the last of their rows that we knew by each of ours, one by one."""
    found = []
    for moment in OURS["known_at"]:
        reached = [
            v for t, v in zip(np.maximum.accumulate(other["known_at"]), values, strict=True) if t <= moment
        ]
        found.append(reached[-1] if reached else np.nan)
    return np.array(found)


def ordered(market):
    """The same rows, none known before the one ahead of it."""
    return market | {"known_at": np.maximum.accumulate(market["known_at"])}


def test_the_same_as_a_search_row_by_row():
    ours = ordered(OURS)
    found = PLAN.run(ours, others={"ETHUSDT": ETH, "BTCUSDT": BTC})
    assert same(found["other"], as_of(ETH, ETH["close"]))
    trend = Plan({"trend": FEATURES["trend"]}).run(BTC)["trend"]
    assert same(found["by_name"], as_of(BTC, trend))
    assert same(found["trend"], Plan({"trend": FEATURES["trend"]}).run(OURS)["trend"])
    own = Plan({"f": "log_return(close, 5)"}).run(OURS)["f"]
    theirs = Plan({"f": "log_return(close, 5)"}).run(ETH)["f"]
    assert same(found["relative"], own - as_of(ETH, theirs))
    assert np.isfinite(WHOLE).any(axis=1).all()


@given(st.lists(st.integers(1, 300), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_any_cut_gives_the_same_bits(sizes, random):
    """Their rows come in blocks of their own, at the latest with the first of ours that may see them."""
    stream, at, fed, parts = PLAN.start(), 0, {"ETHUSDT": 0, "BTCUSDT": 0}, []
    for size in [*sizes, 900]:
        stop = min(at + size, 900)
        if stop > at:
            for symbol, market in (("ETHUSDT", ETH), ("BTCUSDT", BTC)):
                known = np.maximum.accumulate(market["known_at"])
                due = int(np.searchsorted(known, OURS["known_at"][at:stop].max(), side="right"))
                until = max(fed[symbol], min(900, due + random.randint(0, 50)))
                stream.feed(symbol, part(market, fed[symbol], until))
                fed[symbol] = until
            parts.append(stream.run(part(OURS, at, stop)))
        at = stop
    assert same(np.concatenate(parts, axis=1), WHOLE)
    assert stream.rows == 900


def test_pushes_and_snapshots(tmp_path):
    stream = PLAN.start()
    stream.feed("ETHUSDT", ETH)
    stream.feed("BTCUSDT", BTC)
    rows = np.stack([OURS[name].astype(np.float64) for name in PLAN.columns], axis=1)
    got = [stream.push(row).copy() for row in rows[:500]]
    stream.snapshot().save(tmp_path / "live.npz")
    taken = Snapshot.load(tmp_path / "live.npz")
    assert taken == stream.snapshot()
    resumed = PLAN.restore(taken)
    assert isinstance(resumed, JoinedStream)
    got += [resumed.push(row).copy() for row in rows[500:]]
    assert same(np.array(got).T, WHOLE)
    assert PLAN.restore(taken).snapshot() == taken
    assert taken != resumed.snapshot()


def test_what_we_learn_late_is_seen_late():
    theirs = {"known_at": np.array([10, 50, 30]), "close": np.array([1.0, 2.0, 3.0])}
    ours = {"known_at": np.array([9, 10, 49, 50, 60]), "close": np.zeros(5)}
    plan = Plan({"f": 'of("ETHUSDT", close)'}, ("known_at", "close"))
    found = plan.run(ours, others={"ETHUSDT": theirs})["f"]
    assert same(found, np.array([np.nan, 1, 1, 3, 3]))


def test_an_unknown_moment_shows_no_future():
    plan = Plan({"f": 'of("ETHUSDT", close)'}, ("known_at", "close"))
    theirs = {"known_at": np.array([10, 20, 30]), "close": np.array([1.0, 2.0, 3.0])}
    for unknown in (np.nan, np.inf):
        ours = {"known_at": np.array([10, unknown, 15, 30]), "close": np.zeros(4)}
        assert same(plan.run(ours, others={"ETHUSDT": theirs})["f"], np.array([1.0, 1, 1, 3]))
        stream = plan.start()
        stream.feed("ETHUSDT", theirs)
        assert [stream.push(np.array([moment]))[0] for moment in ours["known_at"]] == [1, 1, 1, 3]
        late = theirs | {"known_at": np.array([10, unknown, 30])}
        with pytest.raises(DataError, match=f"row 1 of another asset has the known_at {unknown}"):
            plan.run(ours, others={"ETHUSDT": late})


def test_rows_that_are_refused_change_nothing():
    stream = PLAN.start()
    stream.feed("ETHUSDT", ETH)
    stream.feed("BTCUSDT", BTC)
    before = stream.snapshot()
    for wrong in (
        {"known_at": OURS["known_at"]},
        OURS | {"close": OURS["close"][1:]},
        OURS | {"close": OURS["close"][:, None]},
    ):
        with pytest.raises(DataError):
            stream.run(wrong)
    with pytest.raises(DataError, match="out is"):
        stream.run(OURS, np.empty((1, 1)))
    for row in (None, "x", np.zeros((3, 1)), np.zeros(4)):
        with pytest.raises(DataError):
            stream.push(row)
    for theirs in (ETH | {"known_at": ETH["known_at"][1:]}, {"known_at": ETH["known_at"]}):
        with pytest.raises(DataError):
            stream.feed("ETHUSDT", theirs)
    assert stream.snapshot() == before
    assert same(stream.run(OURS), WHOLE)


def test_a_plan_says_whom_it_looks_at():
    assert PLAN.others == ["ETHUSDT", "BTCUSDT"]
    assert sorted(PLAN.columns) == ["close", "known_at", "time"]
    assert isinstance(Plan({"f": "close"}).start(), Stream)
    assert Plan({"f": 'of("A", close)'}).hash != Plan({"f": 'of("B", close)'}).hash


def test_mistakes_are_named():
    with pytest.raises(DataError, match="no rows of BTCUSDT; try: others="):
        PLAN.run(OURS, others={"ETHUSDT": ETH})
    with pytest.raises(DataError, match="rows of 'ETHUSD'; allowed: of ETHUSDT, BTCUSDT; try: ETHUSDT"):
        PLAN.start().feed("ETHUSD", ETH)
    with pytest.raises(DataError, match="rows without 'known_at'"):
        PLAN.start().feed("ETHUSDT", {"close": ETH["close"]})
    with pytest.raises(DataError, match="missing columns"):
        PLAN.start().run({"close": OURS["close"]})
    with pytest.raises(DataError, match="a row of 2 values; allowed: 3"):
        PLAN.start().push(np.zeros(2))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("of(close, 5)", "the symbol of .* is close.*ETHUSDT"),
        ('of("ETHUSDT")', r"of\(\) got 1 arguments"),
        ('of("A", of("B", close))', r"of\(\) within of\(\)"),
        ('of("A", of_close)', "unknown column 'of_close'"),
        ('of("A", f)', "f -> f"),
    ],
)
def test_wrong_expressions(text, says):
    with pytest.raises(ExpressionError, match=says):
        Plan({"f": text})


def test_other_assets_need_the_second_clock():
    with pytest.raises(ExpressionError, match="joined on 'known_at'"):
        Plan({"f": 'of("A", close)'}, ("time", "close"))
