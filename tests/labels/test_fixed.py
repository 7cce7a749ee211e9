"""FixedHorizon: answers by hand, by brute force, and the words of its errors."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bateia.core import DataError
from bateia.labels import FixedHorizon
from bateia.testing.labels import check_label, generated_bars

NAN = float("nan")
SECOND = 1_000_000


def bars_of(close, time, **columns):
    bars = generated_bars(len(close))
    given_ = {"close": np.array(close, float), "time": np.array(time, np.int64) * SECOND, **columns}
    return type(bars)(**{**bars.columns(), **given_})


def test_by_bars_the_answer_is_the_close_so_many_bars_on():
    labels = FixedHorizon(horizon=2).make(bars_of([100, 101, 99, 101], [0, 1, 5, 5]))
    np.testing.assert_array_equal(labels.value, [-1, 0, NAN, NAN])
    np.testing.assert_array_equal(labels.ret, [math.log(0.99), 0, NAN, NAN])
    assert (labels.span.t1 // SECOND).tolist() == [5, 5, 5, 5]
    assert labels.valid.tolist() == [True, True, False, False]
    # Row 1's first return is shared with row 0, its second with row 2, which is still open.
    assert labels.weight.tolist() == [0.75, 0.5, 0, 0]


def test_by_time_the_answer_is_the_last_close_in_time_once_the_data_reach_so_far():
    labels = FixedHorizon(horizon="3s", target="return").make(bars_of([1, 2, 4, 8], [0, 2, 4, 6]))
    np.testing.assert_array_equal(labels.value, [math.log(2), math.log(2), NAN, NAN])
    assert (labels.span.t1 // SECOND).tolist() == [3, 5, 6, 6]


def test_a_return_below_the_threshold_is_no_move():
    closes = [100.0, 100.9, 100.0, 101.1, 101.1]
    label = FixedHorizon(horizon=1, threshold_bps=100)
    assert label.make(bars_of(closes, range(5))).value[:4].tolist() == [0, 0, 1, 0]


@given(
    horizon=st.one_of(st.integers(1, 130), st.integers(1, 300).map(lambda s: f"{s}s")),
    target=st.sampled_from(["sign", "return"]),
    seed=st.integers(0, 5),
)
def test_answers_are_those_of_a_plain_search(horizon, target, seed):
    bars = generated_bars(120, seed)
    labels = FixedHorizon(horizon=horizon, target=target).make(bars)
    for i in range(len(bars)):
        if isinstance(horizon, int):
            exit_ = i + horizon if i + horizon < len(bars) else None
            known = bars.time[exit_] if exit_ is not None else bars.time[-1]
        else:
            limit = bars.time[i] + int(horizon[:-1]) * SECOND
            exit_ = np.flatnonzero(bars.time <= limit)[-1] if limit <= bars.time[-1] else None
            known = min(limit, bars.time[-1])
        assert labels.span.t1[i] == known
        ret = math.log(bars.close[exit_] / bars.close[i]) if exit_ is not None else NAN
        np.testing.assert_equal(labels.ret[i], ret)
        np.testing.assert_equal(labels.value[i], ret if target == "return" else np.sign(ret))


@pytest.mark.parametrize(
    "label",
    [
        FixedHorizon(horizon=1),
        FixedHorizon(horizon=25, threshold_bps=5),
        FixedHorizon(horizon="90s", target="return"),
    ],
)
def test_passes_the_suite(label):
    assert "future" in check_label(label, generated_bars(400, seed=1))


def test_no_bars_give_no_labels():
    bars = generated_bars(1)[:0]
    assert len(FixedHorizon(horizon="5s").make(bars)) == 0


def test_a_selection_of_labels_keeps_its_columns_together():
    labels = FixedHorizon(horizon=3).make(generated_bars(50))
    kept = labels[labels.valid]
    assert len(kept) == 47
    assert kept.valid.all()
    assert np.array_equal(kept.span.t0, labels.span.t0[:47])


@pytest.mark.parametrize(
    ("given_", "back"), [(120, 120), ("90s", "1m30s"), ("5m", "5m"), ("1500ms", "1s500ms"), (1, 1)]
)
def test_the_horizon_is_written_as_it_was_meant(given_, back):
    label = FixedHorizon(horizon=given_)
    assert label.horizon == back
    assert label.model_dump(mode="json")["horizon"] == back
    assert FixedHorizon.model_validate_json(label.model_dump_json()) == label


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"horizon": 0}, "the horizon is 0; allowed: a whole number of bars from 1"),
        ({"horizon": -3}, "the horizon is -3"),
        ({"horizon": 2.5}, "the horizon is 2.5"),
        ({"horizon": True}, "the horizon is True"),
        ({"horizon": "120"}, "'120' is not a duration"),
        ({"horizon": "0s"}, "the duration '0s' is zero"),
        ({"horizon": 5, "threshold_bps": -1}, "greater than or equal to 0"),
        ({"horizon": 5, "target": "return", "threshold_bps": 1}, "try: target: sign"),
        ({"horizon": 5, "treshold": 1}, "Extra inputs are not permitted"),
    ],
)
def test_parameters_that_make_no_sense_say_so(given_, words):
    with pytest.raises(ValidationError) as caught:
        FixedHorizon(**given_)
    assert words in str(caught.value)


@pytest.mark.parametrize("price", [0.0, -1.0, NAN, math.inf])
def test_prices_without_a_logarithm_are_refused(price):
    with pytest.raises(DataError, match=r"close of bar 1 is .* allowed: finite prices above 0"):
        FixedHorizon(horizon=1).make(bars_of([1, price, 2], [0, 1, 2]))


def test_a_clock_that_falls_is_refused():
    with pytest.raises(DataError, match="bar 2 closes at 1970-01-01T00:00:01Z, before"):
        FixedHorizon(horizon=1).make(bars_of([1, 2, 3], [0, 2, 1]))
