"""Tests of luck: 1,000 generated trials over 2,500 days, and the ledger that feeds them."""

from __future__ import annotations

import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from benchmarks.harness import Row, median_time

from bateia.backtest.bootstrap import DRAWS
from bateia.backtest.chance import (
    assess,
    confidence_set,
    deflated_sharpe,
    luck,
    moments,
    overfitting,
    superior,
)
from bateia.core.events import Floats
from bateia.runs import DailyProfits, Ledger, Trial

DAYS, TRIALS = 2_500, 1_000
PEER_TRIALS, PEER_DRAWS = 50, 500
NONE = float("nan")


def generated_trials(trials: int = TRIALS) -> Floats:
    """Correlated daily profits with fat tails, no skill."""
    rng = np.random.default_rng(1)
    common: Floats = rng.standard_t(4, size=(DAYS, 1))
    noise: Floats = rng.standard_t(4, size=(DAYS, trials))
    return 0.5 * common + noise


def dsr(x: Floats) -> float:
    """The deflated Sharpe ratio of the best trial, effective number of trials included."""
    best = x[:, np.argmax(x.mean(axis=0) / x.std(axis=0))]
    tried = luck(x)
    return deflated_sharpe(moments(best), tried.effective, tried.variance)


def plain_pbo(x: Floats, splits: int) -> list[float]:
    """Split by split from the rows, as the scripts in circulation do; the first `splits` of 12,870."""
    from itertools import combinations, islice

    blocks, ranks = np.split(x, np.arange(1, 16) * len(x) // 16), []
    for half in islice(combinations(range(16), 8), splits):
        train = np.concatenate([blocks[b] for b in half])
        test = np.concatenate([blocks[b] for b in range(16) if b not in half])
        inside, outside = (rows.mean(axis=0) / rows.std(axis=0, ddof=1) for rows in (train, test))
        ranks.append(float(np.mean(outside < outside[np.argmax(inside)])))
    return ranks


def _peers() -> list[Row]:
    if find_spec("arch") is None:
        return []
    from arch.bootstrap import MCS, SPA

    x = generated_trials(PEER_TRIALS)
    sizes = f"{PEER_TRIALS} trials, {PEER_DRAWS} draws"

    def arch_spa() -> None:
        SPA(np.zeros(DAYS), -x, block_size=2, reps=PEER_DRAWS, seed=1).compute()

    def arch_mcs() -> None:
        MCS(-x, size=0.05, block_size=2, reps=PEER_DRAWS, seed=1).compute()

    ours = median_time(lambda: superior(x, draws=PEER_DRAWS, block=2), 3) * 1e3
    theirs = median_time(arch_spa, 3, 0) * 1e3
    rows = [Row(f"SPA, {sizes}", "ms", ours, "arch", theirs, ">= 1x", theirs >= ours)]
    ours = median_time(lambda: confidence_set(x, draws=PEER_DRAWS, block=2), 3) * 1e3
    theirs = median_time(arch_mcs, 3, 0) * 1e3
    return [*rows, Row(f"model confidence set, {sizes}", "ms", ours, "arch", theirs, ">= 1x", theirs >= ours)]


def rows() -> list[Row]:
    """DSR, PBO and SPA together under 5 s; each alone; beside arch; and out of a ledger."""
    x = generated_trials()
    work = f"{TRIALS:,} trials x {DAYS:,} days"
    each = {
        "DSR with effective trials": median_time(lambda: dsr(x), 3),
        "PBO, 12,870 splits": median_time(lambda: overfitting(x), 3),
        f"SPA and reality check, {DRAWS:,} draws": median_time(lambda: superior(x), 3),
    }
    together = sum(each.values())
    made = [Row(f"DSR + PBO + SPA, {work}", "s", together, "none", NONE, "<= 5 s", together <= 5)]
    made += [Row(name, "s", seconds, "none", NONE, "<= 5 s", seconds <= 5) for name, seconds in each.items()]
    slow = median_time(lambda: plain_pbo(x, 20), 1, 0) * 12_870 / 20
    ours = each["PBO, 12,870 splits"]
    made.append(Row("PBO", "s", ours, "numpy, split by split", slow, ">= 100x", slow >= 100 * ours))
    chosen = median_time(lambda: confidence_set(x), 1)
    made.append(
        Row(f"model confidence set, {DRAWS:,} draws", "s", chosen, "none", NONE, "<= 10 s", chosen <= 10)
    )
    made += _peers()
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.sqlite")
        for k, column in enumerate(x.T):
            ledger.record(Trial("generated", str(k), "d", profits=DailyProfits(0, column)))
        read = median_time(lambda: ledger.matrix("d"), 3)
        made.append(Row("ledger to matrix", "s", read, "none", NONE, "<= 1 s", read <= 1))
        everything = median_time(lambda: assess(ledger, "7", "d"), 1)
    work = "assess: all of it, out of the ledger"
    return [*made, Row(work, "s", everything, "none", NONE, "<= 10 s", everything <= 10)]


if __name__ == "__main__":
    for row in rows():
        print(
            f"{row.work:52} {row.ours:10.3f} {row.theirs:10.3f} {row.unit:4} {row.peer} {row.goal} {row.met}"
        )
