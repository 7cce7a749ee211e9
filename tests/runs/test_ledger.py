"""Nobody can forget to count: on SQLite, and on PostgreSQL where there is a server."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bateia.core import ConfigError, DataError, RunError
from bateia.core.clock import DAY
from bateia.core.database_url import without_password
from bateia.runs import DailyProfits, Ledger, Trial, TrialMatrix

WRITERS, ROWS = 8, 25
WRITER = """
import sys
import numpy as np
from bateia.runs import DailyProfits, Ledger, Trial

ledger, writer = Ledger(sys.argv[1]), int(sys.argv[2])
for k in range(int(sys.argv[3])):
    daily = DailyProfits(0, np.full(300, 1000.0 * writer + k))
    ledger.record(Trial("w", f"{writer}-{k}", "d", metrics={"k": k}, parent=str(writer), profits=daily))
"""


def set_version(where, version):
    if where.startswith("postgresql"):
        import psycopg

        with psycopg.connect(where) as db:
            db.execute("UPDATE bateia_ledger SET version = %s", (version,))
        return
    with sqlite3.connect(where) as db:
        db.execute("UPDATE ledger SET version = ?", (version,))
    db.close()


def test_eight_writers_at_once_lose_nothing_even_when_they_create_it_together(where):
    commands = [[sys.executable, "-c", WRITER, where, str(w), str(ROWS)] for w in range(WRITERS)]
    writers = [subprocess.Popen(command) for command in commands]
    assert [writer.wait(timeout=120) for writer in writers] == [0] * WRITERS
    ledger = Ledger(where)
    trials = ledger.trials("d")
    assert ledger.count("d") == len(trials) == WRITERS * ROWS
    for trial in trials:
        writer, k = map(int, trial.recipe_hash.split("-"))
        assert (trial.metrics, trial.parent) == ({"k": k}, str(writer))
        assert trial.profits == DailyProfits(0, np.full(300, 1000.0 * writer + k))
    for w in range(WRITERS):
        mine = [trial.metrics["k"] for trial in trials if trial.parent == str(w)]
        assert mine == list(range(ROWS))


def test_trials_come_back_as_written(where):
    ledger = Ledger(where)
    daily = DailyProfits(3 * DAY, np.array([0.1, -0.0, 1e300]))
    written = Trial(
        "naïve ₿", "r", "d", "run-1", {"sharpe": 1.25, "none": None}, "tuning", parent="p", profits=daily
    )
    ledger.record(written)
    ledger.record(Trial("bare", "q", "d"))
    first, second = Ledger(where).trials()
    assert first == replace(written, time=first.time)
    assert first.profits.values.tobytes() == daily.values.tobytes()
    assert first.time.endswith("+00:00")
    assert second == Trial("bare", "q", "d", time=second.time)


def test_recipes_are_counted_and_evaluations_kept(where):
    ledger = Ledger(where)
    for recipe, data in (("a", "x"), ("a", "x"), ("b", "x"), ("a", "y")):
        ledger.record(Trial("t", recipe, data))
    assert (ledger.count("x"), ledger.count("y"), ledger.count("z")) == (2, 1, 0)
    assert (len(ledger.trials("x")), len(ledger.trials())) == (3, 4)


def test_the_matrix_has_each_recipes_latest_known_profits_by_day(where):
    ledger = Ledger(where)

    def add(recipe, start=None, *values, data="d"):
        daily = None if start is None else DailyProfits(start * DAY, np.array(values, float))
        ledger.record(Trial("t", recipe, data, profits=daily))

    add("a", 0, 9, 9)
    add("b", 2, 4)
    add("c")
    add("other", 0, 7, data="e")
    add("a", 1, 1, 2)
    add("a")
    found = ledger.matrix("d")
    assert (found.recipes, found.count) == (("a", "b"), 3)
    assert found.days.tolist() == [DAY, 2 * DAY]
    np.testing.assert_array_equal(found.profits, [[1, np.nan], [2, 4]])
    empty = ledger.matrix("unknown")
    assert (empty.recipes, empty.profits.shape, empty.count) == ((), (0, 0), 0)


def test_a_search_that_tries_a_recipe_again_does_not_stand_in_for_its_run(where):
    ledger = Ledger(where)
    for parent, values in (("p", [1.0]), ("", [1.0, 2.0, 3.0]), ("p", [1.0])):
        ledger.record(Trial("t", "a", "d", parent=parent, profits=DailyProfits(0, np.array(values))))
    ledger.record(Trial("t", "b", "d", parent="p", profits=DailyProfits(0, np.array([4.0]))))
    found = ledger.matrix("d")
    assert found.recipes == ("a", "b")
    np.testing.assert_array_equal(found.profits, [[1, 4], [2, np.nan], [3, np.nan]])


def test_a_ledger_of_another_version(where):
    Ledger(where)
    set_version(where, 99)
    with pytest.raises(RunError, match="is of version 99; allowed: versions 1 and 2"):
        Ledger(where)


def test_a_ledger_of_version_1_is_brought_up_to_date(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with sqlite3.connect(path) as db:
        db.executescript(
            """CREATE TABLE ledger (version INTEGER NOT NULL);
            INSERT INTO ledger VALUES (1);
            CREATE TABLE trials (id INTEGER PRIMARY KEY, time TEXT NOT NULL, name TEXT NOT NULL,
                recipe_hash TEXT NOT NULL, data_hash TEXT NOT NULL, run_id TEXT NOT NULL,
                metrics TEXT NOT NULL, note TEXT NOT NULL);
            CREATE INDEX trials_by_data ON trials (data_hash, recipe_hash);
            INSERT INTO trials VALUES (7, '2026-01-01T00:00:00+00:00', 'old', 'r', 'd', 'run', '{"s": 1}',
                'n');
            """
        )
    db.close()
    ledger = Ledger(path)
    assert ledger.trials() == [Trial("old", "r", "d", "run", {"s": 1}, "n", time="2026-01-01T00:00:00+00:00")]
    ledger.record(Trial("new", "s", "d", profits=DailyProfits(0, np.ones(2))))
    again = Ledger(path)
    assert (again.count("d"), again.matrix("d").recipes) == (2, ("s",))


def test_not_a_ledger(tmp_path):
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"this is no database, but it is long enough to be looked at" * 20)
    with pytest.raises(RunError, match=r"cannot use the trial ledger.*try: move it away"):
        Ledger(path)
    with pytest.raises(RunError, match="cannot use the trial ledger"):
        Ledger(path / "below")
    with sqlite3.connect(tmp_path / "foreign.sqlite") as db:
        db.execute("CREATE TABLE trials (anything)")
    db.close()
    with pytest.raises(RunError, match="table trials already exists"):
        Ledger(tmp_path / "foreign.sqlite")
    with sqlite3.connect(tmp_path / "foreign.sqlite") as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("trials",)]
    db.close()


def test_no_such_database_says_so_without_the_password():
    pytest.importorskip("psycopg")
    with pytest.raises(RunError, match=r"trial ledger 'postgresql://me@127\.0\.0\.1:1/lab'") as e:
        Ledger("postgresql://me:secret@127.0.0.1:1/lab?password=secret")
    assert "secret" not in str(e.value)
    with pytest.raises(ConfigError, match="unescaped") as e:
        Ledger("postgresql://me:sec@ret@127.0.0.1:1/lab")
    assert "sec" not in str(e.value)
    with pytest.raises(RunError, match="allowed: a path, or postgresql://"):
        Ledger("mysql://me:secret@host/lab")
    assert without_password("postgresql:///lab?password=secret") == "postgresql:///lab"


def test_postgresql_without_its_driver_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(RunError, match=r"needs psycopg.*try: pip install 'bateia\[postgres\]'"):
        Ledger("postgresql://me@host/lab")


def test_a_failed_write_leaves_nothing(where):
    ledger = Ledger(where)
    with pytest.raises(RunError, match="cannot use the trial ledger"):
        ledger.record(Trial("t", None, "d"))
    assert ledger.trials() == []


@given(
    st.lists(st.tuples(st.integers(0, 20 * DAY), st.floats(-1e6, 1e6)), min_size=1, max_size=40),
)
def test_daily_profits_add_up_to_the_account(rows):
    time = np.sort([t for t, _ in rows])
    net = np.array([profit for _, profit in rows])
    daily = DailyProfits.of(time, net)
    # A bar that closes at midnight ends the day before.
    slow = {}
    for t, gain in zip(time, np.diff(net, prepend=0.0), strict=True):
        slow[(t - 1) // DAY] = slow.get((t - 1) // DAY, 0.0) + gain
    days = range(min(slow), max(slow) + 1)
    np.testing.assert_allclose(daily.values, [slow.get(day, 0.0) for day in days], atol=1e-6)
    assert daily.start == min(slow) * DAY
    assert DailyProfits.unpack(daily.start, daily.pack()) == daily


def test_daily_profits_refuse_what_they_cannot_mean():
    ones = np.ones(2)
    for start, values in ((1, ones), (0, np.empty(0)), (0, np.ones((2, 2)))):
        with pytest.raises(DataError, match="allowed: one a day"):
            DailyProfits(start, values)
    with pytest.raises(DataError, match="the profit of 1970-01-02 is nan"):
        DailyProfits(0, np.array([1.0, np.nan]))
    for time, net in (([1, 2], [1.0]), ([2, 1], [1.0, 2.0]), ([], [])):
        with pytest.raises(DataError, match="allowed: one profit a time"):
            DailyProfits.of(time, net)
    with pytest.raises(DataError, match="an account over"):
        DailyProfits.of([0, 10**17], [1.0, 2.0])
    with pytest.raises(DataError, match="cannot be read"):
        DailyProfits.unpack(0, b"nonsense")
    values = np.ones(2)
    kept = DailyProfits(0, values)
    values[0] = 5.0
    assert kept == DailyProfits(0, np.ones(2)) != DailyProfits(DAY, np.ones(2))
    assert hash(kept) == hash(DailyProfits(0, np.ones(2)))
    assert kept != "profits"


def test_matrix_of_nothing_and_of_gaps():
    far = TrialMatrix.of([("a", DailyProfits(0, np.ones(1))), ("b", DailyProfits(4 * DAY, np.ones(1)))], 2)
    assert np.isnan(far.profits).sum() == 8
    assert far.profits.shape == (5, 2)
