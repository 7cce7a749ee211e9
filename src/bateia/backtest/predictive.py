"""Skill of a score: what it foretold, before any trading."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bateia.backtest.bootstrap import column_means, draws_for, interval
from bateia.backtest.classes import by_class
from bateia.backtest.estimates import estimate, linear, mean, number, varies
from bateia.backtest.numbers import UNKNOWN, CalibrationBin, Decile, Estimate, Predictive
from bateia.backtest.scores import (
    Measured,
    auc,
    average_precision,
    correlation,
    hit_rate,
    log_loss,
    log_losses,
    ranks,
)
from bateia.core import DataError
from bateia.core.events import Floats, Ints


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows that have a score and an answer, and how many had not."""

    score: Floats
    value: Floats
    ret: Floats
    probability: Floats | None
    unscored: int
    unanswered: int


def predictive(
    score: npt.ArrayLike,
    value: npt.ArrayLike,
    ret: npt.ArrayLike,
    *,
    probability: npt.ArrayLike | None = None,
    draws: int | None = None,
    seed: int = 0,
) -> Predictive:
    """Skill of `score` against the label `value` (its sign is the answer) and the forward log return `ret`.

    `probability` is that of up, in [0, 1]. Rows with a NaN are left out and counted (`unscored` without
    score or probability, `unanswered` without answer or return). DataError for columns of unequal length, an
    infinite number, or a probability out of range. `draws`: see `draws_for`.

    >>> predictive([0.3, -0.2, np.nan], [1, -1, 1], [0.01, -0.01, 0.0]).unscored
    1
    """
    rows = _known(score, value, ret, probability)
    s, v, r = rows.score, rows.value, rows.ret
    decided = v != 0
    up = v[decided] > 0
    p = None if rows.probability is None else rows.probability[decided]
    above, block = linear(*auc(s[decided], up), draws, seed)
    hits, hit_block = linear(*hit_rate(s, v), draws, seed)
    others = _by_answer(s[decided], up, p)
    drawn = _together(others, max(block, hit_block), draws, seed)
    loss = drawn.pop("log_loss", UNKNOWN)
    bounds = (loss.low, loss.high) if loss.low is not None and loss.high is not None else None
    return Predictive(
        rows=len(s),
        up_rate=number(np.mean(up)) if len(up) else None,
        auc=above,
        hit_rate=hits,
        ic=linear(*correlation(s, r), draws, seed)[0],
        rank_ic=linear(*correlation(ranks(s), ranks(r)), draws, seed)[0],
        log_loss=None if p is None else number(log_loss(p, up)),
        unscored=rows.unscored,
        unanswered=rows.unanswered,
        undecided=len(s) - len(up),
        intervals={"log_loss": bounds} if bounds else {},
        **drawn,
    )


def _known(
    score: npt.ArrayLike, value: npt.ArrayLike, ret: npt.ArrayLike, probability: npt.ArrayLike | None
) -> _Rows:
    s, v, r = (np.asarray(column, np.float64) for column in (score, value, ret))
    p = None if probability is None else np.asarray(probability, np.float64)
    if not len(s) == len(v) == len(r) == len(s if p is None else p):
        given = f"{len(s)} scores, {len(v)} labels, {len(r)} returns"
        raise DataError(given + ("" if p is None else f", {len(p)} probabilities"), allowed="one length")
    for name, column in (("score", s), ("answer", v), ("forward return", r)):
        check_finite(name, column)
    if p is not None:
        check_probability(p)
    scored = ~np.isnan(s) if p is None else ~(np.isnan(s) | np.isnan(p))
    known = scored & ~(np.isnan(v) | np.isnan(r))
    return _Rows(
        score=s[known],
        value=v[known],
        ret=r[known],
        probability=None if p is None else p[known],
        unscored=int(len(s) - scored.sum()),
        unanswered=int(scored.sum() - known.sum()),
    )


def check_finite(name: str, column: Floats) -> None:
    """DataError where a number is infinite; NaN means unknown and passes."""
    bad = np.flatnonzero(np.isinf(column))
    if len(bad):
        raise DataError(
            f"the {name} of row {bad[0]} is {column[bad[0]]:g} ({len(bad)} infinite rows)",
            allowed="finite numbers, or NaN for unknown",
        )


