"""What gates judge by: a run's numbers and profits, and what the ledger says of luck; and their rulings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bateia.core import ConfigError, nearest
from bateia.core.events import Floats

Status = Literal["passed", "failed", "not judged"]


@dataclass(frozen=True)
class Ruling:
    """One line of the gate table; one that is not judged but `blocks` is in the way as if it had failed."""

    name: str
    value: float | None
    needed: str
    status: Status
    reason: str = ""
    blocks: bool = True

    @property
    def holds(self) -> bool:
        """Nothing here stands in the way."""
        return self.status == "passed" or (self.status == "not judged" and not self.blocks)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return dict(vars(self))


@dataclass(frozen=True, eq=False)
class Evidence:
    """What there is to judge by: a run's numbers, its profits bar by bar, and the ledger on luck."""

    metrics: Mapping[str, Any]
    """Everything in the run's `metrics.json`."""
    profits: Mapping[str, Floats] = field(default_factory=dict)
    """Net profit of each bar's stretch, of the strategy (named `strategy`) and of each baseline."""
    trials: int = 0
    """Recipes tried on this data, by the ledger."""
    known: int = 0
    """Those of them whose profits the ledger holds."""
    deflated: float | None = None
    """Deflated Sharpe ratio: probability of skill beyond the luckiest of the trials."""
    pbo: float | None = None
    """Probability of backtest overfitting among the trials."""
    luck: str = ""
    """How the two came about, or why they are unknown."""


def readable(value: float) -> str:
    """A number as people read it: whole from a thousand on, else four digits.

    >>> readable(-236933.9), readable(0.95), readable(12.3456)
    ('-236,934', '0.95', '12.35')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def number_at(metrics: Mapping[str, Any], path: str) -> float | None:
    """The number at a dotted path, an estimate's own value; None where it is undefined.

    ConfigError, with the nearest path that there is, where nothing like it was measured.

    >>> number_at({"strategy": {"net": 2.0, "sharpe": {"value": 1.5, "low": 0.1}}}, "strategy.sharpe")
    1.5
    """
    found: Any = metrics
    for part in path.split("."):
        if not isinstance(found, Mapping) or part not in found:
            known = list(numbers_in(metrics))
            near = [name for name in known if name.endswith("." + path.rpartition(".")[2])]
            hint = nearest(path, near) or nearest(path, known) or (known[0] if known else None)
            raise ConfigError(f"no metric {path!r}", allowed="a number in the run's metrics", hint=hint)
        found = found[part]
    if isinstance(found, Mapping) and "value" in found:
        found = found["value"]
    if found is None or (isinstance(found, int | float) and not isinstance(found, bool)):
        return None if found is None else float(found)
    raise ConfigError(
        f"metric {path!r} is no number",
        hint=next((p for p in numbers_in(metrics) if p.startswith(path)), None),
    )


def numbers_in(metrics: Mapping[str, Any], prefix: str = "") -> dict[str, float | None]:
    """Every number that a gate or a search can name, by its dotted path."""
    found: dict[str, float | None] = {}
    for key, value in metrics.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping):
            if "value" in value and "low" in value:
                found[path] = value["value"]
            found |= numbers_in(value, path + ".")
        elif value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            found[path] = value
    return found


def regimes_in(metrics: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Regime -> its account's numbers, from a run's breakdown by `regime`; empty where it has none.

    >>> regimes_in({"groups": {"regime": [{"name": "calm", "financial": {"net": 1.0}}]}})
    {'calm': {'net': 1.0}}
    """
    for section in metrics.values():
        groups = section.get("regime") if isinstance(section, Mapping) else None
        if isinstance(groups, list):
            return {str(group["name"]): group["financial"] for group in groups}
    return {}
