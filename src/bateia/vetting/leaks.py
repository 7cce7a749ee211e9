"""A hunt for leaks in a recipe, on its own data: what a row is given must have been known by then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from bateia import research
from bateia.core import Bars, Spans
from bateia.core.events import Bools, Ints
from bateia.recipe import Recipe
from bateia.research import Silent, Watch
from bateia.vetting.case import (
    CUTS,
    Case,
    bars_of_others,
    decide,
    differ,
    differences,
    features_of,
    garbled,
    labels_of,
    moments,
    other_answer,
    seen,
    shift,
    skill,
)
from bateia.vetting.likeness import alike, doubled_trades, prints, repeated_stretch, shared_rows
from bateia.vetting.null import build
from bateia.vetting.surrogate import changed, rows_in_span

Verdict = Literal["ok", "leak", "not applicable"]
_SILENT = Silent()
_JUMP = 0.05
"""By how much the price jumps where the future is changed, log."""
_TOO_GOOD, _LEFT = 0.85, 0.25
"""An AUC that no market gives, and the share of its excess over 0.5 that a span further on must be left."""


@dataclass(frozen=True)
class Check:
    """What one check found: its evidence in words, and the first guilty rows (of bars, or of trades)."""

    name: str
    verdict: Verdict
    evidence: str
    rows: tuple[int, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self) | {"rows": list(self.rows)}


def hunt(recipe: Recipe, watch: Watch | None = None) -> list[Check]:
    """Every check of `CHECKS` on the recipe's own data, in order; DataError and the like as for a run."""
    watch = watch or _SILENT
    events = research.read(recipe, watch)
    theirs = {symbol: research.read(asset, watch, f" of {symbol}") for symbol, asset in recipe.others.items()}
    with watch.stage("Hunt leaks", 1 + len(CHECKS)) as advance:
        alone = recipe.model_copy(update={"baselines": ()})
        case = Case(alone, events, theirs, build(alone, events, bars_of_others(recipe, theirs)))
        advance(1)
        found = []
        for name, check in CHECKS.items():
            guilty, evidence, rows = check(case)
            verdict: Verdict = "not applicable" if guilty is None else "leak" if guilty else "ok"
            found.append(Check(name, verdict, evidence, tuple(int(row) for row in rows[:20])))
            advance(1)
    return found


Found = tuple[bool | None, str, Ints]
"""Guilty, not guilty or (None) not applicable; the evidence; the rows."""
NONE: Ints = np.empty(0, np.int64)


def future(case: Case) -> Found:
    """Bars, features and decided labels are the same, to the bit, whatever is traded afterwards."""
    market, compared = case.market, 0
    for cut in moments(case):
        for jump in (_JUMP, -_JUMP):
            bars, values = seen(case, changed(case.events, case.events.known_at > cut, jump))
            settled = int(np.searchsorted(case.decided, cut, side="right"))
            for name, column in market.bars[:settled].columns().items():
                rows = differ(bars.columns()[name][:settled], column)
                if len(rows):
                    return True, f"{name} of a bar depends on trades known after it", rows
            rows, columns = differences(values[:settled], market.features.values[:settled])
            if len(rows):
                named = ", ".join(market.features.plan.names[k] for k in columns[:5])
                return True, f"features that depend on trades known after their bar: {named}", rows
            compared += settled
    return False, f"{compared:,} bars and their features unmoved by {2 * CUTS} changed futures", NONE


def answers(case: Case) -> Found:
    """Labels rest on nothing after the moment they are known, and on something after their question."""
    labels, time, moved, pending = case.market.labels, case.market.bars.time, 0, 0
    early = labels.valid & ((labels.span.t0 < time) | (labels.span.t1 < case.decided))
    if early.any():
        return True, "labels whose answer is known before their row's decision", np.flatnonzero(early)
    for cut in moments(case):
        after = case.events.time > cut
        two = [labels_of(case, changed(case.events, after, jump)) for jump in (_JUMP, -_JUMP)]
        closed = int(np.searchsorted(time, cut, side="right"))
        known = np.flatnonzero(labels.valid[:closed] & (labels.span.t1[:closed] <= cut))
        for other in two:
            rows = known[other_answer(labels[known], other[known])]
            if len(rows):
                return True, "labels that look further than the moment they are said to be known", rows
        asked = np.flatnonzero(
            np.all([one.valid[:closed] & (one.span.t1[:closed] > cut) for one in two], axis=0)
        )
        pending += len(asked)
        moved += int((two[0].value[asked] != two[1].value[asked]).sum())
    if pending and not moved:
        return True, f"{pending:,} answers are the same whatever comes after their question", asked
    return False, f"{pending:,} open answers, {moved:,} of them turned by a changed future", NONE


