"""Check suites for components of your own: one call runs everything that its kind must hold."""

from bateia.testing.bars import check_bars
from bateia.testing.labels import check_label
from bateia.testing.models import check_model
from bateia.testing.operators import check_operator
from bateia.testing.policies import check_policy
from bateia.testing.preparation import check_preparation
from bateia.testing.regimes import check_regime
from bateia.testing.risk import check_risk
from bateia.testing.sources import check_source
from bateia.testing.splits import check_splitter
from bateia.testing.suite import run_suite

__all__ = [
    "check_bars",
    "check_label",
    "check_model",
    "check_operator",
    "check_policy",
    "check_preparation",
    "check_regime",
    "check_risk",
    "check_source",
    "check_splitter",
    "run_suite",
]
