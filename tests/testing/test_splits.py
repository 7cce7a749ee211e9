"""check_splitter catches every planted fault, and by the check that is meant to."""

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from bateia.core import Component, Duration
from bateia.splits import Fold, Piece, WalkForward, purge
from bateia.testing.splits import CHECKS, check_splitter, generated_spans

SPANS = generated_spans(120)
HONEST = WalkForward(folds=3, embargo="4s")
NOTHING = np.arange(0)


class KFold(Component):
    """An honest purged k-fold, to show that the suite holds for training after the test too."""

    kind: Literal["k_fold"] = "k_fold"
    embargo: Duration | None = 4_000_000
    kept: Duration = 4_000_000

    def split(self, spans, groups=None):
        rows, folds = np.arange(len(spans)), []
        for test in np.array_split(rows, 4):
            others = np.setdiff1d(rows, test)
            train = purge(others, test, spans, self.kept)
            folds.append(Fold(train, test, np.setdiff1d(others, train)))
        return folds

    def decided(self, spans, groups=None):
        parts = np.array_split(np.arange(len(spans)), 4)
        return [[Piece(k, int(test[0]), int(test[-1]) + 1) for k, test in enumerate(parts)]]


class Faulty(Component):
    """WalkForward(3) with a fault planted."""

    fault: str
    kind: Literal["faulty"] = "faulty"
    embargo: Duration | None = 4_000_000

    def split(self, spans, groups=None):
        fault = getattr(self, self.fault, self.none)
        return [fault(fold, spans) for fold in HONEST.split(spans)]

    def decided(self, spans, groups=None):
        (path,) = HONEST.decided(spans)
        faults = {
            "forgets": path[:-1],
            "twice": [path[0], *path],
            "backwards": path[::-1],
            "foreign": [replace(path[0], fold=1), *path[1:]],
            "early": [replace(path[0], start=path[0].start - 1), *path[1:]],
        }
        return [faults.get(self.fault, path)]

    def none(self, fold, spans):
        return fold

    def no_purge(self, fold, spans):
        return Fold(np.union1d(fold.train, fold.purged), fold.test, NOTHING)

    def purges_by_count(self, fold, spans):
        """Drops the last two rows before the test, whatever their spans are."""
        past = np.union1d(fold.train, fold.purged)
        return Fold(past[:-2], fold.test, past[-2:])

    def too_eager(self, fold, spans):
        return Fold(fold.train[1:], fold.test, np.union1d(fold.train[:1], fold.purged))

    def unsorted(self, fold, spans):
        return Fold(fold.train[::-1], fold.test, fold.purged)

    def shares(self, fold, spans):
        return Fold(np.union1d(fold.train, fold.test[:1]), fold.test, fold.purged)

    def beyond(self, fold, spans):
        return Fold(fold.train, np.append(fold.test, len(spans)), fold.purged)

    def masks(self, fold, spans):
        return Fold(fold.train.astype(np.int32), fold.test, fold.purged)

    def empty(self, fold, spans):
        return Fold(NOTHING, fold.test, fold.purged)

    def skips(self, fold, spans):
        return Fold(fold.train, fold.test[:-1], fold.purged)

    def shuffles(self, fold, spans):
        kept = np.random.default_rng().random(len(fold.train)) < 0.5
        return Fold(fold.train[kept], fold.test, fold.purged)

    def by_the_clock(self, fold, spans):
        """Picks rows by the absolute time."""
        return Fold(fold.train[spans.t0[0] // 86_400_000_000 % 2 :], fold.test, fold.purged)

    def touches(self, fold, spans):
        """Purges by label spans, but keeps no embargo before the test."""
        past = np.union1d(fold.train, fold.purged)
        kept = purge(past, fold.test, spans)
        return Fold(kept, fold.test, np.setdiff1d(past, kept))

    def writes(self, fold, spans):
        spans.t1[-1] += 1
        return fold


@pytest.mark.parametrize("splitter", [Faulty(fault="none"), KFold(), HONEST])
def test_splitters_without_a_fault_pass(splitter):
    assert check_splitter(splitter, SPANS) == list(CHECKS)


@pytest.mark.parametrize(
    ("fault", "check", "words"),
    [
        ("no_purge", "overlap", "training rows overlap the test"),
        ("purges_by_count", "overlap", "training rows overlap the test"),
        ("too_eager", "reasons", "purged without a reason"),
        ("unsorted", "rows", "train is not sorted"),
        ("shares", "rows", "share a row"),
        ("beyond", "rows", "test holds rows out of range"),
        ("masks", "rows", "train is int32"),
        ("empty", "rows", "train is empty"),
        ("skips", "covers", "rows are never tested"),
        ("shuffles", "repeats", "train differs the second time"),
        ("by_the_clock", "repeats", "train differs the second time"),
        ("writes", "repeats", "changed t1"),
        ("touches", "embargo", "lie within the embargo of 4000000 us"),
        ("forgets", "decided", "rows are tested or decided, not both"),
        ("twice", "decided", "a path goes back in time, or decides a row twice"),
        ("backwards", "decided", "a path goes back in time"),
        ("foreign", "decided", "fold 1 decides rows it does not test"),
        ("early", "decided", "rows are tested or decided, not both"),
    ],
)
def test_a_planted_fault_fails_its_check_and_the_suite(fault, check, words):
    spans = generated_spans(120)
    with pytest.raises(AssertionError) as caught:
        CHECKS[check](Faulty(fault=fault), spans)
    assert words in str(caught.value)
    with pytest.raises(AssertionError):
        check_splitter(Faulty(fault=fault), generated_spans(120))


def test_an_embargo_that_is_not_kept_after_the_test_fails():
    with pytest.raises(AssertionError, match="lie within the embargo of 4000000 us"):
        CHECKS["embargo"](KFold(kept="1us"), SPANS)


def test_a_splitter_that_never_purges_is_caught_even_where_no_spans_meet():
    start = np.arange(60) * 10_000_000
    apart = type(SPANS)(start, start + 1)
    with pytest.raises(AssertionError, match="overlap the test"):
        CHECKS["overlap"](Faulty(fault="no_purge"), apart)


def test_a_splitter_that_is_no_component_fails():
    class Plain:
        embargo, split, decided = None, staticmethod(HONEST.split), staticmethod(HONEST.decided)

    with pytest.raises(AssertionError, match="Plain is not a Component"):
        CHECKS["config"](Plain(), SPANS)


def test_too_few_rows_are_refused():
    with pytest.raises(AssertionError, match="20 rows are too few"):
        check_splitter(HONEST, SPANS[:20])
