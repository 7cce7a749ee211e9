"""The trial ledger: every evaluation of a recipe on a dataset, so that nobody can forget to count."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bateia.core import RunError
from bateia.runs.profits import DailyProfits, TrialMatrix
from bateia.runs.store import Run, open_store

SCHEMA_VERSION = 2
_COLUMNS = "name, recipe_hash, data_hash, run_id, metrics, note, time, parent, first_day, profits"
_TABLE = """
CREATE TABLE {prefix}trials (
    id {identity},
    time TEXT NOT NULL,
    name TEXT NOT NULL,
    recipe_hash TEXT NOT NULL,
    data_hash TEXT NOT NULL,
    run_id TEXT NOT NULL,
    metrics TEXT NOT NULL,
    note TEXT NOT NULL,
    parent TEXT NOT NULL DEFAULT '',
    first_day BIGINT,
    profits {blob}
)"""
_INDEX = "CREATE INDEX {prefix}trials_by_data ON {prefix}trials (data_hash, recipe_hash)"
_FROM_1 = (
    "ALTER TABLE {prefix}trials ADD COLUMN parent TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE {prefix}trials ADD COLUMN first_day BIGINT",
    "ALTER TABLE {prefix}trials ADD COLUMN profits {blob}",
)


@dataclass(frozen=True)
class Trial:
    """One evaluation: which recipe, on which data, what came out."""

    name: str
    recipe_hash: str
    data_hash: str
    run_id: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    time: str = ""
    """ISO 8601, UTC; set when recorded."""
    parent: str = ""
    """Hash of the recipe whose tuning tried this one; empty for a run of its own."""
    profits: DailyProfits | None = None
    """Net profit by day: what tests of luck need."""


class Ledger:
    """A SQLite file of trials, or a PostgreSQL database; several processes may write at once.

    A ledger of version 1, which kept no profits, is brought up to date when opened. RunError where it
    cannot be opened, is no ledger, or is of another version.

    >>> import tempfile
    >>> ledger = Ledger(Path(tempfile.mkdtemp()) / "ledger.sqlite")
    >>> for recipe in ("a", "b", "a"):
    ...     ledger.record(Trial("demo", recipe_hash=recipe, data_hash="d"))
    >>> ledger.count("d"), len(ledger.trials("d"))
    (2, 3)
    """

    def __init__(self, where: str | Path) -> None:
        self._store = open_store(where)
        self.name = self._store.name
        with self._store.transaction(alone=True) as run:
            self._prepare(run)

    def _prepare(self, run: Run) -> None:
        """Make the tables, or bring them up to date, or refuse: all in one transaction."""
        run(self._sql("CREATE TABLE IF NOT EXISTS {prefix}ledger (version INTEGER NOT NULL)"))
        found = run(self._sql("SELECT version FROM {prefix}ledger"))
        version = found[0][0] if found else None
        if version is None:
            for statement in (_TABLE, _INDEX):
                run(self._sql(statement))
            run(self._sql("INSERT INTO {prefix}ledger VALUES (?)"), (SCHEMA_VERSION,))
        elif version == 1:
            for statement in _FROM_1:
                run(self._sql(statement))
            run(self._sql("UPDATE {prefix}ledger SET version = ?"), (SCHEMA_VERSION,))
        elif version != SCHEMA_VERSION:
            raise RunError(
                f"the trial ledger {self.name!r} is of version {version}",
                allowed=f"versions 1 and {SCHEMA_VERSION}",
                hint="the version of bateia that wrote it",
            )

    def _sql(self, text: str) -> str:
        store = self._store
        return text.format(prefix=store.prefix, identity=store.identity, blob=store.blob)

    def record(self, trial: Trial) -> None:
        """Add an evaluation; a repeat is a row of its own."""
        self._insert([replace(trial, time=datetime.now(UTC).isoformat(timespec="seconds"))])

    def copy(self, trials: Sequence[Trial]) -> None:
        """Add evaluations of another ledger as they are, all or none."""
        self._insert(trials)

    def _insert(self, trials: Sequence[Trial]) -> None:
        with self._store.transaction(alone=self._store.prefix == "") as run:
            for trial in trials:
                row = _row(trial)
                places = ", ".join("?" * len(row))
                run(self._sql(f"INSERT INTO {{prefix}}trials ({_COLUMNS}) VALUES ({places})"), row)

    def count(self, data_hash: str) -> int:
        """How many different recipes have been tried on this data; a rerun is no new trial."""
        with self._store.transaction() as run:
            return self._count(run, data_hash)

    def _count(self, run: Run, data_hash: str) -> int:
        sql = "SELECT COUNT(DISTINCT recipe_hash) FROM {prefix}trials WHERE data_hash = ?"
        return int(run(self._sql(sql), (data_hash,))[0][0])

    def trials(self, data_hash: str | None = None) -> list[Trial]:
        """Every evaluation, oldest first, of one dataset or of all."""
        condition, values = ("WHERE data_hash = ?", (data_hash,)) if data_hash is not None else ("", ())
        with self._store.transaction() as run:
            rows = run(self._sql(f"SELECT {_COLUMNS} FROM {{prefix}}trials {condition} ORDER BY id"), values)
        return [_trial(*row) for row in rows]

    def matrix(self, data_hash: str) -> TrialMatrix:
        """Daily profits of all recipes tried on this data, each by its latest evaluation that has them.

        A trial of a search, which sees no holdout, only speaks for a recipe without a run of its own.

        >>> import tempfile
        >>> import numpy as np
        >>> ledger = Ledger(Path(tempfile.mkdtemp()) / "ledger.sqlite")
        >>> ledger.record(Trial("a", "a", "d", profits=DailyProfits(0, np.array([1.0, -1.0]))))
        >>> ledger.record(Trial("b", "b", "d", profits=DailyProfits(0, np.array([2.0, 0.5]))))
        >>> ledger.record(Trial("c", "c", "d", note="profits unknown"))
        >>> found = ledger.matrix("d")
        >>> found.recipes, found.profits.tolist(), found.count
        (('a', 'b'), [[1.0, 2.0], [-1.0, 0.5]], 3)
        """
        sql = (
            "SELECT recipe_hash, first_day, profits FROM {prefix}trials JOIN ("
            "SELECT MIN(id) AS first, COALESCE(MAX(CASE WHEN parent = '' THEN id END), MAX(id)) AS latest"
            " FROM {prefix}trials"
            " WHERE data_hash = ? AND profits IS NOT NULL GROUP BY recipe_hash"
            ") AS known ON id = latest ORDER BY first"
        )
        with self._store.transaction() as run:
            rows, count = run(self._sql(sql), (data_hash,)), self._count(run, data_hash)
        return TrialMatrix.of([(recipe, _daily(day, blob)) for recipe, day, blob in rows], count)


def _row(trial: Trial) -> tuple[Any, ...]:
    daily = trial.profits
    return (
        trial.name,
        trial.recipe_hash,
        trial.data_hash,
        trial.run_id,
        json.dumps(trial.metrics),
        trial.note,
        trial.time,
        trial.parent,
        None if daily is None else daily.start,
        None if daily is None else daily.pack(),
    )


def _trial(
    name: str,
    recipe: str,
    data: str,
    run_id: str,
    metrics: str,
    note: str,
    time: str,
    parent: str,
    *daily: Any,
) -> Trial:
    profits = None if daily[1] is None else _daily(*daily)
    return Trial(name, recipe, data, run_id, json.loads(metrics), note, time, parent, profits)


def _daily(start: int, packed: bytes) -> DailyProfits:
    return DailyProfits.unpack(start, bytes(packed))
