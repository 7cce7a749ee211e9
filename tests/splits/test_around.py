"""Splitters that train on both sides of the test: the suite, and every fold against every pair of spans."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from sklearn.model_selection import KFold, LeaveOneGroupOut

from bateia.core import Spans, SplitError
from bateia.splits import (
    AnySplitter,
    Combinatorial,
    LeaveRegimeOut,
    PurgedKFold,
    RegimeSplit,
    SessionSplit,
    WalkForward,
)
from bateia.testing.splits import check_splitter, generated_regimes, generated_spans

embargoes = st.none() | st.integers(1, 15).map(lambda s: f"{s}s")
k_folds = st.builds(PurgedKFold, folds=st.integers(2, 9), embargo=embargoes)
combinatorials = st.integers(3, 7).flatmap(
    lambda n: st.builds(
        Combinatorial, groups=st.just(n), test_groups=st.integers(1, n - 1), embargo=embargoes
    )
)
sessions = st.builds(
    SessionSplit,
    folds=st.integers(2, 6),
    train=st.sampled_from(["around", "before"]),
    # They divide a day: others would rightly begin elsewhere when the suite asks again a day later.
    length=st.sampled_from(["5s", "16s", "1m"]),
    offset=st.none() | st.integers(1, 90).map(lambda s: f"{s}s"),
    embargo=embargoes,
)
regimes = st.builds(RegimeSplit, folds=st.integers(2, 5), blocks=st.integers(1, 4), embargo=embargoes)
left_out = st.builds(LeaveRegimeOut, embargo=embargoes)
splitters = k_folds | combinatorials | sessions | regimes | left_out


def possible(splitter, spans, groups):
    """Leave out what has nothing to train on, also with spans that reach further."""
    try:
        splitter.split(Spans(spans.t0, spans.t1 + 20_000_000), groups)
        return splitter.split(spans, groups)
    except SplitError:
        assume(False)


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(splitters, st.integers(0, 20))
def test_passes_the_suite(splitter, seed):
    spans, groups = generated_spans(200, seed), generated_regimes(200, seed, stays=0.97)
    possible(splitter, spans, groups)
    assert "decided" in check_splitter(splitter, spans, groups=groups)


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(splitters, st.integers(60, 120), st.integers(0, 20))
def test_training_is_what_every_pair_of_spans_leaves(splitter, n, seed):
    spans, groups = generated_spans(n, seed), generated_regimes(n, seed, stays=0.95)
    t0, t1 = spans.t0, spans.t1
    for fold in possible(splitter, spans, groups):
        past = isinstance(splitter, SessionSplit) and splitter.train == "before"
        test = set(fold.test.tolist())
        others = [i for i in range(fold.test[0] if past else n) if i not in test]
        quiet = splitter.embargo
        if quiet is None:
            quiet = int(np.median([t1[i] - t0[i] for i in others]))
        early, late = (quiet, 0) if past else (0, quiet)
        kept = [i for i in others if all(t1[i] < t0[k] - early or t0[i] > t1[k] + late for k in fold.test)]
        assert fold.train.tolist() == kept
        assert fold.purged.tolist() == [i for i in others if i not in set(kept)]


@given(st.integers(2, 9), st.integers(20, 60))
def test_k_fold_tests_what_scikit_learn_tests(folds, n):
    t0 = np.arange(n) * 10
    ours = PurgedKFold(folds=folds, embargo="1us").split(Spans(t0, t0 + 1))
    for fold, (train, test) in zip(ours, KFold(folds).split(t0), strict=True):
        assert fold.test.tolist() == test.tolist()
        assert fold.train.tolist() == train.tolist()


@given(st.integers(0, 50))
def test_leaving_a_regime_out_tests_what_scikit_learn_tests(seed):
    n, groups = 80, generated_regimes(80, seed) - 5
    t0 = np.arange(n) * 10
    ours = LeaveRegimeOut(embargo="1us").split(Spans(t0, t0 + 1), groups)
    for fold, (train, test) in zip(ours, LeaveOneGroupOut().split(t0, groups=groups), strict=True):
        assert fold.test.tolist() == test.tolist()
        assert fold.train.tolist() == train.tolist()


def test_one_group_at_a_time_is_k_fold():
    spans = generated_spans(150)
    folds = zip(PurgedKFold(folds=6).split(spans), Combinatorial(test_groups=1).split(spans), strict=True)
    for one, other in folds:
        for name in ("train", "test", "purged"):
            assert np.array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize(
    ("splitter", "rows", "words"),
    [
        (
            PurgedKFold(folds=5),
            4,
            "4 rows for 5 folds; allowed: a row in each; try: more bars, or fewer",
        ),
        (Combinatorial(groups=6), 5, "5 rows for 6 groups"),
        (RegimeSplit(folds=3, blocks=2), 5, "5 rows for 6 blocks"),
        (PurgedKFold(folds=2, embargo="1d"), 9, "fold 1 of 2 has no training rows left: 9 rows, 4 outside"),
        (
            Combinatorial(groups=3, test_groups=2, embargo="1m"),
            9,
            "fold 1 of 3 has no training rows left: 9 rows, 3 outside the fold, 3 purged "
            "(label spans: median 1s, longest 1s; embargo 1m); allowed: training rows whose label spans",
        ),
        (LeaveRegimeOut(embargo="1m"), 8, "fold 1 of 2 has no training rows left: 8 rows, 4 outside"),
    ],
)
def test_a_split_that_leaves_nothing_says_what_to_change(splitter, rows, words):
    t0 = np.arange(rows) * 1_000_000
    with pytest.raises(SplitError) as caught:
        splitter.split(Spans(t0, t0 + 1_000_000), np.arange(rows) // 4)
    assert words in str(caught.value)
    assert "; try: " in str(caught.value)


@pytest.mark.parametrize(
    "splitter", [PurgedKFold(), Combinatorial(), SessionSplit(), RegimeSplit(), LeaveRegimeOut()]
)
def test_spans_out_of_order_are_refused(splitter):
    spans = Spans(np.array([2, 1, 3]), np.array([3, 3, 4]))
    with pytest.raises(SplitError, match="out of order"):
        splitter.split(spans, np.array([0, 1, 2]))


@pytest.mark.parametrize(
    "splitter",
    [WalkForward(), PurgedKFold(), Combinatorial(), SessionSplit(), RegimeSplit(), LeaveRegimeOut()],
)
def test_a_recipe_names_each_splitter_by_its_kind(splitter):
    either = TypeAdapter(AnySplitter)
    assert either.validate_python({"kind": splitter.kind}) == splitter
    assert either.validate_json(splitter.model_dump_json()) == splitter


def test_a_kind_that_there_is_not_is_refused():
    with pytest.raises(ValidationError, match="'walk_forward', 'purged_k_fold', 'combinatorial', 'session'"):
        TypeAdapter(AnySplitter).validate_python({"kind": "k_fold"})