def folds(case: Case) -> Found:
    """No training row's label span shares a moment with a test row's, in any fold."""
    span, pairs = case.market.labels.span, 0
    for k, fold in enumerate(case.market.folds):
        both = np.intersect1d(fold.train, fold.test)
        rows = both if len(both) else fold.train[overlapping(span[fold.train], span[fold.test])]
        if len(rows):
            return True, f"{len(rows):,} training rows of fold {k + 1} overlap the answers of its test", rows
        pairs += len(fold.train) * len(fold.test)
    return False, f"{len(case.market.folds)} folds, {pairs:,} pairs of spans apart", NONE


def overlapping(train: Spans, test: Spans) -> Bools:
    """Which training spans share a moment with any test span, shape (train,).

    Of the test spans that begin by a training span's end, does the one that lasts longest reach its start?

    >>> overlapping(Spans(np.array([0, 4, 9]), np.array([3, 5, 9])), Spans(np.array([5]), np.array([8])))
    array([False,  True, False])
    """
    order = np.argsort(test.t0, kind="stable")
    reach = np.maximum.accumulate(np.concatenate([[np.iinfo(np.int64).min], test.t1[order]]))
    met: Bools = reach[np.searchsorted(test.t0[order], train.t1, side="right")] >= train.t0
    return met


def fitted(case: Case) -> Found:
    """In each fold, what was fitted knows the fold's training rows and no others."""
    market = case.market
    for k, (fold, real) in enumerate(zip(market.folds, case.folds, strict=True)):
        outside = np.ones(len(market.bars), np.bool_)
        outside[fold.train] = False
        other = decide(case.recipe, garbled(market, outside, k), fold)
        asked = real.preparation.transform(market.features.values[fold.test])
        moved = {
            "preparation": real.preparation.dump() != other.preparation.dump(),
            "model": len(differ(real.model.predict(asked), other.model.predict(asked))) > 0,
            "policy": real.policy != other.policy,
        }
        for what, guilty in moved.items():
            if guilty:
                return True, f"the {what} of fold {k + 1} was fitted on rows outside its training", fold.test
    return False, f"{len(market.folds)} folds fitted again with all other rows changed: the same", NONE


