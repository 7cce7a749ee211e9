"""The evidence for a run's gates, from its folder and the trial ledger, and where gates come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic import TypeAdapter, ValidationError

from bateia.backtest.chance import assess
from bateia.backtest.evidence import Evidence, Ruling
from bateia.backtest.gates import DEFAULT_GATES, AnyGate
from bateia.core import ConfigError, RunError, nearest
from bateia.core.events import Floats
from bateia.recipe import Recipe
from bateia.runs import Ledger, Run, canonical_json, has_ledger, ledger_of, ledger_place

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
    if not has_ledger(root):
        return Evidence(**found, luck=f"there is no trial ledger {ledger_place(root)!r}")
    ledger, data_hash = ledger_of(root), str(run.metrics["data"]["hash"])
    _same_numbers(run, ledger, data_hash)
    matrix = ledger.matrix(data_hash)
    found["trials"] = matrix.count
    if recipe.hash not in matrix.recipes:
        return Evidence(**found, luck="the ledger holds no profits of this run; run its recipe again")
    luck = assess(matrix, recipe.hash, seed=recipe.seed)
    return Evidence(**found, known=luck.compared, deflated=luck.dsr, pbo=luck.pbo, luck=luck.in_words)


def profits(run: Run) -> dict[str, Floats]:
    """Net profit of each bar's stretch: of the strategy, and of each baseline where the run kept them."""
    import polars as pl

    found = {"strategy": np.diff(pl.read_parquet(run.file("equity.parquet"))["net"].to_numpy())}
    path = run.path / "baselines.parquet"
    if path.is_file():
        frame = pl.read_parquet(path).drop("time")
        found |= {name: np.diff(frame[name].to_numpy()) for name in frame.columns}
    return found


def _same_numbers(run: Run, ledger: Ledger, data_hash: str) -> None:
    rows = [row for row in ledger.trials(data_hash) if row.run_id == run.id]
    told = canonical_json(run.metrics["strategy"])
    if rows and all(canonical_json(row.metrics) != told for row in rows):
        raise RunError(
            f"the numbers of the run {run.id} are not those in the trial ledger", hint="run its recipe again"
        )
