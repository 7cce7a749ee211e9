"""The evidence for a run's gates, from its folder and the trial ledger, and where gates come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic import TypeAdapter, ValidationError

from bateia.backtest.chance import Chance, assess, moments, probabilistic_sharpe
from bateia.backtest.evidence import Evidence, Ruling
from bateia.backtest.gates import DEFAULT_GATES, AnyGate
from bateia.core import ConfigError, RunError, nearest
from bateia.core.events import Floats
from bateia.recipe import Recipe
from bateia.record import LEDGER
from bateia.runs import Ledger, Run, TrialMatrix, canonical_json

Gates = tuple[AnyGate, ...]
PRESETS = Path(__file__).parent / "presets"
_GATES: TypeAdapter[Gates] = TypeAdapter(Gates)


def presets() -> list[str]:
    """The names of the gate sets that ship.

    >>> presets()
    ['default', 'etapa6']
    """
    return ["default", *sorted(path.stem for path in PRESETS.glob("*.yaml"))]


def read_gates(name: str) -> Gates:
    """Gates of a preset, or of a YAML file with `gates: [...]`; ConfigError where there are none.

    >>> [gate.kind for gate in read_gates("default")][:2]
    ['profit', 'baseline']
    """
    if name == "default":
        return DEFAULT_GATES
    path = PRESETS / f"{name}.yaml" if name in presets() else Path(name)
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(
            f"no gates {name!r}: {' '.join(str(error).split())}",
            allowed=f"{', '.join(presets())}, or a YAML file",
            hint=nearest(name, presets()),
        ) from None
    gates = data.get("gates") if isinstance(data, dict) else None
    if not gates or not isinstance(gates, list):
        raise ConfigError(f"{name} holds no gates", hint="gates: [{kind: deflated_sharpe, at_least: 0.95}]")
    try:
        return _GATES.validate_python(gates)
    except ValidationError as error:
        told = "; ".join(f"gates.{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in error.errors())
        raise ConfigError(f"{name}: {told}") from None


def judge(gates: Gates, evidence: Evidence) -> list[Ruling]:
    """Each gate's line, in order; ConfigError where one names a metric that was not measured."""
    return [gate.judge(evidence) for gate in gates]


def gather(run: Run, root: str | Path) -> Evidence:
    """What a finished run and the ledger in `root` have to show.

    RunError where the run's numbers are not those that the ledger was told.
    """
    recipe = Recipe.parse(run.recipe, where=f"{run.id}/recipe.yaml")
    found: dict[str, Any] = {"metrics": run.metrics, "profits": profits(run)}
    path = Path(root) / LEDGER
    if not path.is_file():
        return Evidence(**found, luck=f"there is no trial ledger {str(path)!r}")
    ledger, data_hash = Ledger(path), str(run.metrics["data"]["hash"])
    _same_numbers(run, ledger, data_hash)
    matrix = ledger.matrix(data_hash)
    found["trials"] = matrix.count
    if recipe.hash not in matrix.recipes:
        return Evidence(**found, luck="the ledger holds no profits of this run; run its recipe again")
    deflated, pbo, known, why = chance(matrix, recipe.hash)
    return Evidence(**found, known=known, deflated=deflated, pbo=pbo, luck=why)


def profits(run: Run) -> dict[str, Floats]:
    """Net profit of each bar's stretch: of the strategy, and of each baseline where the run kept them."""
    import polars as pl

    found = {"strategy": np.diff(pl.read_parquet(run.file("equity.parquet"))["net"].to_numpy())}
    path = run.path / "baselines.parquet"
    if path.is_file():
        frame = pl.read_parquet(path).drop("time")
        found |= {name: np.diff(frame[name].to_numpy()) for name in frame.columns}
    return found


def chance(matrix: TrialMatrix, chosen: str) -> tuple[float | None, float | None, int, str]:
    """Deflated Sharpe ratio and PBO of a recipe, the trials compared, and how it came about.

    A search never sees the holdout, so its trials lack the last of the chosen run's days: they are compared
    on the days that most of them know, and the chosen run's Sharpe ratio, over all its days, is held
    against the luck that they show there.
    """
    whole = shared = assess(matrix, chosen)
    window = _window(matrix, chosen)
    if window is not None:
        shared = assess(window, chosen)
        shared = shared if shared.compared > whole.compared else whole
    own = matrix.profits[:, matrix.recipes.index(chosen)]
    deflated = whole.dsr
    if shared.luck_daily is not None and whole.dsr is not None:
        deflated = probabilistic_sharpe(moments(own[np.isfinite(own)]), shared.luck_daily)
    return deflated, shared.pbo, shared.compared, _told(whole, shared)


def _window(matrix: TrialMatrix, chosen: str) -> TrialMatrix | None:
    """The days of the chosen trial that at least half of all know; None where these are all, or none."""
    own = np.isfinite(matrix.profits[:, matrix.recipes.index(chosen)])
    days = own & (np.isfinite(matrix.profits).mean(axis=1) >= 0.5)
    if not days.any() or days.sum() == own.sum():
        return None
    return TrialMatrix(matrix.days[days], matrix.recipes, matrix.profits[days], matrix.count)


def _told(whole: Chance, shared: Chance) -> str:
    if whole.dsr is None:
        return whole.missing.get("dsr", "unknown")
    if shared.pbo is None and shared.compared > 1:
        return shared.missing.get("pbo", "unknown")
    if whole.sharpe_daily is None or shared.luck_daily is None or shared.effective_trials is None:
        return "unknown"
    if shared.effective_trials < 1.5:
        return f"a daily Sharpe of {whole.sharpe_daily:.3f}, held against 0"
    return (
        f"as many as {shared.effective_trials:,.0f} independent ones, whose luckiest shows a daily Sharpe "
        f"of {shared.luck_daily:.3f}; this one shows {whole.sharpe_daily:.3f}"
    )


def _same_numbers(run: Run, ledger: Ledger, data_hash: str) -> None:
    rows = [row for row in ledger.trials(data_hash) if row.run_id == run.id]
    told = canonical_json(run.metrics["strategy"])
    if rows and all(canonical_json(row.metrics) != told for row in rows):
        raise RunError(
            f"the numbers of the run {run.id} are not those in the trial ledger", hint="run its recipe again"
        )
