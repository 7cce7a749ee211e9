"""SessionSplit: no session is cut."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from bateia.core import Spans, SplitError
from bateia.splits import SessionSplit

HOUR = 3_600_000_000
MONDAY = 1_704_067_200_000_000
"""2024-01-01T00:00:00Z"""


def hours(count, skip=()):
    """Label spans of half an hour at every hour from a Monday, without the hours in `skip`."""
    t0 = np.array([MONDAY + h * HOUR for h in range(count) if h % 24 not in skip])
    return Spans(t0, t0 + HOUR // 2)


@given(
    st.integers(2, 6),
    st.sampled_from(["around", "before"]),
    st.integers(1, 40),
    st.integers(0, 50),
    st.integers(0, 30),
)
def test_every_session_is_in_one_test_whole(folds, train, length, offset, seed):
    rng = np.random.default_rng(seed)
    t0 = MONDAY + np.sort(rng.integers(0, 400, 300)) * HOUR
    given_ = {"offset": f"{offset}h"} if offset else {}
    splitter = SessionSplit(folds=folds, train=train, length=f"{length}h", embargo="1us", **given_)
    try:
        made = splitter.split(Spans(t0, t0))
    except SplitError:
        assume(False)
    session = (t0 - offset * HOUR) // (length * HOUR)
    counts = [len(set(session[fold.test].tolist())) for fold in made]
    assert max(counts) - min(counts) <= 1
    tested = np.concatenate([fold.test for fold in made])
    assert tested.tolist() == list(range(tested[0], len(t0)))
    for fold in made:
        whole = np.flatnonzero(np.isin(session, session[fold.test]))
        assert fold.test.tolist() == whole.tolist()
        assert not np.isin(session[fold.train], session[fold.test]).any()
    if train == "before":
        parts = [len(set(session[: tested[0]].tolist())), *counts]
        assert max(parts) - min(parts) <= 1
        assert all(fold.train[-1] < fold.test[0] for fold in made)
    else:
        assert tested[0] == 0


def test_days_that_begin_at_22_and_close_for_an_hour():
    spans = hours(24 * 6, skip=(21,))
    folds = SessionSplit(folds=3, offset="22h", embargo="1us").split(spans)
    opens = [(spans.t0[fold.test[0]] - MONDAY) // HOUR for fold in folds]
    # The first part of a session, 22 hours, counts as one: 7 in all.
    assert opens == [0, 24 + 22, 3 * 24 + 22]


def test_walking_forward_by_days():
    folds = SessionSplit(folds=4, train="before", embargo="1us").split(hours(24 * 5))
    assert [(len(fold.train), fold.test[0], len(fold.test)) for fold in folds] == [
        (24 * k, 24 * k, 24) for k in range(1, 5)
    ]


@pytest.mark.parametrize(
    ("splitter", "words"),
    [
        (
            SessionSplit(folds=5),
            "4 sessions of 1d for 5 folds, training around the test; allowed: at",
        ),
        (SessionSplit(folds=4, train="before"), "4 sessions of 1d for 4 folds, training before the test; "),
        (SessionSplit(folds=4, train="before", length="12h", embargo="2d"), "fold 1 of 4 has no training"),
    ],
)
def test_too_few_sessions_say_what_to_change(splitter, words):
    with pytest.raises(SplitError) as caught:
        splitter.split(hours(96))
    assert words in str(caught.value)
    assert "; try: " in str(caught.value)


def test_no_rows_are_no_sessions():
    with pytest.raises(SplitError, match="0 sessions of 1d for 5 folds"):
        SessionSplit().split(Spans(np.arange(0), np.arange(0)))


def test_one_fold_trains_before_it_or_not_at_all():
    assert len(SessionSplit(folds=1, train="before").split(hours(48))) == 1
    with pytest.raises(ValidationError) as caught:
        SessionSplit(folds=1)
    assert "1 fold with train 'around' leaves nothing" in caught.value.errors()[0]["msg"]
