"""The checks that every splitter passes, by brute force over pairs of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from bateia.core import Component, Spans
from bateia.core.events import Bools, Ints
from bateia.splits import Fold, Splitter, quiet_time
from bateia.testing.suite import run_suite


def generated_spans(rows: int = 200, seed: int = 0) -> Spans:
    """Label spans of irregular starts, some equal, and of irregular lengths, some nothing. For tests only."""
    rng = np.random.default_rng(seed)
    t0 = 1_600_000_000_000_000 + np.cumsum(rng.integers(0, 5, rows)) * 1_000_000
    return Spans(t0, t0 + rng.integers(0, 12, rows) * 1_000_000)


def generated_regimes(rows: int = 200, seed: int = 0, regimes: int = 3, stays: float = 0.9) -> Ints:
    """Regime of each row, int64: the last one's with probability `stays`, else any. For tests only."""
    rng = np.random.default_rng(seed)
    fresh = np.append(True, rng.random(rows - 1) >= stays)
    drawn = rng.integers(0, regimes, rows)
    return drawn[np.maximum.accumulate(np.where(fresh, np.arange(rows), 0))]


def check_splitter(
    splitter: Splitter,
    spans: Spans,
    exclude: Mapping[str, str] | None = None,
    groups: Ints | None = None,
) -> list[str]:
    """Run every check of a splitter on `spans` (50 rows or more); returns the names of the checks run.

    Each is run twice: on the spans as they are, and stretched to reach three rows further at least, so
    that there is always something to purge. `groups` are the regimes of the rows, for a splitter that asks
    for them. O(n^2) time and memory: use some hundred rows.
    AssertionError where the splitter breaks the contract; `exclude` maps a check's name to the reason.

    >>> from bateia.splits import WalkForward
    >>> check_splitter(WalkForward(folds=3), generated_spans())
    ['rows', 'covers', 'decided', 'overlap', 'embargo', 'reasons', 'repeats', 'config']
    """
    if len(spans) < 50:
        raise AssertionError(f"{len(spans)} rows are too few to check a splitter; allowed: 50 or more")
    return run_suite(CHECKS, splitter, spans, groups, exclude=exclude)


def _cases(splitter: Splitter, spans: Spans, groups: Ints | None) -> Iterator[tuple[Spans, Fold]]:
    later = spans.t0[np.minimum(np.arange(len(spans)) + 3, len(spans) - 1)]
    for case in (spans, Spans(spans.t0, np.maximum(spans.t1, later))):
        for fold in splitter.split(case, groups):
            yield case, fold


def _quiet(splitter: Splitter, fold: Fold, spans: Spans) -> int:
    return quiet_time(splitter.embargo, np.union1d(fold.train, fold.purged), spans)


def _meet(rows: Ints, test: Ints, spans: Spans, before: int = 0, after: int = 0) -> Bools:
    """Which `rows` have a span that meets a test span widened by `before` and `after`: every pair is seen."""
    late = spans.t0[rows][:, None] > spans.t1[test][None, :] + after
    early = spans.t1[rows][:, None] < spans.t0[test][None, :] - before
    meets: Bools = np.any(~late & ~early, axis=1)
    return meets


def rows(splitter: Splitter, spans: Spans, groups: Ints | None = None) -> int:
    """Row numbers: int64, sorted, each once, in range, in one part only, and none empty but `purged`."""
    seen = 0
    for case, fold in _cases(splitter, spans, groups):
        for name, part in (("train", fold.train), ("test", fold.test), ("purged", fold.purged)):
            assert part.dtype == np.int64, f"{name} is {part.dtype}, not int64"
            assert np.all(np.diff(part) > 0), f"{name} is not sorted, or holds a row twice"
            assert not len(part) or (part[0] >= 0 and part[-1] < len(case)), f"{name} holds rows out of range"
            assert len(part) or name == "purged", f"{name} is empty"
            seen += len(part)
        everything = np.concatenate([fold.train, fold.test, fold.purged])
        assert len(np.unique(everything)) == len(everything), "train, test and purged share a row"
    return seen


def covers(splitter: Splitter, spans: Spans, groups: Ints | None = None) -> int:
    """From the first row that is tested, every row is."""
    tested = np.unique(np.concatenate([fold.test for fold in splitter.split(spans, groups)]))
    missing = np.setdiff1d(np.arange(tested[0], len(spans)), tested)
    assert not len(missing), f"{len(missing)} rows are never tested, the first is {missing[0]}"
    return len(tested)


