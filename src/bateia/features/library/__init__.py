"""Named features as data: a YAML file a library, a line a feature."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from bateia.core import ConfigError, nearest
from bateia.features.data import yaml_files


@dataclass(frozen=True)
class Feature:
    """One named feature: its library, formula, meaning and source (paper, book), where it has one."""

    name: str
    library: str
    formula: str
    about: str
    source: str = ""


@cache
def libraries() -> dict[str, dict[str, Feature]]:
    """Every bundled library by name, its features by name.

    >>> libraries()["momentum"]["rsi_14"].formula
    'rsi(close, 14)'
    """
    return {
        library: {name: Feature(name, library, **row) for name, row in rows.items()}
        for library, rows in yaml_files(__name__).items()
    }


def library(name: str) -> dict[str, Feature]:
    """One library's features; ConfigError with the nearest name where there is no such library."""
    found = libraries()
    if name not in found:
        raise ConfigError(f"no feature library {name!r}", allowed=", ".join(found), hint=nearest(name, found))
    return found[name]
