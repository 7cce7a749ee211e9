"""What each named feature is, for people and for JSON."""

from __future__ import annotations

from typing import Any

from bateia.core import format_duration
from bateia.features.library import libraries, library
from bateia.features.plan import Plan


def feature_table(name: str | None = None) -> list[dict[str, Any]]:
    """A row a feature of one library, or of all: formula, warm-up, columns, meaning, source.

    Raises ConfigError where there is no such library.

    >>> feature_table("momentum")[3]["columns"]
    ['close']
    """
    chosen = [library(name)] if name else libraries().values()
    rows = []
    for features in chosen:
        for feature in features.values():
            plan = Plan({feature.name: feature.formula})
            warm = plan.warmup[feature.name]
            rows.append(
                {
                    "library": feature.library,
                    "name": feature.name,
                    "formula": feature.formula,
                    "about": feature.about,
                    "source": feature.source,
                    "columns": plan.columns,
                    "warmup_rows": warm.rows,
                    "warmup_time": format_duration(warm.micros) if warm.micros else "",
                }
            )
    return rows