def decided(splitter: Splitter, spans: Spans, groups: Ints | None = None) -> int:
    """On every path each tested row is decided once, by a fold that tests it; paths run on in time."""
    folds, paths = splitter.split(spans, groups), splitter.decided(spans, groups)
    tested = np.unique(np.concatenate([fold.test for fold in folds]))
    seen = 0
    for path in paths:
        rows = np.concatenate([np.arange(piece.start, piece.stop) for piece in path])
        assert np.all(np.diff(rows) > 0), "a path goes back in time, or decides a row twice"
        missing = np.setxor1d(rows, tested)
        assert not len(missing), f"{len(missing)} rows are tested or decided, not both: {missing[:3]}"
        for piece in path:
            foreign = np.setdiff1d(np.arange(piece.start, piece.stop), folds[piece.fold].test)
            assert not len(foreign), f"fold {piece.fold} decides rows it does not test: {foreign[:3]}"
        seen += len(rows)
    return seen


def overlap(splitter: Splitter, spans: Spans, groups: Ints | None = None) -> int:
    """No training row's span shares a moment with a test row's span."""
    pairs = 0
    for case, fold in _cases(splitter, spans, groups):
        guilty = fold.train[_meet(fold.train, fold.test, case)]
        assert not len(guilty), f"{len(guilty)} training rows overlap the test, the first is {guilty[:1]}"
        pairs += len(fold.train) * len(fold.test)
    return pairs


def embargo(splitter: Splitter, spans: Spans, groups: Ints | None = None) -> int:
    """No training row starts within the embargo after a test row's span.

    Nor, where no fold trains on what comes after its test, is an answer known within the embargo before it.
    """
    pairs = 0
    cases = list(_cases(splitter, spans, groups))
    past = all(fold.train[-1] < fold.test[0] for _, fold in cases)
    for case, fold in cases:
        quiet = _quiet(splitter, fold, case)
        guilty = fold.train[_meet(fold.train, fold.test, case, quiet if past else 0, quiet)]
        assert not len(guilty), f"{len(guilty)} training rows lie within the embargo of {quiet} us"
        pairs += len(fold.train) * len(fold.test)
    return pairs


def reasons(splitter: Splitter, spans: Spans, groups: Ints | None = None) -> int:
    """Every purged row meets a test span, or the embargo around it; and where spans meet, some are purged."""
    purged = 0
    for case, fold in _cases(splitter, spans, groups):
        quiet = _quiet(splitter, fold, case)
        idle = fold.purged[~_meet(fold.purged, fold.test, case, quiet, quiet)]
        assert not len(idle), f"{len(idle)} rows were purged without a reason, the first is {idle[:1]}"
        purged += len(fold.purged)
    assert purged, "nothing was purged, though spans reach over the edges"
    return purged


def repeats(splitter: Splitter, spans: Spans, groups: Ints | None = None) -> int:
    """The same folds again, also a day later, and the spans are left as they were."""
    t0, t1, day = spans.t0.copy(), spans.t1.copy(), 86_400_000_000
    folds = splitter.split(spans, groups)
    later = Spans(t0 + day, t1 + day)
    for other in (splitter.split(spans, groups), splitter.split(later, groups)):
        assert len(other) == len(folds), "another number of folds the second time"
        for one, two in zip(folds, other, strict=True):
            for name in ("train", "test", "purged"):
                same = np.array_equal(getattr(one, name), getattr(two, name))
                assert same, f"{name} differs the second time"
    assert np.array_equal(spans.t0, t0), "the splitter changed t0"
    assert np.array_equal(spans.t1, t1), "the splitter changed t1"
    return len(folds)


def config(splitter: Splitter, spans: Spans, groups: Ints | None = None) -> int:
    """The splitter reads back its own parameters, and equals what it reads."""
    assert isinstance(splitter, Component), f"{type(splitter).__name__} is not a Component"
    again = type(splitter).model_validate(splitter.model_dump(mode="json"))
    assert again == splitter, f"{splitter!r} reads back as {again!r}"
    assert type(splitter).model_validate_json(splitter.model_dump_json()) == splitter
    assert hash(again) == hash(splitter)
    return 3


CHECKS = {
    "rows": rows,
    "covers": covers,
    "decided": decided,
    "overlap": overlap,
    "embargo": embargo,
    "reasons": reasons,
    "repeats": repeats,
    "config": config,
}
