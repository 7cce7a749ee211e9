"""The one purge against every pair of rows, and the inner tail."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bateia.core import Spans, SplitError
from bateia.splits import inner_tail, purge, quiet_time
from bateia.testing.splits import generated_spans


@st.composite
def markets(draw):
    """Spans, a train and a test set of any rows in any order, an embargo and a gap."""
    t0 = sorted(draw(st.lists(st.integers(0, 60), min_size=1, max_size=30)))
    lengths = draw(st.lists(st.integers(0, 6) | st.integers(0, 60), min_size=len(t0), max_size=len(t0)))
    spans = Spans(np.array(t0, np.int64), np.array(t0, np.int64) + np.array(lengths, np.int64))
    rows = st.lists(st.integers(0, len(t0) - 1), unique=True).map(lambda x: np.array(x, np.int64))
    return spans, draw(rows), draw(rows), draw(st.integers(0, 12)), draw(st.integers(0, 12))


@given(markets())
def test_drops_what_every_pair_of_rows_says_and_nothing_else(market):
    spans, train, test, embargo, gap = market
    t0, t1 = spans.t0, spans.t1
    kept = []
    for i in train:
        shares = any(t0[i] <= t1[k] and t0[k] <= t1[i] for k in test)
        after = any(t1[k] < t0[i] <= t1[k] + embargo for k in test)
        before = any(t0[k] - gap <= t1[i] < t0[k] for k in test)
        if not (shares or after or before):
            kept.append(i)
    assert purge(train, test, spans, embargo, gap).tolist() == kept


def test_a_shared_end_point_is_a_shared_moment():
    spans = Spans(np.array([0, 10, 20]), np.array([10, 20, 30]))
    assert purge(np.array([0, 2]), np.array([1]), spans).tolist() == []
    apart = Spans(np.array([0, 10, 21]), np.array([9, 20, 30]))
    assert purge(np.array([0, 2]), np.array([1]), apart).tolist() == [0, 2]


def test_a_long_label_far_back_is_dropped_too():
    spans = Spans(np.array([0, 1, 2, 50]), np.array([100, 2, 3, 60]))
    assert purge(np.array([0, 1, 2]), np.array([3]), spans).tolist() == [1, 2]


def test_a_test_span_within_a_longer_one_does_not_end_it():
    spans = Spans(np.array([0, 5, 20, 50, 200]), np.array([100, 10, 30, 60, 210]))
    assert purge(np.array([3, 4]), np.array([0, 1, 2]), spans).tolist() == [4]


@given(st.integers(0, 50), st.floats(0.05, 0.6), st.integers(0, 20))
def test_the_inner_tail_is_the_end_and_the_rest_knows_nothing_of_it(seed, fraction, embargo):
    spans, train = generated_spans(120, seed), np.arange(3, 110, 2)
    fit, valid = inner_tail(train, spans, fraction, embargo * 1_000_000)
    assert valid.tolist() == train[len(train) - round(fraction * len(train)) :].tolist()
    assert spans.t1[fit].max() + embargo * 1_000_000 < spans.t0[valid].min()
    candidates = train[: len(train) - len(valid)]
    assert fit.tolist() == [i for i in candidates if spans.t1[i] + embargo * 1_000_000 < spans.t0[valid[0]]]


def test_without_an_embargo_the_tail_keeps_the_median_label_span():
    spans, train = generated_spans(200), np.arange(200)
    quiet = int(np.median(spans.t1 - spans.t0))
    assert quiet > 0
    assert quiet_time(None, train, spans) == quiet
    assert quiet_time(0, train, spans) == 0
    for one, two in zip(inner_tail(train, spans, 0.2), inner_tail(train, spans, 0.2, quiet), strict=True):
        assert np.array_equal(one, two)


@pytest.mark.parametrize(
    ("fraction", "length", "words"),
    [
        (0.0, 1, "validation fraction 0; allowed: 0 < fraction < 1"),
        (1.0, 1, "validation fraction 1"),
        (0.01, 1, "10 training rows with validation fraction 0.01 give 0 rows to validate and 10 to fit"),
        (0.5, 100_000, "give 5 rows to validate and 0 to fit, 5 purged (label spans: median 100ms, longest"),
    ],
)
def test_a_tail_that_leaves_nothing_says_what_to_change(fraction, length, words):
    t0 = np.arange(10)
    with pytest.raises(SplitError) as caught:
        inner_tail(np.arange(10), Spans(t0, t0 + length), fraction, embargo=0)
    assert words in str(caught.value)


def test_no_training_rows_say_so():
    with pytest.raises(SplitError, match=r"0 training rows .*\(no rows\)"):
        inner_tail(np.arange(0), generated_spans(60), 0.2)
