"""Two to five finished runs held against each other: what differs, by how much, and whether that is fair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic import ValidationError

from bateia.backtest import Metrics
from bateia.backtest.estimates import mean
from bateia.backtest.evidence import numbers_in
from bateia.backtest.numbers import UNKNOWN
from bateia.backtest.report.versus import Contender, Gap, Versus, render_comparison
from bateia.core import ConfigError, RunError
from bateia.runs import DailyProfits, Run

MOST = 5
ENOUGH_DAYS = 30
"""Common days below which nothing is said about a difference."""
NONE = "\u2013"


@dataclass(frozen=True, eq=False)
class Comparison:
    """Runs in the order given, and the page's data."""

    runs: tuple[Run, ...]
    versus: Versus

    def page(self) -> str:
        """The comparison as one HTML page that opens offline."""
        return render_comparison(self.versus)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: runs, warnings, every number side by side, differing recipe fields, differences."""
        numbers = [numbers_in(run.metrics["strategy"]) for run in self.runs]
        paths = dict.fromkeys(path for one in numbers for path in one if not path.endswith(".value"))
        shown = zip(self.runs, self.versus.runs, strict=True)
        return {
            "runs": [
                {
                    "letter": one.letter,
                    "id": one.run_id,
                    "name": one.name,
                    "path": str(run.path),
                    "data": run.metrics["data"]["hash"],
                    "costs": one.costs,
                    "edge": one.edge,
                    "verdict": one.headline,
                }
                for run, one in shown
            ],
            "warnings": list(self.versus.warnings),
            "numbers": {path: [one.get(path) for one in numbers] for path in paths},
            "recipes": {name: list(values) for name, values in self.versus.fields.items()},
            "differences": [
                {"of": gap.of, "against": gap.against, "days": gap.days, "bp_a_day": gap.bp.to_dict()}
                for gap in self.versus.gaps
            ],
        }


def compare(runs: Sequence[Run | str | Path], root: str | Path = "runs") -> Comparison:
    """Hold 2 to 5 finished runs against each other; each a run, an id, the start of one, or a folder.

    RunError for a run that is missing, was changed, or was made by another version; ConfigError for too
    few, too many, or one given twice.
    """
    if not 2 <= len(runs) <= MOST:
        raise ConfigError(f"{len(runs)} runs to compare", allowed=f"2 to {MOST}", hint="bateia runs list")
    found = tuple(run if isinstance(run, Run) else Run.open(run, root=root) for run in runs)
    ids = [str(run.path.resolve()) for run in found]
    if len(set(ids)) < len(ids):
        twice = next(run.id for run, path in zip(found, ids, strict=True) if ids.count(path) > 1)
        raise ConfigError(f"the run {twice} is given twice", allowed="different runs")
    for run in found:
        run.verify()
    contenders = [_contender(run, "ABCDE"[k]) for k, run in enumerate(found)]
    recipes = [_flat(yaml.safe_load(run.recipe)) for run in found]
    versus = Versus(
        runs=contenders,
        warnings=_warnings(found, contenders),
        fields=differing(recipes),
        gaps=[_gap(contenders[0], other) for other in contenders[1:]],
    )
    return Comparison(found, versus)


def _contender(run: Run, letter: str) -> Contender:
    import polars as pl

    frame = pl.read_parquet(run.file("equity.parquet"))
    try:
        return Contender(
            letter=letter,
            name=str(yaml.safe_load(run.recipe)["name"]),
            run_id=run.id,
            headline=run.metrics["verdict"]["headline"],
            edge=run.metrics["verdict"]["edge"],
            costs=run.metrics["costs"],
            metrics=Metrics.model_validate(run.metrics["strategy"]),
            time=frame["time"].to_numpy(),
            net=frame["net"].to_numpy(),
            trials=run.metrics["trials"],
        )
    except (ValidationError, KeyError, TypeError):
        raise RunError(
            f"the run {run.id} holds no numbers of this version", hint="run its recipe again"
        ) from None


def _warnings(runs: Sequence[Run], contenders: Sequence[Contender]) -> list[str]:
    """Why a difference may say nothing about the recipes, most serious first."""
    found = []
    hashes = [str(run.metrics["data"]["hash"]) for run in runs]
    if len(set(hashes)) > 1:
        alike = _alike(contenders, hashes)
        found.append(
            f"Not the same data ({alike}): a difference may come from the market, not from the recipe."
        )
    costs = [one.costs for one in contenders]
    if len(set(costs)) > 1:
        alike = _alike(contenders, costs)
        found.append(f"Not the same costs ({alike}): the cheaper assumption looks better for nothing.")
    periods = [one.period for one in contenders]
    if len(set(periods)) > 1:
        alike = _alike(contenders, periods)
        found.append(
            f"Not the same time out of sample ({alike}): sums and drawdowns are of unequal stretches."
        )
    same = [str(run.metrics.get("hash", run.id)) for run in runs]
    if len(set(same)) < len(same):
        found.append(
            f"The same numbers to the last digit ({_alike(contenders, same)}): nothing to choose from."
        )
    return found


def _alike(contenders: Sequence[Contender], values: Sequence[str]) -> str:
    """Letters of those that agree, such as `A, B | C`."""
    letters = [one.letter for one in contenders]
    groups = {
        value: [one for one, own in zip(letters, values, strict=True) if own == value] for value in values
    }
    return " | ".join(", ".join(group) for group in groups.values())


def _gap(first: Contender, other: Contender) -> Gap:
    """What `other` earned a day beyond `first`, with its interval, on the days that both know."""
    own, base = (_daily(one) for one in (other, first))
    common = sorted(own.keys() & base.keys())
    gained = np.array([own[day] - base[day] for day in common])
    bp = mean(gained) if len(gained) >= ENOUGH_DAYS else UNKNOWN
    return Gap(of=other.label, against=first.label, days=len(common), bp=bp)


def _daily(one: Contender) -> dict[int, float]:
    """Day -> net profit, bp of the capital."""
    daily = DailyProfits.of(one.time, one.net)
    share = 1e4 * daily.values / one.metrics.financial.capital
    return dict(zip(daily.days.tolist(), share.tolist(), strict=True))


def differing(recipes: Sequence[dict[str, str]]) -> dict[str, list[str]]:
    """Field -> value in each recipe, for the fields that are not the same in all.

    >>> differing([{"seed": "1", "a": "x"}, {"seed": "2", "a": "x"}])
    {'seed': ['1', '2']}
    """
    names = dict.fromkeys(name for recipe in recipes for name in recipe)
    rows = {name: [recipe.get(name, NONE) for recipe in recipes] for name in names}
    return {name: row for name, row in rows.items() if any(one != two for one, two in pairwise(row))}


def _flat(value: Any, prefix: str = "") -> dict[str, str]:
    """A recipe's fields by dotted path, as text; a list of plain values is one field."""
    if isinstance(value, dict) and value:
        items = [(str(key), part) for key, part in value.items()]
    elif isinstance(value, list) and any(isinstance(part, dict | list) for part in value):
        items = [(str(k + 1), part) for k, part in enumerate(value)]
    else:
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        return {prefix: NONE if text in (None, "", {}) else str(text)}
    found: dict[str, str] = {}
    for key, part in items:
        found |= _flat(part, f"{prefix}.{key}" if prefix else key)
    return found
