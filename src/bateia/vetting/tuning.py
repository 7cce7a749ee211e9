"""Tuning: a search over a recipe's settings, every trial in the ledger, the last of the data never seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bateia.backtest import Financial
from bateia.backtest.evidence import number_at, numbers_in
from bateia.core import BateiaError, ConfigError, RunError, nearest
from bateia.pipeline import run as run_recipe
from bateia.recipe import Recipe
from bateia.research import Silent, Watch
from bateia.runs import DailyProfits, Ledger, Run, Trial, content_hash, ledger_of, ledger_place
from bateia.search import Search
from bateia.vetting import space
from bateia.vetting.bench import Bench, Tried, holdout_start
from bateia.vetting.holdout import Holdout, holdout
from bateia.vetting.interrupts import held, remembered
from bateia.vetting.study import (
    HASH,
    INTERRUPTED,
    WHY,
    best_of,
    ended,
    enqueue,
    open_study,
    rows_of,
    sampler,
    write_rows,
)
from bateia.vetting.workers import Processes, Workers

if TYPE_CHECKING:
    import optuna

FOLDER, STORAGE = "tuning", "tuning.sqlite"


@dataclass(frozen=True, eq=False)
class Tuned:
    """A finished search: its name, the best recipe and values, all trials, and the run on everything."""

    study: str
    folder: Path
    """Holds `best.yaml`, `trials.csv` and `summary.json`."""
    metric: str
    best: Recipe
    values: dict[str, Any]
    value: float
    """The best trial's measure, on the development part."""
    trials: list[dict[str, Any]]
    """A row a trial: number, state, value, folds, seconds, why, and the values by path."""
    run: Run
    """The best recipe over all the data."""
    holdout: Holdout
    """The account of that run over the holdout alone."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, without the rows of trials."""
        states = [row["state"] for row in self.trials]
        return {
            "study": self.study,
            "metric": self.metric,
            "trials": {state: states.count(state) for state in sorted(set(states))},
            "values": self.values,
            "value": self.value,
            "best": str(self.folder / "best.yaml"),
            "table": str(self.folder / "trials.csv"),
            "run": self.run.id,
            "verdict": self.run.metrics["verdict"]["headline"],
            "holdout": dict(vars(self.holdout)),
        }


@dataclass(frozen=True)
class Job:
    """All that a worker process needs to take part in a search."""

    recipe: Recipe
    search: Search
    study: str
    storage: str
    """Database URL of the study."""
    ledger: str
    """Where trials are counted: a path, or a URL."""
    window: tuple[int, int] | None = None
    """The stretch of time, microseconds UTC, that it sees; None: all before the holdout."""


def study_name(recipe: Recipe, search: Search) -> str:
    """The same search of the same recipe has the same name, with any number of trials: it can go on."""
    asked = search.model_dump(mode="json", exclude={"trials", "nested"})
    return f"{recipe.name}-{content_hash([recipe.hash, recipe.data_hash(), asked])[:10]}"


def begun(
    recipe: Recipe,
    search: Search | None,
    root: Path,
    storage: str,
    jobs: int,
    workers: Workers | None,
    suffix: str = "",
) -> Job:
    """A search that makes sense, by name, before its first trial; ConfigError for one that does not."""
    search = search or recipe.tune
    if search is None:
        hint = "tune: {space: {model.learning_rate: {low: 0.01, high: 0.3, log: true}}}"
        raise ConfigError(
            f"the recipe {recipe.name!r} has no section `tune`", allowed="one, or --space", hint=hint
        )
    if jobs < 1:
        raise ConfigError(f"{jobs} jobs", allowed="1 or more")
    space.check(recipe, search)
    _check_metric(search.metric)
    root.mkdir(parents=True, exist_ok=True)
    name, ledger = study_name(recipe, search), ledger_place(root)
    name += f"-{suffix}" if suffix else ""
    job = Job(recipe, search, name, storage or f"sqlite:///{root / STORAGE}", ledger)
    if workers is not None and workers.far:
        _check_shared(job)
    ledger_of(root)  # made, or refused, before anything is computed
    return job


