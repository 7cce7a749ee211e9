"""What many tests share: the bundled trades, and a recipe small enough to run in a second."""

from __future__ import annotations

import os
from collections.abc import Iterator

# Before anything starts OpenMP: idle threads must sleep.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
import pytest
from hypothesis import settings

import postgres_server
from bateia.core import Trades
from bateia.recipe import Recipe
from bateia.sources import SampleSource

# A kernel's first call compiles it, which no deadline could allow for.
settings.register_profile("bateia", deadline=None)
settings.load_profile("bateia")

if os.environ.get("NUMBA_DISABLE_JIT") == "1":
    # Kernels as plain Python: as silent as compiled ones, and no more examples than show that they agree.
    np.seterr(all="ignore")
    settings.register_profile("plain", deadline=None, max_examples=15)
    settings.load_profile("plain")

SMALL = """
name: small
source: {kind: sample, name: es-trades-2013-09}
bars: {kind: dollar, size: 2000000}
features:
  use: [calendar]
  define:
    trend: ema(close, 5) / ema(close, 20) - 1
    flow: sum(signed_volume, 10) / sum(volume, 10)
    fast: log_return(close, "30s")
label: {kind: fixed_horizon, horizon: 5}
split: {kind: walk_forward, folds: 2, min_train: 0.5, embargo: 10s}
model: {kind: lightgbm, rounds: 20, early_stopping_rounds: 5, min_data_in_leaf: 20, threads: 1}
policy: {kind: threshold, enter: 0.05, exit: 0.0}
broker:
  kind: simulated
  latency: 100ms
  multiplier: 50
  costs: {fee_per_unit: 1.25, half_spread: 0.125}
"""


@pytest.fixture(scope="session")
def es_trades() -> Trades:
    """The bundled 500,000 E-mini trades."""
    return SampleSource(name="es-trades-2013-09").read()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a PostgreSQL database; what needs it is skipped, saying why, where there is none."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture
def postgres_schema(postgres: str) -> Iterator[str]:
    """The same, in a schema of its own."""
    with postgres_server.schema(postgres) as url:
        yield url


@pytest.fixture(scope="session")
def small_text() -> str:
    """The small recipe as YAML."""
    return SMALL


@pytest.fixture
def small_recipe() -> Recipe:
    """About 1,450 bars, five features, two folds, twenty trees."""
    return Recipe.parse(SMALL)
