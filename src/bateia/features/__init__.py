"""Features are expressions: compiled to one graph of causal operators, the same live as in training."""

from bateia.features.component import Features
from bateia.features.expression import Expr
from bateia.features.files import rows_of, run_file
from bateia.features.joined import JoinedStream
from bateia.features.library import Feature, libraries, library
from bateia.features.namespace import col, fn
from bateia.features.parser import parse
from bateia.features.plan import AnyStream, Plan
from bateia.features.snapshot import Snapshot
from bateia.features.stream import BATCH_BLOCK, LIVE_BLOCK, Stream
from bateia.features.table import feature_table

__all__ = [
    "BATCH_BLOCK",
    "LIVE_BLOCK",
    "AnyStream",
    "Expr",
    "Feature",
    "Features",
    "JoinedStream",
    "Plan",
    "Snapshot",
    "Stream",
    "col",
    "feature_table",
    "fn",
    "libraries",
    "library",
    "parse",
    "rows_of",
    "run_file",
]