def best_values(
    job: Job, jobs: int, workers: Workers | None, watch: Watch, folder: Path
) -> tuple[list[dict[str, Any]], dict[str, Any], float]:
    """Search, and write the table of trials: its rows, the values that won, and their measure."""
    with open_study(job.study, job.search, job.storage) as study:
        try:
            _search(job, study, jobs, workers or Processes(), watch)
        finally:
            rows = rows_of(study)
            write_rows(folder, rows, list(job.search.space))
        return rows, *best_of(study, job.recipe, job.search)


def tune(
    recipe: Recipe,
    search: Search | None = None,
    *,
    root: str | Path = "runs",
    storage: str = "",
    jobs: int = 1,
    workers: Workers | None = None,
    watch: Watch | None = None,
) -> Tuned:
    """Search, write the best recipe and the table of trials, and run the best once on everything.

    `search` is the recipe's `tune` section where absent; `storage` a database URL, by default a SQLite file
    in `root`; `jobs` workers share it, by default processes. The same call goes on where an interrupted one
    stopped, and with one job ends where it would have ended. ConfigError for a search that makes no sense,
    RunError where no trial came to a value.
    """
    root, watch = Path(root), watch or Silent()
    job = begun(recipe, search, root, storage, jobs, workers)
    if job.search.nested:
        raise ConfigError("a nested search", allowed="one with a holdout", hint="vetting.nested.tune_nested")
    folder = root / FOLDER / job.study
    rows, values, value = best_values(job, jobs, workers, watch, folder)
    best = _renamed(space.changed(recipe, values))
    (folder / "best.yaml").write_text(best.to_yaml(), encoding="utf-8")
    done = run_recipe(best, root=root, watch=watch)
    cut = holdout_start(best.source.read(), job.search.holdout)
    held = holdout(done, cut, best.seed)
    tuned = Tuned(job.study, folder, job.search.metric, best, values, value, rows, done, held)
    (folder / "summary.json").write_text(json.dumps(tuned.to_dict(), indent=2) + "\n", encoding="utf-8")
    return tuned


def _check_shared(job: Job) -> None:
    """ConfigError where workers on other machines would each write a file of their own."""
    if job.storage.startswith("sqlite"):
        raise ConfigError("a search on many machines in a SQLite file", hint="--storage postgresql://…")
    if "://" not in job.ledger:
        raise ConfigError(
            f"a search on many machines counted in {job.ledger}", hint="bateia runs ledger postgresql://…"
        )


