"""Combinatorial purged cross-validation: many out-of-sample histories from one."""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from bateia.core import Component, ConfigError, Duration, Spans
from bateia.core.events import Ints
from bateia.splits.base import Fold, Path, Piece, check_order, even_edges, folds_around

_MOST = 1_000
"""More fits than this are a mistyped number."""


class Combinatorial(Component):
    """A fold for each choice of `test_groups` among `groups` contiguous groups, in the order of the choices.

    C(N, k) folds, from which k/N C(N, k) = C(N-1, k-1) paths are made that test every row once: `paths`
    says by which folds, `assemble` joins the scores. The rest trains, purged, with an embargo after each
    tested group.

    Source: Lopez de Prado, "Advances in Financial Machine Learning" (2018), section 12.4.

    >>> splitter = Combinatorial(groups=4, test_groups=2, embargo="1us")
    >>> t0 = np.arange(8) * 10
    >>> for fold in splitter.split(Spans(t0, t0 + 5)):
    ...     print(fold.test, fold.train)
    [0 1 2 3] [4 5 6 7]
    [0 1 4 5] [2 3 6 7]
    [0 1 6 7] [2 3 4 5]
    [2 3 4 5] [0 1 6 7]
    [2 3 6 7] [0 1 4 5]
    [4 5 6 7] [0 1 2 3]
    >>> splitter.paths[0]
    ((0, 0), (0, 1), (1, 2), (2, 3))
    """

    kind: Literal["combinatorial"] = "combinatorial"
    groups: int = Field(default=6, ge=2)
    """Into how many contiguous groups the rows are parted; their lengths differ by one row at most."""
    test_groups: int = Field(default=2, ge=1)
    """How many of them each fold tests."""
    embargo: Duration | None = None
    """Quiet time after the last answer of a tested group; None: the median label span of the other rows."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong = None
        if self.test_groups >= self.groups:
            wrong = ConfigError(
                f"test_groups {self.test_groups} of {self.groups} groups leave nothing to train on",
                allowed=f"1 to {self.groups - 1}",
                hint="test_groups: 2" if self.groups > 2 else "groups: 6, test_groups: 2",
            )
        elif (count := comb(self.groups, self.test_groups)) > _MOST:
            wrong = ConfigError(
                f"{self.test_groups} of {self.groups} groups make {count:,} folds",
                allowed=f"at most {_MOST:,}",
                hint="groups: 10, test_groups: 2",
            )
        if wrong:
            raise ValueError(str(wrong))
        return self

    @property
    def tested(self) -> list[tuple[int, ...]]:
        """The groups that each fold tests, in order."""
        return list(combinations(range(self.groups), self.test_groups))

    @property
    def paths(self) -> list[tuple[tuple[int, int], ...]]:
        """Each path as (fold, group) for every group: path j tests a group by the j-th fold that has it.

        >>> len(Combinatorial(groups=6, test_groups=2).paths)
        5
        """
        tests = self.tested
        holding = [[f for f, test in enumerate(tests) if g in test] for g in range(self.groups)]
        count = comb(self.groups - 1, self.test_groups - 1)
        return [tuple((holding[g][j], g) for g in range(self.groups)) for j in range(count)]

    def split(self, spans: Spans, groups: Ints | None = None) -> list[Fold]:
        """Folds in the order of `tested`; `spans.t0` must not fall. SplitError where one would be empty."""
        check_order(spans)
        edges = self._edges(spans)
        parts = [np.arange(edges[g], edges[g + 1]) for g in range(self.groups)]
        tests = [np.concatenate([parts[g] for g in test]) for test in self.tested]
        return folds_around(tests, spans, self.embargo)

    def decided(self, spans: Spans, groups: Ints | None = None) -> list[Path]:
        """The paths as rows: each (fold, group) lies on just one of them."""
        edges = self._edges(spans).tolist()
        return [[Piece(fold, edges[g], edges[g + 1]) for fold, g in path] for path in self.paths]

    def _edges(self, spans: Spans) -> Ints:
        return even_edges(len(spans), self.groups, "groups")
