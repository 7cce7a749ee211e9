"""WalkForward: the suite, its own shape, and the numbers in its errors."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from bateia.core import Spans, SplitError
from bateia.splits import WalkForward
from bateia.testing.splits import check_splitter, generated_spans

splitters = st.builds(
    WalkForward,
    folds=st.integers(1, 8),
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
    assert len(folds) == splitter.folds
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
        ({"min_train": 0.0}, "greater than 0"),
        ({"min_train": 1.0}, "less than 1"),
        ({"embargo": 60}, '60 is not a duration; allowed: text with a unit; try: "30s"'),
        ({"train": "anchored"}, "'expanding' or 'rolling'"),
    ],
)
def test_parameters_that_make_no_sense_say_so(given_, words):
    with pytest.raises(ValidationError) as caught:
        WalkForward(**given_)
    assert words in str(caught.value)
