"""The study of a search: its storage, its samplers and pruners, and its trials as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bateia.core import ConfigError, RunError
from bateia.recipe import Recipe
from bateia.search import Search
from bateia.vetting import space

if TYPE_CHECKING:
    import optuna

HASH, WHY, INTERRUPTED = "recipe_hash", "why", "interrupted"


@contextmanager
def open_study(name: str, search: Search, url: str) -> Iterator[optuna.Study]:
    """The study in its storage, made where it is new; ConfigError without Optuna or for no such database."""
    try:
        import optuna
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError:
        raise ConfigError("tuning needs Optuna", hint="pip install 'bateia[tune]'") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    wait = {"connect_args": {"timeout": 60}} if url.startswith("sqlite") else {}
    try:
        storage = optuna.storages.RDBStorage(url, engine_kwargs=wait)
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise ConfigError(
            f"cannot use the storage {url!r}: {' '.join(str(error).split())}",
            allowed="a database URL",
            hint="sqlite:///runs/tuning.sqlite",
        ) from None
    if url.startswith("sqlite"):
        _write_ahead(storage)
    try:
        yield optuna.create_study(
            storage=storage,
            study_name=name,
            direction=search.direction,
            pruner=_pruner(search),
            load_if_exists=True,
        )
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _write_ahead(storage: optuna.storages.RDBStorage) -> None:
    """SQLite's write-ahead log: a trial's dozen writes wait for the disk once, not a dozen times."""
    from sqlalchemy import event

    @event.listens_for(storage.engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        for setting in ("journal_mode = WAL", "synchronous = NORMAL"):
            connection.execute(f"PRAGMA {setting}").close()

    # Those made before know nothing of it.
    storage.remove_session()
    storage.engine.dispose()


def sampler(search: Search, worker: int, number: int) -> optuna.samplers.BaseSampler:
    """A sampler seeded anew for each trial: a resumed search goes on as it would have."""
    from optuna.samplers import RandomSampler, TPESampler

    seed = int(np.random.SeedSequence([search.seed, worker, number]).generate_state(1)[0])
    return TPESampler(seed=seed) if search.sampler == "tpe" else RandomSampler(seed=seed)


def _pruner(search: Search) -> optuna.pruners.BasePruner:
    from optuna.pruners import HyperbandPruner, MedianPruner, NopPruner

    if search.pruner == "median":
        return MedianPruner(n_startup_trials=5)
    # A trial's resource is its folds; few of them allow few brackets.
    return HyperbandPruner(min_resource=1, max_resource=9) if search.pruner == "hyperband" else NopPruner()


def ended(study: optuna.Study) -> int:
    """Trials that have ended, without the interrupted ones, which count for nothing."""
    return sum(
        t.state.is_finished() and t.user_attrs.get(WHY) != INTERRUPTED for t in study.get_trials(False)
    )


def enqueue(study: optuna.Study, points: Sequence[dict[str, Any]]) -> None:
    """Queue a trial of each of these parameters that none has taken yet, interrupted ones apart."""
    trials = [t for t in study.get_trials(False) if t.user_attrs.get(WHY) != INTERRUPTED]
    taken = [t.system_attrs.get("fixed_params", t.params) for t in trials]
    for point in points:
        if point not in taken:
            study.enqueue_trial(point)


def best_of(study: optuna.Study, recipe: Recipe, search: Search) -> tuple[dict[str, Any], float]:
    from optuna.trial import TrialState

    complete = study.get_trials(False, states=(TrialState.COMPLETE,))
    if not complete:
        whys = [str(t.user_attrs[WHY]) for t in study.get_trials(False) if WHY in t.user_attrs]
        raise RunError(
            f"none of {len(study.get_trials(False))} trials came to a value of {search.metric}"
            + (f"; the last: {whys[-1]}" if whys else ""),
            hint="another space, or a metric that is defined without trades",
        )
    best = study.best_trial
    assert best.value is not None
    return space.suggest(_Fixed(best.params), recipe, search), best.value


class _Fixed:
    """An asker that answers with a finished trial's parameters."""

    def __init__(self, params: dict[str, Any]) -> None:
        self._params = params

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        return int(self._params[name])

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        return float(self._params[name])

    def suggest_categorical(self, name: str, choices: list[str]) -> Any:
        return self._params[name]


def rows_of(study: optuna.Study) -> list[dict[str, Any]]:
    rows = []
    for trial in study.get_trials(False):
        taken = trial.duration
        rows.append(
            {
                "trial": trial.number,
                "state": "interrupted"
                if trial.user_attrs.get(WHY) == INTERRUPTED
                else _STATES[trial.state.name],
                "value": trial.value if trial.state.is_finished() else None,
                "folds": len(trial.intermediate_values),
                "seconds": None if taken is None else round(taken.total_seconds(), 3),
                "recipe_hash": trial.user_attrs.get(HASH, ""),
                "why": trial.user_attrs.get(WHY, ""),
                **trial.params,
            }
        )
    return rows


_STATES = {
    "COMPLETE": "complete",
    "PRUNED": "pruned",
    "FAIL": "failed",
    "RUNNING": "running",
    "WAITING": "waiting",
}


def write_rows(folder: Path, rows: list[dict[str, Any]], names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    head = ["trial", "state", "value", "folds", "seconds", "recipe_hash", "why", *names]
    text = io.StringIO()
    writer = csv.DictWriter(text, head)
    writer.writeheader()
    writer.writerows(rows)
    (folder / "trials.csv").write_text(text.getvalue(), encoding="utf-8")
