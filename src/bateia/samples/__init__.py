"""The bundled real data."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from bateia.core import ConfigError, nearest

SAMPLES = {"es-trades-2013-09": "500,000 E-mini S&P 500 trades, 2013-09-01 to 2013-09-03 (see NOTICE)"}
"""Name -> what it is."""


def sample_path(name: str) -> Path:
    """Where a bundled sample lies; ConfigError with the nearest name where there is none.

    >>> sample_path("es-trades-2013-09").name
    'es-trades-2013-09.parquet'
    """
    if name not in SAMPLES:
        raise ConfigError(f"no sample {name!r}", allowed=", ".join(SAMPLES), hint=nearest(name, SAMPLES))
    return Path(str(files(__name__) / f"{name}.parquet"))
