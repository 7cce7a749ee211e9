"""Nobody can forget to count."""

from __future__ import annotations

import sqlite3
import subprocess
import sys

import pytest

from bateia.core import RunError
from bateia.runs import Ledger, Trial

WRITER = """
import sys
from bateia.runs import Ledger, Trial

ledger = Ledger(sys.argv[1])
for k in range(25):
    ledger.record(Trial("w", recipe_hash=f"{sys.argv[2]}-{k}", data_hash="d", metrics={"k": k}))
"""


def test_writers_at_once_lose_nothing_even_when_they_create_it_together(tmp_path):
    path = tmp_path / "ledger.sqlite"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(w)]) for w in range(4)]
    assert [writer.wait(timeout=60) for writer in writers] == [0] * 4
    ledger = Ledger(path)
    assert ledger.count("d") == len(ledger.trials("d")) == 100


def test_trials_come_back_as_written(tmp_path):
    ledger = Ledger(tmp_path / "deep" / "ledger.sqlite")
    ledger.record(Trial("naïve ₿", "r", "d", "run-1", {"sharpe": 1.25, "none": None}, "tuning"))
    (trial,) = ledger.trials()
    assert (trial.name, trial.recipe_hash, trial.data_hash, trial.run_id) == ("naïve ₿", "r", "d", "run-1")
    assert (trial.metrics, trial.note) == ({"sharpe": 1.25, "none": None}, "tuning")
    assert trial.time.endswith("+00:00")


def test_recipes_are_counted_and_evaluations_kept(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    for recipe, data in (("a", "x"), ("a", "x"), ("b", "x"), ("a", "y")):
        ledger.record(Trial("t", recipe, data))
    assert (ledger.count("x"), ledger.count("y"), ledger.count("z")) == (2, 1, 0)
    assert (len(ledger.trials("x")), len(ledger.trials())) == (3, 4)


def test_not_a_ledger(tmp_path):
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"this is no database, but it is long enough to be looked at" * 20)
    with pytest.raises(RunError, match=r"cannot use the trial ledger.*try: move it away"):
        Ledger(path)
    with pytest.raises(RunError, match="cannot use the trial ledger"):
        Ledger(path / "below")


def test_a_ledger_of_another_version(tmp_path):
    path = tmp_path / "ledger.sqlite"
    Ledger(path)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE ledger SET version = 99")
    db.close()
    with pytest.raises(RunError, match="is of version 99; allowed: version 1"):
        Ledger(path)
