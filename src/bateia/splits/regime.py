"""Folds that know the regimes: each regime in every test, or one regime held out whole."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from bateia.core import Component, Duration, Spans, SplitError
from bateia.core.events import Floats, Ints
from bateia.splits.base import Fold, Path, check_order, even_edges, folds_around, pieces


class RegimeSplit(Component):
    """Test folds that hold each regime in about its share of all rows, in contiguous blocks.

    The rows are cut into `folds` x `blocks` equal blocks of neighbours; the blocks with the most uneven
    mixture of regimes are dealt out first, each to the fold that has least of what it holds. All other
    rows train, purged, with an embargo after each block. Regimes come in long runs: with plain contiguous
    folds each score would be of another market, and their spread would say more about the calendar than
    about the model. Stratified grouped folds are what this is called elsewhere, here with blocks in time as
    the groups, since single rows cannot be dealt out without being purged away. To ask instead whether a
    model carries over to a regime it has never seen: `LeaveRegimeOut`.

    `groups` in `split` is the regime of each row (any int64; unknown ones as a number of their own).

    Source: Kohavi, "A study of cross-validation and bootstrap", IJCAI (1995), on stratification; Lopez de
    Prado, "Advances in Financial Machine Learning" (2018), section 7.4, on purging.

    >>> t0, regime = np.arange(8) * 10, np.array([0, 0, 0, 0, 1, 1, 1, 1])
    >>> for fold in RegimeSplit(folds=2, blocks=2, embargo="1us").split(Spans(t0, t0 + 5), regime):
    ...     print(fold.test, regime[fold.test])
    [0 1 4 5] [0 0 1 1]
    [2 3 6 7] [0 0 1 1]
    """

    kind: Literal["regime"] = "regime"
    folds: int = Field(default=5, ge=2)
    """How many test folds; their lengths differ by a few rows."""
    blocks: int = Field(default=4, ge=1)
    """Contiguous blocks in each fold: more match the shares better, and lose more rows to the purge."""
    embargo: Duration | None = None
    """Quiet time after the last answer of a tested block; None: the median label span of the other rows."""

    def split(self, spans: Spans, groups: Ints | None = None) -> list[Fold]:
        """Folds, each with the test of `decided`. SplitError without `groups`, or where one is empty."""
        fold = self._fold_of(spans, groups)
        tests = [np.flatnonzero(fold == k) for k in range(self.folds)]
        return folds_around(tests, spans, self.embargo)

    def decided(self, spans: Spans, groups: Ints | None = None) -> list[Path]:
        """One path: each fold's model decides its test rows."""
        return [pieces(self._fold_of(spans, groups))]

    def _fold_of(self, spans: Spans, groups: Ints | None) -> Ints:
        check_order(spans)
        regime = _regimes(spans, groups)
        count = self.folds * self.blocks
        edges = even_edges(len(spans), count, "blocks")
        block = np.repeat(np.arange(count), np.diff(edges))
        held = np.zeros((count, int(regime.max()) + 1))
        np.add.at(held, (block, regime), 1.0)
        return _deal(held, self.folds)[block]


class LeaveRegimeOut(Component):
    """One fold for each regime: its rows are the test, the rows of all others train, purged.

    Says whether a model carries over to a market that it has never seen. A regime that flips every few bars
    loses most of the others to the purge and the embargo after each of its runs.

    Source: leave-one-group-out as in Roberts et al., "Cross-validation strategies for data with temporal,
    spatial, hierarchical, or phylogenetic structure", Ecography 40 (2017); purged as `PurgedKFold`.

    >>> t0, regime = np.arange(6) * 10, np.array([7, 7, -1, -1, 7, 7])
    >>> for fold in LeaveRegimeOut(embargo="1us").split(Spans(t0, t0 + 5), regime):
    ...     print(fold.train, fold.test)
    [0 1 4 5] [2 3]
    [2 3] [0 1 4 5]
    """

    kind: Literal["leave_regime_out"] = "leave_regime_out"
    embargo: Duration | None = None
    """Quiet time after each tested run of rows; None: the median label span of the other rows."""

    def split(self, spans: Spans, groups: Ints | None = None) -> list[Fold]:
        """Folds in the order of the regimes' numbers. SplitError without `groups`, or where one is empty."""
        regime = self._regimes(spans, groups)
        tests = [np.flatnonzero(regime == k) for k in range(int(regime.max()) + 1)]
        return folds_around(tests, spans, self.embargo)

    def decided(self, spans: Spans, groups: Ints | None = None) -> list[Path]:
        """One path: the model that has not seen a regime decides it."""
        return [pieces(self._regimes(spans, groups))]

    def _regimes(self, spans: Spans, groups: Ints | None) -> Ints:
        check_order(spans)
        regime = _regimes(spans, groups)
        if regime.max() < 1:
            raise SplitError(
                "all rows are of one regime, nothing is left to train on",
                allowed="two regimes or more",
                hint="kind: purged_k_fold, or finer regimes",
            )
        return regime


def _regimes(spans: Spans, groups: Ints | None) -> Ints:
    """The regimes numbered from 0, shape (rows,)."""
    if groups is None:
        raise SplitError(
            "a split by regime without regimes",
            allowed="groups: the regime of each row",
            hint="a recipe with regimes, or kind: purged_k_fold",
        )
    if groups.shape != (len(spans),) or groups.dtype != np.int64 or not len(groups):
        raise SplitError(
            f"regimes of shape {groups.shape} and type {groups.dtype} for {len(spans)} rows",
            allowed="one int64 for each row, one row or more",
        )
    return np.unique(groups, return_inverse=True)[1].astype(np.int64)


def _deal(held: Floats, folds: int) -> Ints:
    """The fold (blocks,) of each block, from the rows of each regime that it holds (blocks, regimes)."""
    share = held / held.sum(axis=0)
    got, rows, fold = np.zeros((folds, held.shape[1])), np.zeros(folds), np.zeros(len(held), np.int64)
    for block in np.argsort(-share.std(axis=1), kind="stable"):
        # What it adds to the sum of squared shares, less what it adds wherever it goes.
        worse = got @ share[block]
        fold[block] = np.lexsort((rows, worse))[0]
        got[fold[block]] += share[block]
        rows[fold[block]] += held[block].sum()
    return fold