def _search(job: Job, study: optuna.Study, jobs: int, workers: Workers, watch: Watch) -> None:
    """Trials until the search has as many as it asks for, here or by `jobs` workers."""
    if job.search.sampler == "grid":
        enqueue(study, [space.asked(values, job.search) for values in space.grid(job.search)])
        total = len(space.grid(job.search))
    else:
        total = job.search.trials
    left = total - ended(study)
    with watch.stage(f"Try {total:,} recipes", total) as advance:
        advance(total - max(left, 0))
        if jobs == 1 or left <= 1:
            _try(job, study, left, 0, advance)
        else:
            jobs = min(jobs, left)
            workers.run(_work, [(job, left // jobs + (k < left % jobs), k) for k in range(jobs)])
            advance(left)


def _work(job: Job, trials: int, worker: int) -> None:
    """Worker number `worker` of a search: its own bench, the study that all share."""
    with suppress(KeyboardInterrupt), open_study(job.study, job.search, job.storage) as study:
        _try(job, study, trials, worker, lambda done: None)


def _try(job: Job, study: optuna.Study, trials: int, worker: int, advance: Callable[[int], None]) -> None:
    if trials <= 0:
        return
    bench = Bench(job.recipe, job.search.holdout, job.window)
    with remembered() as asked:
        for _ in range(trials):
            _try_one(job, study, bench, worker)
            advance(1)
            if asked:
                raise KeyboardInterrupt


def _try_one(job: Job, study: optuna.Study, bench: Bench, worker: int) -> None:
    """One trial from suggestion to ledger. An interrupt marks it; an error that a user can mend fails it."""
    from optuna.trial import TrialState

    study.sampler = sampler(job.search, worker, ended(study))
    trial, recipe_hash = None, job.recipe.hash
    try:
        with held():
            trial = study.ask()
            values = space.suggest(trial, job.recipe, job.search)
        recipe_hash = content_hash([job.recipe.hash, values])
        recipe = space.changed(job.recipe, values)
        recipe_hash = recipe.hash
        with held():
            trial.set_user_attr(HASH, recipe_hash)
        shown, value, why = _evaluate(bench, trial, recipe, job.search)
    except BateiaError as error:
        assert trial is not None
        with held():
            _enter(job, bench, recipe_hash, trial.number, "failed", why=str(error))
            trial.set_user_attr(WHY, str(error))
            study.tell(trial, state=TrialState.FAIL)
        return
    except BaseException as error:
        # The next call must find no trial that seems to run; this one was seen by nobody.
        if trial is not None:
            with held():
                trial.set_user_attr(WHY, INTERRUPTED if isinstance(error, KeyboardInterrupt) else repr(error))
                study.tell(trial, state=TrialState.FAIL)
        raise
    with held():
        # The ledger first: a trial whose value is known must be counted, whatever happens next.
        _enter(job, bench, recipe_hash, trial.number, "pruned" if why else "complete", shown, why)
        if why:
            trial.set_user_attr(WHY, why)
        study.tell(trial, None if why else value, TrialState.PRUNED if why else TrialState.COMPLETE)


def _evaluate(
    bench: Bench, trial: optuna.Trial, recipe: Recipe, search: Search
) -> tuple[Tried, float | None, str]:
    """What it showed, the measure, and why it was given up, if it was."""
    shown = None
    for fold, folds, ask in bench.walk(recipe):
        last = fold == folds
        if search.pruner == "none" and not last:
            continue
        shown = ask()
        value = number_at({"strategy": shown.metrics.to_dict()}, search.metric)
        if last:
            return shown, value, "" if value is not None else f"{search.metric} is undefined"
        if value is not None:
            with held():
                trial.report(value, fold)
                prune = trial.should_prune()
            if prune:
                return shown, value, f"no better than others after fold {fold} of {folds}"
    raise RunError(f"the recipe {recipe.name!r} has no folds")


def _enter(
    job: Job,
    bench: Bench,
    recipe_hash: str,
    number: int,
    state: str,
    shown: Tried | None = None,
    why: str = "",
) -> None:
    """A row in the ledger under the data's own hash: whatever is run on them later counts this trial."""
    metrics: dict[str, Any] = shown.metrics.to_dict() if shown else {}
    whole = shown.backtest.equity if shown and state == "complete" else None
    note = f"trial {number} of search {job.study}: {state}" + (f", {why}" if why else "")
    Ledger(job.ledger).record(
        Trial(
            job.recipe.name,
            recipe_hash,
            bench.data_hash,
            metrics=metrics,
            note=note,
            parent=job.recipe.hash,
            profits=None if whole is None else DailyProfits.of(whole.time, whole.net),
        )
    )


def _renamed(recipe: Recipe) -> Recipe:
    return recipe.model_copy(update={"name": f"{recipe.name[:54]}-tuned", "tune": None})


def _check_metric(path: str) -> None:
    """ConfigError for a measure that no backtest gives."""
    known = numbers_in({"strategy": _schema()})
    if path not in known:
        raise ConfigError(
            f"no metric {path!r}",
            allowed="a number of `strategy` in a run's metrics",
            hint=nearest(path, [p for p in known if p.endswith("." + path.rpartition(".")[2])] or known),
        )


def _schema() -> dict[str, Any]:
    """The shape of a strategy's metrics, every number unknown."""
    from bateia.backtest import Estimate, Predictive

    def shape(model: Any) -> dict[str, Any]:
        return {
            name: shape(Estimate) if info.annotation is Estimate else None
            for name, info in model.model_fields.items()
        }

    return {"predictive": shape(Predictive), "financial": shape(Financial)}
