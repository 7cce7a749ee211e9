"""RegimeSplit: shares of the regimes in each test; and what regimes may be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bateia.core import Spans, SplitError
from bateia.splits import LeaveRegimeOut, PurgedKFold, RegimeSplit
from bateia.testing.splits import generated_regimes


def apart(n):
    """Spans that share nothing."""
    t0 = np.arange(n) * 10
    return Spans(t0, t0 + 1)


def unevenness(folds, regime):
    """Largest distance of a test's share of a regime from the share among all rows."""
    kinds = np.unique(regime)
    whole = np.array([np.mean(regime == k) for k in kinds])
    return max(
        np.abs(np.array([np.mean(regime[fold.test] == k) for k in kinds]) - whole).max() for fold in folds
    )


@given(st.integers(2, 6), st.integers(1, 8), st.integers(0, 40))
def test_tests_are_blocks_of_about_equal_size(folds, blocks, seed):
    n, regime = 500, generated_regimes(500, seed, stays=0.98)
    splitter = RegimeSplit(folds=folds, blocks=blocks, embargo="1us")
    made, (path,) = splitter.split(apart(n), regime), splitter.decided(apart(n), regime)
    assert sorted(np.concatenate([fold.test for fold in made]).tolist()) == list(range(n))
    assert len(path) <= folds * blocks
    assert min(piece.stop - piece.start for piece in path) >= n // (folds * blocks)


def test_regimes_in_order_are_in_every_test_which_plain_folds_miss():
    n = 1_600
    regime = np.repeat([0, 1, 2, 1], 400)
    plain, knowing = (
        unevenness(splitter.split(apart(n), regime), regime)
        for splitter in (PurgedKFold(folds=4, embargo="1us"), RegimeSplit(folds=4, blocks=4, embargo="1us"))
    )
    assert plain == 0.75
    assert knowing == 0.0


def test_generated_regimes_are_spread_better_the_more_blocks_there_are():
    gaps = {blocks: [] for blocks in (1, 4, 16)}
    for seed in range(30):
        regime = generated_regimes(4_000, seed, stays=0.995)
        for blocks, found in gaps.items():
            found.append(unevenness(RegimeSplit(blocks=blocks).split(apart(4_000), regime), regime))
    one, four, many = (np.median(found) for found in gaps.values())
    assert one > 2 * four > 4 * many


@given(st.integers(0, 40), st.integers(-9, 9))
def test_the_numbers_of_regimes_do_not_matter(seed, shift):
    regime = generated_regimes(200, seed)
    one, other = (RegimeSplit(folds=3).decided(apart(200), r) for r in (regime, 7 * regime + shift))
    assert one == other


@pytest.mark.parametrize("splitter", [RegimeSplit(), LeaveRegimeOut()])
@pytest.mark.parametrize(
    ("groups", "words"),
    [
        (None, "a split by regime without regimes; allowed: groups: the regime of each row"),
        (np.arange(59), r"regimes of shape \(59,\) and type int64 for 60 rows; allowed: one int64"),
        (np.zeros(60), r"regimes of shape \(60,\) and type float64 for 60 rows"),
        (np.zeros((60, 1), np.int64), r"regimes of shape \(60, 1\)"),
    ],
)
def test_regimes_that_are_missing_or_wrong_are_refused(splitter, groups, words):
    for ask in (splitter.split, splitter.decided):
        with pytest.raises(SplitError, match=words):
            ask(apart(60), groups)


def test_one_regime_cannot_be_left_out():
    with pytest.raises(SplitError, match="all rows are of one regime, nothing is left"):
        LeaveRegimeOut().split(apart(60), np.zeros(60, np.int64))
    assert len(RegimeSplit().split(apart(60), np.zeros(60, np.int64))) == 5


def test_no_rows_have_no_regimes():
    with pytest.raises(SplitError, match=r"regimes of shape \(0,\)"):
        RegimeSplit().split(apart(0), np.arange(0))
