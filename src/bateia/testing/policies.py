"""The checks that every policy passes: no cut shows, no opinion is no position, what it learnt is saved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from bateia.core import DataError
from bateia.core.events import Floats
from bateia.testing.suite import run_suite
from bateia.trading import Policy

EXAMPLES = 30
"""Cuts of the input that are drawn."""


def generated_scores(rows: int = 600, seed: int = 0) -> tuple[Floats, Floats]:
    """Persistent scores in (-1, 1), some unknown, and returns that follow them a little. For tests only."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=rows + 4)
    score = np.tanh(np.convolve(steps, np.full(5, 0.3), "valid"))
    ret = 2e-3 * score + rng.normal(0, 3e-3, rows)
    score[rng.random(rows) < 0.05] = np.nan
    return score, ret


def check_policy(
    policy: Policy, score: Floats, ret: Floats, exclude: Mapping[str, str] | None = None
) -> list[str]:
    """Run every check of a policy, which learns from the first half of the rows; names of those run.

    AssertionError where the policy breaks the contract; `exclude` maps a check's name to the reason.

    >>> from bateia.trading import Threshold
    >>> check_policy(Threshold(enter=0.3, exit=0.1), *generated_scores())
    ['inputs', 'targets', 'cuts', 'causal', 'unknown', 'snapshot', 'foreign', 'fit', 'config']
    """
    return run_suite(CHECKS, policy, score, ret, exclude=exclude)


def _learnt(policy: Policy, score: Floats, ret: Floats) -> Policy:
    half = len(score) // 2
    return policy.fit(score[:half], ret[:half])


def _targets(policy: Policy, score: Floats, ret: Floats) -> int:
    """One finite target in [-1, 1] a score, and some that are not 0."""
    target = _learnt(policy, score, ret).run(score)
    assert target.shape == score.shape and target.dtype == np.float64
    assert np.isfinite(target).all() and (np.abs(target) <= 1).all(), "a target lies outside [-1, 1]"
    assert target.any(), "the policy never leaves flat on these scores"
    return 3


def _cuts(policy: Policy, score: Floats, ret: Floats) -> int:
    """Any cut of the scores gives the same targets, bit for bit."""
    fitted, rng = _learnt(policy, score, ret), np.random.default_rng(0)
    whole = fitted.run(score).tobytes()
    for k in range(EXAMPLES):
        count = len(score) if k == 0 else int(rng.integers(1, 8))
        edges = np.arange(1, count) if k == 0 else np.sort(rng.integers(0, len(score), count))
        stream = fitted.start()
        parts = [stream.run(part) for part in np.split(score, edges)]
        assert np.concatenate(parts).tobytes() == whole, f"cut at {edges.tolist()[:8]}: other targets"
    return EXAMPLES


def _causal(policy: Policy, score: Floats, ret: Floats) -> int:
    """No target knows a later score."""
    fitted, rng = _learnt(policy, score, ret), np.random.default_rng(1)
    whole = fitted.run(score)
    for _ in range(EXAMPLES):
        k = int(rng.integers(1, len(score)))
        other = np.concatenate([score[:k], rng.uniform(-1, 1, len(score) - k)])
        assert np.array_equal(fitted.run(other)[:k], whole[:k]), f"a target before row {k} knows that row"
    return EXAMPLES


def _unknown(policy: Policy, score: Floats, ret: Floats) -> int:
    """No opinion, no position: a NaN score goes flat."""
    fitted = _learnt(policy, score, ret)
    unknown = score.copy()
    unknown[3::7] = np.nan
    assert not fitted.run(unknown)[np.isnan(unknown)].any(), "a position is held on a NaN score"
    assert not fitted.run(np.full(5, np.nan)).any()
    return 2


def _snapshot(policy: Policy, score: Floats, ret: Floats) -> int:
    """A snapshot resumes to the same targets, does not follow the stream, and holds arrays alone."""
    fitted, rng = _learnt(policy, score, ret), np.random.default_rng(2)
    whole = fitted.run(score)
    for _ in range(EXAMPLES):
        k = int(rng.integers(0, len(score) + 1))
        stream = fitted.start()
        stream.run(score[:k])
        saved = stream.snapshot()
        assert all(isinstance(column, np.ndarray) for column in saved.values())
        stream.run(score[k:])
        resumed = fitted.restore(saved).run(score[k:])
        assert np.array_equal(resumed, whole[k:]), f"resumed at row {k}: other targets"
    return EXAMPLES


def _foreign(policy: Policy, score: Floats, ret: Floats) -> int:
    """A snapshot that is not this policy's is refused."""
    fitted = _learnt(policy, score, ret)
    good = fitted.start().snapshot()
    foreign: tuple[dict[str, Any], ...] = (
        {},
        {**good, "other": np.zeros(1)},
        {**good, "target": np.zeros(2)},
        {**good, "target": np.array([np.nan])},
        {**good, "target": np.array([1.5])},
    )
    for bad in foreign:
        try:
            fitted.restore(bad)
        except DataError:
            continue
        raise AssertionError(f"a foreign snapshot is taken: {bad}")
    return len(foreign)


def _fit(policy: Policy, score: Floats, ret: Floats) -> int:
    """Fitting is ready for use, repeatable, keeps what is known, and leaves the policy itself as it was."""
    before = policy.model_dump()
    once, twice = (_learnt(policy, score, ret) for _ in range(2))
    assert once.ready and once == twice, "two fits of the same rows differ"
    assert policy.model_dump() == before, "fit changed the policy it was called on"
    assert once.fit(-score, ret) == once, "a fitted policy learns again"
    return 4


def _inputs(policy: Policy, score: Floats, ret: Floats) -> int:
    """Scores and returns stay as they are; scores that are not contiguous give the same targets."""
    kept = score.copy(), ret.copy()
    fitted = _learnt(policy, score, ret)
    whole = fitted.run(score)
    same = np.array_equal(score, kept[0], equal_nan=True) and np.array_equal(ret, kept[1])
    assert same, "scores or returns are overwritten"
    strided = np.repeat(score, 2)[::2]
    assert np.array_equal(fitted.run(strided), whole)
    assert len(fitted.run(score[:0])) == 0
    return 3


def _config(policy: Policy, score: Floats, ret: Floats) -> int:
    """What it learnt is saved with it, as JSON, to the last bit."""
    fitted = _learnt(policy, score, ret)
    for each in (policy, fitted):
        again = type(each).model_validate(json.loads(json.dumps(each.model_dump(mode="json"))))
        assert again == each, "reads back another policy"
    assert np.array_equal(again.run(score), fitted.run(score))
    return 3


CHECKS = {
    # First: what overwrites its input would pass every check after it.
    "inputs": _inputs,
    "targets": _targets,
    "cuts": _cuts,
    "causal": _causal,
    "unknown": _unknown,
    "snapshot": _snapshot,
    "foreign": _foreign,
    "fit": _fit,
    "config": _config,
}
