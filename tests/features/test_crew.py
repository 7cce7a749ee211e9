"""A plan shared out among threads: the same bits, whatever is shared and however the rows are cut."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bateia.core import ConfigError, DataError
from bateia.features import Features, Plan
from bateia.features.crew import shares
from bateia.testing.operators import generated_market

MARKET = generated_market(2000, 4)
PLAN = Features(
    use=("ailab", "timeframes"),
    define={"a": "ema(close, 5)", "b": "a / close", "c": 'mean(b, "10m") + at("1m", a)', "d": "close"},
).plan()
WHOLE = PLAN.run(MARKET)


@pytest.mark.parametrize("threads", [2, 3, 500])
def test_the_same_bits_as_one_thread(threads):
    out = np.zeros((len(PLAN.names), 2000))
    made = PLAN.run(MARKET, out, threads=threads)
    assert list(made) == PLAN.names
    for k, name in enumerate(PLAN.names):
        assert np.array_equal(out[k], WHOLE[name], equal_nan=True)
        assert np.shares_memory(made[name], out[k])


@given(st.lists(st.integers(0, 700), max_size=5))
def test_any_cut_of_the_rows(lengths):
    crew, made, start = PLAN.crew(2), [], 0
    for length in [*lengths, 2000]:
        made.append(crew.run({name: column[start : start + length] for name, column in MARKET.items()}))
        start += length
    assert crew.rows == 2000
    assert np.array_equal(np.concatenate(made, axis=1), np.array(list(WHOLE.values())), equal_nan=True)


@given(st.integers(1, 9))
def test_every_feature_is_in_one_share(count):
    groups = shares(PLAN.graph, count)
    assert len(groups) == count
    assert sorted(name for group in groups for name in group) == sorted(PLAN.names)


def test_wrong_input_is_refused_as_by_a_stream():
    crew = PLAN.crew(2)
    with pytest.raises(DataError, match="missing columns"):
        crew.run({"close": MARKET["close"]})
    with pytest.raises(DataError, match="C-ordered float64"):
        crew.run(MARKET, np.zeros((1, 2000)))
    with pytest.raises(ConfigError, match=r"plan\.start"):
        Plan({"lead": 'of("OTHER", close) - close'}).crew(2)
