"""The trial ledger: every evaluation of a recipe on a dataset, so that nobody can forget to count."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bateia.core import RunError

SCHEMA_VERSION = 1
_WAIT_SECONDS = 60.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS ledger (version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS trials (
    id INTEGER PRIMARY KEY,
    time TEXT NOT NULL,
    name TEXT NOT NULL,
    recipe_hash TEXT NOT NULL,
    data_hash TEXT NOT NULL,
    run_id TEXT NOT NULL,
    metrics TEXT NOT NULL,
    note TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS trials_by_data ON trials (data_hash, recipe_hash);
"""


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


class Ledger:
    """A SQLite file of trials; several processes may write at once.

    RunError where the file cannot be opened, is no ledger, or is of another version.

    >>> import tempfile
    >>> ledger = Ledger(Path(tempfile.mkdtemp()) / "ledger.sqlite")
    >>> for recipe in ("a", "b", "a"):
    ...     ledger.record(Trial("demo", recipe_hash=recipe, data_hash="d"))
    >>> ledger.count("d"), len(ledger.trials("d"))
    (2, 3)
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._open() as db:
                db.execute("PRAGMA journal_mode = WAL")
                # One transaction: two processes that begin together must agree on one version row.
                db.execute("BEGIN IMMEDIATE")
                for statement in _SCHEMA.strip().split(";\n"):
                    db.execute(statement)
                db.execute(
                    "INSERT INTO ledger SELECT ? WHERE NOT EXISTS (SELECT 1 FROM ledger)", (SCHEMA_VERSION,)
                )
                version = db.execute("SELECT version FROM ledger").fetchone()[0]
                db.execute("COMMIT")
        except (OSError, sqlite3.Error) as error:
            raise RunError(
                f"cannot use the trial ledger {str(self.path)!r}: {error}",
                allowed="a SQLite file that this program made",
                hint="move it away, or use another --runs folder",
            ) from None
        if version != SCHEMA_VERSION:
            raise RunError(
                f"the trial ledger {str(self.path)!r} is of version {version}",
                allowed=f"version {SCHEMA_VERSION}",
                hint="the version of bateia that wrote it",
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self.path, timeout=_WAIT_SECONDS, isolation_level=None)
        try:
            yield db
        finally:
            db.close()

    def record(self, trial: Trial) -> None:
        """Add an evaluation; a repeat is a row of its own."""
        row = (
            datetime.now(UTC).isoformat(timespec="seconds"),
            trial.name,
            trial.recipe_hash,
            trial.data_hash,
            trial.run_id,
            json.dumps(trial.metrics),
            trial.note,
        )
        with self._open() as db:
            db.execute(
                "INSERT INTO trials (time, name, recipe_hash, data_hash, run_id, metrics, note)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )

    def count(self, data_hash: str) -> int:
        """How many different recipes have been tried on this data; a rerun is no new trial."""
        with self._open() as db:
            found = db.execute(
                "SELECT COUNT(DISTINCT recipe_hash) FROM trials WHERE data_hash = ?", (data_hash,)
            ).fetchone()
        return int(found[0])

    def trials(self, data_hash: str | None = None) -> list[Trial]:
        """Every evaluation, oldest first, of one dataset or of all."""
        condition, values = ("WHERE data_hash = ?", (data_hash,)) if data_hash is not None else ("", ())
        columns = "name, recipe_hash, data_hash, run_id, metrics, note, time"
        with self._open() as db:
            rows = db.execute(f"SELECT {columns} FROM trials {condition} ORDER BY id", values).fetchall()
        return [
            Trial(name, recipe, data, run, json.loads(metrics), note, time)
            for name, recipe, data, run, metrics, note, time in rows
        ]