def decisions(case: Case) -> Found:
    """Scores and targets stay, to the bit, when everything after them is changed."""
    market, compared = case.market, 0
    for k, (fold, real) in enumerate(zip(market.folds, case.folds, strict=True)):
        cut = int(fold.test[len(fold.test) // 2])
        after = np.arange(len(market.bars)) > cut
        if after[fold.train].any() or market.labels.span.t1[fold.train].max() > case.decided[cut]:
            continue
        other = decide(case.recipe, garbled(market, after, k), fold)
        until = cut + 1 - int(fold.test[0])
        for what in ("score", "target"):
            rows = differ(getattr(real, what)[:until], getattr(other, what)[:until])
            if len(rows):
                return True, f"a {what} of fold {k + 1} depends on later rows", rows + int(fold.test[0])
        compared += until
    if not compared:
        return None, "every fold trains on rows after its test", NONE
    return False, f"{compared:,} decisions unmoved by changed rows after them", NONE


def regimes(case: Case) -> Found:
    """A detector that learns did so before the first test, and a bar's regime rests on no later bar."""
    found, compared = case.market.regimes, 0
    if found is None:
        return None, "no regime", NONE
    first = min(int(fold.test[0]) for fold in case.market.folds)
    learns = case.recipe.regime is not None and not case.recipe.regime.ready
    cuts = [int(case.decided[first - 1]), *(cut for cut in moments(case) if cut >= case.decided[first])]
    for cut in cuts:
        bars = research.build_bars(
            case.recipe.bars, changed(case.events, case.events.known_at > cut, _JUMP), _SILENT
        )
        other = research.find_regimes(case.recipe, bars, case.market.features, case.market.labels, _SILENT)
        if other is None or other.detector != found.detector:
            return True, f"the {found.detector.kind} was fitted on bars from the first tested one on", NONE
        settled = int(np.searchsorted(case.decided, cut, side="right"))
        rows = differ(found.number[:settled], other.number[:settled])
        if len(rows):
            return True, "regimes that depend on trades known after their bar", rows
        compared += settled
    fitted_on = f"; fitted on the {first:,} bars before the first test" if learns else ""
    return False, f"{compared:,} regimes unmoved by {len(cuts)} changed futures{fitted_on}", NONE


def shifted(case: Case) -> Found:
    """Skill at the next span's answer is neither larger than at one's own, nor gone where that is huge."""
    labels, warm = case.market.labels, case.market.features.warm
    ask = warm[labels.valid[warm]]
    step = rows_in_span(labels, ask)
    if len(ask) < 10 * step:
        return None, f"{len(ask):,} answers are too few to be shifted by a span of {step:,} rows", NONE
    own, later = skill(case, labels), skill(case, shift(labels, step))
    if own is None or later is None or own.value is None or later.value is None:
        return None, "no skill to compare: answers of one class, too few of them, or one score for all", NONE
    told = f"AUC {own.value:.3f} at its own answers, {later.value:.3f} at those a span later"
    # Without an interval, rows that all pull alike: a skill that is perfect, or none.
    low = later.value if later.low is None else later.low
    high = own.value if own.high is None else own.high
    appears = low > high and later.value > 0.55
    vanishes = own.value > _TOO_GOOD and later.value - 0.5 < _LEFT * (own.value - 0.5)
    return appears or vanishes, told, NONE


def duplicates(case: Case) -> Found:
    """No test row's features are a training row's, and no trade or stretch of trades comes twice."""
    for search in (doubled_trades, repeated_stretch):
        rows, told = search(prints(case.events))
        if len(rows):
            return True, told, rows
    tests, expected, most = 0, 0.0, NONE
    for fold in case.market.folds:
        shared = shared_rows(case.market.features.values, fold.train, fold.test)
        if shared is None:
            return (
                None,
                "no trade comes twice; every feature takes few values, rows are bound to repeat",
                NONE,
            )
        tests, expected, most = tests + len(fold.test), expected + shared[1], np.union1d(most, shared[0])
    told = f"{len(most):,} of {tests:,} test rows have all the features of a training row"
    if len(most) > 0.001 * tests + expected + 4 * np.sqrt(expected):
        return True, f"{told}, by chance {expected:,.1f}", most
    return False, f"{told}; no trade comes twice", NONE


def features(case: Case) -> Found:
    """No feature is the answer in other words."""
    market = case.market
    rows = market.features.warm[market.labels.valid[market.features.warm]]
    effective = len(rows) / rows_in_span(market.labels, rows)
    if effective < 30:
        return None, f"{effective:.0f} answers that do not overlap are too few to compare with", NONE
    worst, said = 0.0, ""
    for name, column in zip(market.features.plan.names, market.features.values[rows].T, strict=True):
        for answer in (market.labels.ret[rows], market.labels.value[rows]):
            measure, size, limit = alike(column, answer, effective)
            if size / limit > worst:
                worst, said = size / limit, f"{name}: {measure} {size:.2f} with its answer, limit {limit:.2f}"
    return worst > 1, said or "no feature varies", NONE


def clocks(case: Case) -> Found:
    """No bar claims to be known before all its trades were."""
    bars, known_at = case.market.bars, case.events.known_at
    if isinstance(case.events, Bars):
        early = np.flatnonzero(bars.known_at < bars.time)
        return len(early) > 0, f"{len(bars):,} candles, {len(early):,} known before their close", early
    edges = np.concatenate([[0], np.cumsum(bars.trades.astype(np.int64))])
    if edges[-1] > len(known_at):
        return True, f"bars hold {edges[-1]:,} trades of {len(known_at):,}", NONE
    latest = np.maximum.reduceat(known_at[: edges[-1]], edges[:-1])
    early = np.flatnonzero((bars.known_at < latest) | (bars.known_at < bars.time))
    if len(early):
        return True, "bars that claim to be known before all their trades were", early
    return False, f"{len(bars):,} bars known no earlier than their trades", NONE


def joined(case: Case) -> Found:
    """Features see of other assets only what was known by their own bar."""
    if not case.others:
        return None, "no other asset", NONE
    market = case.market
    for cut in moments(case):
        theirs = {s: changed(one, one.known_at > cut, _JUMP) for s, one in case.others.items()}
        values = features_of(case.recipe, market.bars, case.other_bars(theirs))
        settled = int(np.searchsorted(case.decided, cut, side="right"))
        rows, columns = differences(values[:settled], market.features.values[:settled])
        if len(rows):
            named = ", ".join(market.features.plan.names[k] for k in columns[:5])
            return True, f"features that see another asset's trades before they were known: {named}", rows
    return False, f"{len(case.others)} other assets, {CUTS} changed futures: nothing moved before", NONE


CHECKS: dict[str, Callable[[Case], Found]] = {
    "future": future,
    "clocks": clocks,
    "others": joined,
    "answers": answers,
    "folds": folds,
    "fitted": fitted,
    "regimes": regimes,
    "decisions": decisions,
    "shifted": shifted,
    "features": features,
    "duplicates": duplicates,
}
"""Name -> check."""
