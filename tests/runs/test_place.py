"""Which ledger a folder of runs counts in: its own file, or a database that many share."""

import numpy as np
import pytest

from bateia.core import ConfigError, RunError
from bateia.runs import DailyProfits, Ledger, Trial, has_ledger, ledger_of, ledger_place, share_ledger

TRIALS = [
    Trial("a", "r1", "d", run_id="x", metrics={"net": -1.5}, profits=DailyProfits(0, np.array([1.0, -2.5]))),
    Trial("b", "r2", "d", note="failed", parent="r1"),
]


def test_a_file_in_the_folder_unless_it_says_otherwise(tmp_path):
    assert not has_ledger(tmp_path)
    assert ledger_place(tmp_path) == str(tmp_path / "ledger.sqlite")
    ledger_of(tmp_path).record(TRIALS[0])
    assert has_ledger(tmp_path)
    assert Ledger(tmp_path / "ledger.sqlite").count("d") == 1


@pytest.mark.parametrize("where", ["postgres"], indirect=True)
def test_what_the_file_counted_goes_along(where, tmp_path):
    for trial in TRIALS:
        ledger_of(tmp_path).record(trial)
    kept = ledger_of(tmp_path).trials()
    assert share_ledger(tmp_path, where) == 2
    assert ledger_place(tmp_path) == where
    assert has_ledger(tmp_path)
    moved = ledger_of(tmp_path).trials()
    assert [str(trial) for trial in moved] == [str(trial) for trial in kept]
    assert np.array_equal(moved[0].profits.values, [1.0, -2.5])
    assert not (tmp_path / "ledger.sqlite").exists()
    assert share_ledger(tmp_path, where) == 0
    other = tmp_path / "other"
    assert share_ledger(other, where) == 0
    ledger_of(other).record(Trial("c", "r3", "d"))
    assert ledger_of(tmp_path).count("d") == 3


@pytest.mark.parametrize(
    "url", ["postgresql://me:secret@h/db", "postgresql://me@h/db?password=secret", "runs/other.sqlite"]
)
def test_no_password_is_kept_and_no_file_is_shared(url, tmp_path):
    with pytest.raises(ConfigError) as caught:
        share_ledger(tmp_path, url)
    assert "secret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_is_not_there_changes_nothing(tmp_path):
    ledger_of(tmp_path).record(TRIALS[0])
    with pytest.raises(RunError, match="cannot use the trial ledger"):
        share_ledger(tmp_path, "postgresql://me@127.0.0.1:1/none")
    assert ledger_of(tmp_path).count("d") == 1
    assert ledger_place(tmp_path).endswith("ledger.sqlite")
