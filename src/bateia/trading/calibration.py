"""What a score has been worth: a rising map from score to expected answer, learnt by bands of scores."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import model_validator

from bateia.core import Component, DataError
from bateia.core.events import Floats
from bateia.kernels.policies import interpolate

PER_BAND = 10
"""Rows below which a band's mean says too little."""


class Calibration(Component):
    """A piecewise linear map through (score, expected), flat beyond its ends; it never falls.

    >>> Calibration(score=(0.0, 1.0), expected=(-1.0, 3.0))([-5.0, 0.25, 9.0]).tolist()
    [-1.0, 0.0, 3.0]
    """

    score: tuple[float, ...]
    """Scores, strictly rising."""
    expected: tuple[float, ...]
    """What is expected at each, never falling."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not self.score or len(self.score) != len(self.expected):
            raise ValueError(
                f"{len(self.score)} scores and {len(self.expected)} answers; allowed: as many, 1 up"
            )
        if (np.diff(self.score) <= 0).any() or (np.diff(self.expected) < 0).any():
            raise ValueError("the map falls; allowed: scores strictly rising, answers never falling")
        return self

    @classmethod
    def learn(cls, score: npt.ArrayLike, answer: npt.ArrayLike, bands: int) -> Self:
        """The map of mean score to mean answer over `bands` bands of equally many scores, made to rise.

        Bands that fall are pooled with their neighbours (pool adjacent violators: Ayer et al., "An empirical
        distribution function for sampling with incomplete information", Ann. Math. Stat. 26, 1955), so
        that a score which says nothing is worth the mean answer. Rows with a NaN are left out; equal scores
        are never parted. DataError for fewer than 10 rows a band.
        """
        s, a = np.asarray(score, np.float64), np.asarray(answer, np.float64)
        if s.shape != a.shape or s.ndim != 1:
            raise DataError(
                f"scores of shape {s.shape}, answers of shape {a.shape}", allowed="one a row each"
            )
        known = np.isfinite(s) & np.isfinite(a)
        s, a = s[known], a[known]
        if len(s) < PER_BAND * bands:
            raise DataError(
                f"{len(s)} rows with a score and an answer, to learn what a score is worth",
                allowed=f"{PER_BAND} for each of {bands} bands",
                hint="fewer bands, or more rows",
            )
        order = np.argsort(s, kind="stable")
        s, a = s[order], a[order]
        edges = np.linspace(0, len(s), bands + 1).astype(np.int64)[1:-1]
        # A band begins where a new score does.
        starts = np.unique([0, *(int(np.searchsorted(s, s[edge])) for edge in edges)])
        sizes = np.diff([*starts, len(s)])
        return cls(**_pool(np.add.reduceat(s, starts), np.add.reduceat(a, starts), sizes))

    def __call__(self, score: npt.ArrayLike) -> Floats:
        """What is expected at each score; NaN where the score is NaN."""
        column: Floats = np.ascontiguousarray(score, np.float64)
        out = np.empty(len(column))
        interpolate(column, np.array(self.score), np.array(self.expected), out)
        return out


def _pool(scores: Floats, answers: Floats, sizes: npt.NDArray[np.int64]) -> dict[str, tuple[float, ...]]:
    """Means of bands given by their sums, neighbours pooled until both rise."""
    pools: list[tuple[float, float, int]] = []
    for pool in zip(scores.tolist(), answers.tolist(), sizes.tolist(), strict=True):
        while pools and not _rises(pools[-1], pool):
            score, answer, size = pools.pop()
            pool = (score + pool[0], answer + pool[1], size + pool[2])  # noqa: PLW2901
        pools.append(pool)
    return {
        "score": tuple(score / size for score, _, size in pools),
        "expected": tuple(answer / size for _, answer, size in pools),
    }


def _rises(before: tuple[float, float, int], after: tuple[float, float, int]) -> bool:
    return all(before[k] / before[2] < after[k] / after[2] for k in (0, 1))
