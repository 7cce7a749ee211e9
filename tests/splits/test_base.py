"""Pieces among the rows of a longer table, and folds within folds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bateia.core import Spans, SplitError
from bateia.splits import Combinatorial, PurgedKFold, RegimeSplit, WalkForward, nested
from bateia.testing.splits import generated_regimes, generated_spans

inner = st.sampled_from(
    [
        PurgedKFold(folds=3),
        WalkForward(folds=2, min_train=0.4),
        Combinatorial(groups=4, test_groups=2, embargo="1s"),
        RegimeSplit(folds=2, blocks=2),
    ]
)


@given(inner, st.integers(0, 30))
def test_folds_within_a_fold_never_see_its_test(splitter, seed):
    spans, groups = generated_spans(400, seed), generated_regimes(400, seed)
    for outer in PurgedKFold(folds=4).split(spans):
        folds = nested(outer.train, spans, splitter, groups)
        direct = splitter.split(spans[outer.train], groups[outer.train])
        assert len(folds) == len(direct)
        for fold, same in zip(folds, direct, strict=True):
            for name in ("train", "test", "purged"):
                rows = getattr(fold, name)
                assert np.isin(rows, outer.train).all()
                assert np.array_equal(rows, outer.train[getattr(same, name)])
            known = spans.t1[fold.train][:, None] < spans.t0[fold.test][None, :]
            asked_later = spans.t0[fold.train][:, None] > spans.t1[fold.test][None, :]
            assert (known | asked_later).all()


def test_a_part_too_small_says_that_it_is_inside():
    spans = generated_spans(60)
    with pytest.raises(SplitError, match=r"inside fold 2's training of 3 rows: 3 rows for 5 folds; "):
        nested(np.arange(3), spans, PurgedKFold(), name="fold 2's training")


def test_training_rows_out_of_order_are_refused():
    with pytest.raises(SplitError, match="training rows out of order; allowed: sorted, each once"):
        nested(np.array([3, 2]), generated_spans(60), PurgedKFold())


@given(st.integers(0, 30), st.integers(2, 5))
def test_pieces_among_bars_are_every_bar_from_the_first_row_to_the_last(seed, folds):
    rng = np.random.default_rng(seed)
    bars = np.flatnonzero(rng.random(90) < 0.6)
    spans = Spans(bars * 10, bars * 10 + 1)
    splitter = PurgedKFold(folds=folds, embargo="1us")
    (path,) = splitter.decided(spans)
    decided = [piece.among(bars) for piece in path]
    rows = np.concatenate([np.arange(piece.start, piece.stop) for piece in decided])
    assert rows.tolist() == list(range(bars[0], bars[-1] + 1))
    for piece, fold in zip(decided, splitter.split(spans), strict=True):
        answered = np.intersect1d(np.arange(piece.start, piece.stop), bars)
        assert answered.tolist() == bars[fold.test].tolist()
