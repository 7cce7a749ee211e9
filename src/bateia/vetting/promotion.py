"""Promotion: a run gets a name only where all its gates hold, and the signal is the one that was tested."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bateia.backtest.evidence import Ruling, readable
from bateia.core import RunError
from bateia.recipe import Recipe
from bateia.runs import Run
from bateia.runs.aliases import check_alias, promoted, read_alias, write_alias
from bateia.signal import Signal
from bateia.vetting.gates import gather, judge, read_gates

__all__ = ["Promotion", "promote", "promoted", "signal_hash"]


@dataclass(frozen=True)
class Promotion:
    """What became of it: the gate table, and the name if it was given."""

    run_id: str
    alias: str
    promoted: bool
    rulings: tuple[Ruling, ...]
    judged_by: str
    signal: str
    """The signal's hash, computed anew."""
    before: str
    """The run that bore the name until now, if any."""

    @property
    def headline(self) -> str:
        """One sentence: promoted, or refused and by what."""
        if self.promoted:
            was = f", instead of {self.before}" if self.before and self.before != self.run_id else ""
            return f"{self.run_id} is {self.alias} now{was}: all {len(self.rulings)} gates hold"
        failing = [ruling for ruling in self.rulings if not ruling.holds]
        return f"Not promoted: {'; '.join(map(_why, failing))}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "run": self.run_id,
            "alias": self.alias,
            "promoted": self.promoted,
            "headline": self.headline,
            "judged_by": self.judged_by,
            "signal": self.signal,
            "before": self.before,
            "gates": [ruling.to_dict() for ruling in self.rulings],
        }


def promote(
    run: Run | str | Path, *, root: str | Path = "runs", alias: str = "champion", gates: str = ""
) -> Promotion:
    """Judge a run by its recipe's gates, or by a preset's or file's; give it the name only if all hold.

    RunError where the run lies elsewhere than in `root`, or any of its files was changed; ConfigError for
    an alias or gates that there are not, or a gate that names a metric the run has not.
    """
    check_alias(alias)
    run = run if isinstance(run, Run) else Run.open(run, root=root)
    if run.path.resolve().parent != Path(root).resolve():
        raise RunError(f"the run {run.id} does not lie in {str(root)!r}", hint=f"--runs {run.path.parent}")
    found = signal_hash(run)
    asked = read_gates(gates) if gates else Recipe.parse(run.recipe, where=f"{run.id}/recipe.yaml").gates
    rulings = tuple(judge(asked, gather(run, root)))
    now = read_alias(root, alias)
    done = all(ruling.holds for ruling in rulings)
    judged_by = gates or "the run's recipe"
    if done:
        write_alias(root, alias, run.id, found, [ruling.to_dict() for ruling in rulings], judged_by)
    return Promotion(run.id, alias, done, rulings, judged_by, found, now.run if now else "")


def signal_hash(run: Run) -> str:
    """The hash of a run's signal, computed anew from its files; RunError where anything was changed.

    The whole run is checked against its manifest, and the signal against its own hash.
    """
    import json

    run.verify()
    folder = run.path / "signal"
    Signal.load(folder)
    return str(json.loads((folder / "signal.json").read_text(encoding="utf-8"))["hash"])


def _why(ruling: Ruling) -> str:
    value = "unknown" if ruling.value is None else readable(ruling.value)
    reason = f" ({ruling.reason})" if ruling.reason else ""
    return f"{ruling.name} {value}, needed {ruling.needed}{reason}"