def check_probability(column: Floats) -> None:
    """DataError where a number is neither a probability nor NaN."""
    bad = np.flatnonzero((column < 0) | (column > 1))
    if len(bad):
        raise DataError(
            f"the probability of row {bad[0]} is {column[bad[0]]:g} ({len(bad)} such rows)",
            allowed="0 to 1, or NaN for unknown",
        )


def _by_answer(score: Floats, up: npt.NDArray[np.bool_], probability: Floats | None) -> dict[str, Measured]:
    """Statistics of the rows that went up or down, each with its influences."""
    if not len(up):
        return {}
    found = {
        "average_precision": average_precision(score, up),
        "average_precision_down": average_precision(-score, ~up),
        **by_class(score, up),
    }
    if probability is not None:
        for name, errors in (("brier", (probability - up) ** 2), ("log_loss", log_losses(probability, up))):
            found[name] = float(errors.mean()), errors - errors.mean()
    return found


def _together(
    found: Mapping[str, Measured], block: float, draws: int | None, seed: int
) -> dict[str, Estimate]:
    """Their estimates, all from the same resamples."""
    done = {name: estimate(value, None) for name, (value, _) in found.items()}
    moving = [name for name, (value, pull) in found.items() if math.isfinite(value) and varies(pull)]
    if moving:
        columns = np.stack([found[name][1] for name in moving], axis=1)
        means = column_means(columns, block, draws_for(len(columns), draws), seed)
        for k, name in enumerate(moving):
            value, bounds = found[name][0], interval(means[:, k])
            done[name] = estimate(value, bounds and (value + bounds[0], value + bounds[1]))
    return done


def _bands(column: Floats, bands: int) -> Ints:
    """Band of each row, from 0, by rank: equally many rows a band, equal values never split."""
    return np.minimum((bands * (ranks(column) - 0.5) / max(len(column), 1)).astype(np.int64), bands - 1)


def return_by_decile(
    score: npt.ArrayLike, ret: npt.ArrayLike, *, bands: int = 10, draws: int | None = None, seed: int = 0
) -> list[Decile]:
    """Mean forward return by score band, with 95% intervals; bands emptied by ties are left out.

    Rows with a NaN are left out; DataError for an infinite number or columns of unequal length.

    >>> [(d.band, round(d.ret_bp.value)) for d in return_by_decile([1, 2, 3, 4], [0, 0, 0.01, 0.01], bands=2)]
    [(1, 0), (2, 100)]
    """
    s, r = np.asarray(score, np.float64), np.asarray(ret, np.float64)
    if len(s) != len(r):
        raise DataError(f"{len(s)} scores, {len(r)} returns", allowed="one length")
    check_finite("score", s)
    check_finite("forward return", r)
    known = ~(np.isnan(s) | np.isnan(r))
    s, r = s[known], r[known]
    band = _bands(s, bands)
    deciles = []
    for b in np.unique(band):
        chosen = band == b
        deciles.append(
            Decile(
                band=int(b) + 1,
                rows=int(chosen.sum()),
                score=float(s[chosen].mean()),
                ret_bp=mean(r[chosen] * 1e4, draws, seed),
            )
        )
    return deciles


def calibration(
    probability: npt.ArrayLike,
    value: npt.ArrayLike,
    *,
    bands: int = 10,
    draws: int | None = None,
    seed: int = 0,
) -> list[CalibrationBin]:
    """How often up happened where it was given a probability, by bands of equally many rows.

    Rows whose answer is 0 or NaN, or whose probability is NaN, are left out; DataError for a probability out
    of range or columns of unequal length.

    >>> [(b.predicted, b.happened.value) for b in calibration([0.2, 0.2, 0.8, 0.8], [-1, 1, 1, 1], bands=2)]
    [(0.2, 0.5), (0.8, 1.0)]
    """
    p, v = np.asarray(probability, np.float64), np.asarray(value, np.float64)
    if len(p) != len(v):
        raise DataError(f"{len(p)} probabilities, {len(v)} labels", allowed="one length")
    check_probability(p)
    known = ~np.isnan(p) & ~np.isnan(v) & (v != 0)
    p, up = p[known], (v[known] > 0).astype(np.float64)
    band = _bands(p, bands)
    return [
        CalibrationBin(
            band=int(b) + 1,
            rows=int((band == b).sum()),
            predicted=float(p[band == b].mean()),
            happened=mean(up[band == b], draws, seed),
        )
        for b in np.unique(band)
    ]
