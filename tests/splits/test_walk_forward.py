"""WalkForward: the suite, its own shape, and the numbers in its errors."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.model_selection import TimeSeriesSplit

from bateia.core import Spans, SplitError, parse_duration
from bateia.splits import Piece, WalkForward
from bateia.testing.splits import check_splitter, generated_spans

splitters = st.builds(
    WalkForward,
    folds=st.none() | st.integers(1, 8),
    train=st.sampled_from(["expanding", "rolling"]),
    min_train=st.floats(0.1, 0.8),
    embargo=st.one_of(st.none(), st.integers(1, 30).map(lambda s: f"{s}s")),
)


@given(splitters, st.integers(0, 20))
def test_passes_the_suite(splitter, seed):
    spans = generated_spans(150, seed)
    try:
        splitter.split(Spans(spans.t0, spans.t1 + 20_000_000))
    except SplitError:
        assume(False)
    assert "overlap" in check_splitter(splitter, spans)


@given(splitters, st.integers(60, 160), st.integers(0, 20))
def test_tests_are_equal_contiguous_and_later_than_all_training(splitter, n, seed):
    spans = generated_spans(n, seed)
    try:
        folds = splitter.split(spans)
    except SplitError:
        assume(False)
    assert len(folds) == (splitter.folds or 5)
    lengths = [len(fold.test) for fold in folds]
    assert max(lengths) - min(lengths) <= 1
    first = folds[0].test[0]
    assert first == int(splitter.min_train * n)
    assert np.concatenate([fold.test for fold in folds]).tolist() == list(range(first, n))
    for fold in folds:
        past = np.union1d(fold.train, fold.purged)
        start = fold.test[0]
        begin = start - first if splitter.train == "rolling" else 0
        assert past.tolist() == list(range(begin, start))
        quiet = splitter.embargo
        if quiet is None:
            quiet = int(np.median((spans.t1 - spans.t0)[past]))
        keeps = spans.t1[past] + quiet < spans.t0[start]
        assert fold.train.tolist() == past[keeps].tolist()


def test_an_unknown_answer_is_never_trained_on_beside_its_test():
    t0 = np.arange(100) * 10
    spans = Spans(t0, np.where(t0 % 30 == 0, 990, t0 + 5))
    for fold in WalkForward(folds=3, embargo="1us").split(spans):
        assert not np.any(fold.train % 3 == 0)
        assert np.any(fold.train % 3)


@pytest.mark.parametrize(
    ("splitter", "rows", "words"),
    [
        (WalkForward(folds=5), 6, "6 rows with min_train 0.3 leave 1 rows to train and 5 to test"),
        (WalkForward(folds=6), 6, "leave 1 rows to train and 5 to test, for 6 folds; allowed: at least one"),
        (WalkForward(folds=2), 0, "0 rows with min_train 0.3 leave 0 rows to train"),
        (
            WalkForward(folds=2, embargo="10m"),
            20,
            "fold 1 of 2 has no training rows left: 20 rows, 6 before the fold, 6 purged "
            "(label spans: median 1s, longest 1s; embargo 10m); allowed",
        ),
    ],
)
def test_a_split_that_leaves_nothing_says_what_to_change(splitter, rows, words):
    t0 = np.arange(rows) * 1_000_000
    spans = Spans(t0, t0 + 1_000_000)
    if rows == 6 and splitter.folds == 5:
        words = "fold 1 of 5 has no training rows left: 6 rows, 1 before the fold, 1 purged"
    with pytest.raises(SplitError) as caught:
        splitter.split(spans)
    assert words in str(caught.value)
    assert "; try: " in str(caught.value)


def test_spans_out_of_order_are_refused():
    with pytest.raises(SplitError, match="out of order"):
        WalkForward().split(Spans(np.array([2, 1]), np.array([3, 3])))


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"folds": 0}, "greater than or equal to 1"),
        ({"min_train": 0.0}, "the length is 0.0; allowed: a share of the rows between"),
        ({"min_train": 1.0}, "the length is 1.0"),
        ({"min_train": True}, "the length is True"),
        ({"test": 0}, "the length is 0"),
        ({"test": "7 days ago"}, "is not a duration"),
        ({"step": "7d"}, "step 1w without test; allowed: both; try: test: 7d, step: 7d"),
        ({"train": "rolling", "max_train": 9}, "max_train 9 with train 'rolling'"),
        ({"embargo": 60}, '60 is not a duration; allowed: text with a unit; try: "30s"'),
        ({"train": "anchored_"}, "'expanding' or 'rolling'"),
    ],
)
def test_parameters_that_make_no_sense_say_so(given_, words):
    with pytest.raises(ValidationError) as caught:
        WalkForward(**given_)
    # Pydantic shortens nothing here: `errors` has the whole message.
    assert words in caught.value.errors()[0]["msg"]


DAY = 86_400_000_000
lengths = st.integers(1, 60) | st.floats(0.02, 0.6) | st.integers(1, 120).map(lambda n: f"{n}s")
windows = st.builds(
    lambda step, roll, **rest: WalkForward(
        step=step if rest["test"] else None,
        train="rolling" if roll else "expanding",
        max_train=None if roll else rest.pop("max_train"),
        **{key: value for key, value in rest.items() if key != "max_train"},
    ),
    step=st.none() | lengths,
    roll=st.booleans(),
    folds=st.none() | st.integers(1, 6),
    min_train=lengths,
    max_train=st.none() | lengths,
    test=st.none() | lengths,
    gap=st.none() | lengths,
    embargo=st.just("2s"),
)


def whole(splitter, spans):
    """The folds, where the splitter has any on these spans, also where they reach a little further."""
    try:
        splitter.split(Spans(spans.t0, spans.t1 + 20_000_000))
        return splitter.split(spans)
    except SplitError:
        assume(False)


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(windows, st.integers(0, 20))
def test_windows_of_any_length_pass_the_suite(splitter, seed):
    spans = generated_spans(150, seed)
    whole(splitter, spans)
    exclude = {"reasons": "a gap may leave nothing for the purge to take"} if splitter.gap else {}
    if splitter.test is not None:
        exclude["covers"] = "a step longer than the test leaves rows untested"
    check_splitter(splitter, spans, exclude)


def by_hand(splitter, t0):
    """Slow and obvious: the tests of a splitter with durations only, one moment after another."""
    train, test = parse_duration(splitter.min_train), parse_duration(splitter.test)
    step = parse_duration(splitter.step or splitter.test)
    at, found = t0[0] + train, []
    while at <= t0[-1]:
        rows = [i for i in range(len(t0)) if at <= t0[i] < at + test]
        since = t0[0] if splitter.train == "expanding" else at - train
        past = [i for i in range(len(t0)) if since <= t0[i] < at]
        if rows:
            found.append((past, rows))
        if at + test > t0[-1]:
            break
        at += step
    return found


@given(
    st.tuples(*[st.integers(1, 90).map(lambda n: f"{n}s")] * 3),
    st.sampled_from(["expanding", "rolling"]),
    st.integers(0, 30),
)
def test_windows_by_duration_follow_the_clock(given_, train, seed):
    min_train, test, step = given_
    splitter = WalkForward(train=train, min_train=min_train, test=test, step=step, embargo="1us")
    spans = generated_spans(80, seed)
    folds = whole(splitter, spans)
    expected = by_hand(splitter, spans.t0)
    assert [fold.test.tolist() for fold in folds] == [rows for _, rows in expected]
    assert [np.union1d(fold.train, fold.purged).tolist() for fold in folds] == [past for past, _ in expected]


def test_train_30_days_test_7_days_step_7_days():
    t0 = np.arange(100) * DAY
    splitter = WalkForward(train="rolling", min_train="30d", test="7d", step="7d", embargo="1h")
    folds = splitter.split(Spans(t0, t0 + 1))
    assert [(fold.train[0], fold.test[0], fold.test[-1]) for fold in folds] == [
        (7 * k, 30 + 7 * k, min(36 + 7 * k, 99)) for k in range(10)
    ]
    assert all(len(fold.train) == 30 for fold in folds)
    last = WalkForward(train="rolling", min_train="30d", test="7d", folds=2, embargo="1h")
    assert [fold.test[0] for fold in last.split(Spans(t0, t0 + 1))] == [86, 93]


def test_windows_in_which_the_market_was_closed_are_left_out():
    t0 = np.array([d for d in range(40) if d % 7 < 5]) * DAY
    folds = WalkForward(min_train="7d", test="1d", embargo="1h").split(Spans(t0, t0 + 1))
    assert [t0[fold.test[0]] // DAY for fold in folds] == [d for d in range(7, 40) if d % 7 < 5]


def test_anchored_is_expanding_and_the_same_recipe():
    assert WalkForward(train="anchored") == WalkForward(train="expanding")
    assert WalkForward(train="anchored").model_dump()["train"] == "expanding"


@given(
    st.integers(2, 6),
    st.none() | st.integers(1, 40),
    st.none() | st.integers(1, 15),
    st.integers(0, 9),
)
def test_is_scikit_learns_time_series_split_before_the_purge(folds, most, length, gap):
    n = 97
    t0 = np.arange(n) * 10
    try:
        theirs = list(TimeSeriesSplit(folds, max_train_size=most, test_size=length, gap=gap).split(t0))
    except ValueError:
        assume(False)
    test = length or n // (folds + 1)
    splitter = WalkForward(
        folds=folds, min_train=1, max_train=most, test=test, gap=gap or None, embargo="1us"
    )
    ours = splitter.split(Spans(t0, t0 + 1))
    assert len(ours) == len(theirs)
    for fold, (train, test) in zip(ours, theirs, strict=True):
        assert fold.train.tolist() == train.tolist()
        assert fold.test.tolist() == test.tolist()


def test_the_latest_fold_decides_where_tests_overlap():
    t0 = np.arange(20) * 10
    splitter = WalkForward(min_train=8, test=6, step=3, embargo="1us")
    folds = splitter.split(Spans(t0, t0 + 1))
    assert [fold.test.tolist() for fold in folds] == [list(range(k, k + 6)) for k in (8, 11, 14)]
    assert splitter.decided(Spans(t0, t0 + 1)) == [[Piece(0, 8, 11), Piece(1, 11, 14), Piece(2, 14, 20)]]


def test_rows_that_a_long_step_skips_are_decided_by_nobody():
    t0 = np.arange(20) * 10
    splitter = WalkForward(min_train=8, test=2, step=5, embargo="1us")
    assert splitter.decided(Spans(t0, t0 + 1)) == [[Piece(0, 8, 10), Piece(1, 13, 15), Piece(2, 18, 20)]]


@pytest.mark.parametrize(
    ("splitter", "words"),
    [
        (WalkForward(min_train="1d"), "100 rows with min_train 1d leave 100 rows to train and 0 to test"),
        (WalkForward(min_train=90, gap=20), "100 rows with min_train 90 and gap 20 leave 100 rows to train"),
        (WalkForward(test=0.001), "test 0.001 of 100 rows is no row; try: a larger share"),
        (WalkForward(test=10, step=0.001), "step 0.001 of 100 rows is no row"),
        (WalkForward(folds=5, test=20), "leave 30 rows to train and 70 to test, for 5 folds of 20"),
        (WalkForward(folds=10**6, test="1s"), "for 1000000 folds of 1s"),
        (
            WalkForward(test="1us"),
            "step 1us makes more than 10,000 folds of 100 rows; allowed: at most",
        ),
        (WalkForward(max_train=1, test=10, embargo="2s"), "fold 1 of 7 has no training rows left"),
    ],
)
def test_windows_that_do_not_fit_say_what_to_change(splitter, words):
    t0 = np.arange(100) * 1_000_000
    with pytest.raises(SplitError) as caught:
        splitter.split(Spans(t0, t0 + 1))
    assert words in str(caught.value)
