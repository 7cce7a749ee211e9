"""The steps of a run, each a function from what came before to what comes next."""

from bateia.research.market import (
    FeatureTable,
    Market,
    Regimes,
    build_bars,
    build_others,
    compute_features,
    find_regimes,
    make_folds,
    make_labels,
    make_paths,
    read,
    tape,
)
from bateia.research.replay import Tested, backtest, numbers, replay, rules_of
from bateia.research.walk import Prepared, Walk, foretold, prepare, scored, train
from bateia.research.watch import Silent, Watch

__all__ = [
    "FeatureTable",
    "Market",
    "Prepared",
    "Regimes",
    "Silent",
    "Tested",
    "Walk",
    "Watch",
    "backtest",
    "build_bars",
    "build_others",
    "compute_features",
    "find_regimes",
    "foretold",
    "make_folds",
    "make_labels",
    "make_paths",
    "numbers",
    "prepare",
    "read",
    "replay",
    "rules_of",
    "scored",
    "tape",
    "train",
]
