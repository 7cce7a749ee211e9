"""Features are expressions: compiled to one graph of causal operators, the same live as in training."""

from bateia.features.component import Features
from bateia.features.expression import Expr
from bateia.features.library import Feature, libraries, library
from bateia.features.namespace import col, fn
from bateia.features.parser import parse
from bateia.features.plan import Plan
from bateia.features.stream import BATCH_BLOCK, LIVE_BLOCK, Snapshot, Stream
from bateia.features.table import feature_table

__all__ = [
    "BATCH_BLOCK",
    "LIVE_BLOCK",
    "Expr",
    "Feature",
    "Features",
    "Plan",
    "Snapshot",
    "Stream",
    "col",
    "feature_table",
    "fn",
    "libraries",
    "library",
    "parse",
]
