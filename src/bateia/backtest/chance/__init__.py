"""Could it be luck? Sharpe ratios deflated by the number of trials, overfitting, and best-of-many tests."""

from bateia.backtest.chance.assess import Chance, assess
from bateia.backtest.chance.mcs import ConfidenceSet, confidence_set
from bateia.backtest.chance.pbo import Overfitting, overfitting
from bateia.backtest.chance.sharpe import (
    Moments,
    best_of,
    deflated_sharpe,
    expected_best_sharpe,
    min_backtest_length,
    min_track_record,
    moments,
    probabilistic_sharpe,
)
from bateia.backtest.chance.spa import Superior, superior
from bateia.backtest.chance.trials import Luck, effective_trials, luck, mean_correlation

__all__ = [
    "Chance",
    "ConfidenceSet",
    "Luck",
    "Moments",
    "Overfitting",
    "Superior",
    "assess",
    "best_of",
    "confidence_set",
    "deflated_sharpe",
    "effective_trials",
    "expected_best_sharpe",
    "luck",
    "mean_correlation",
    "min_backtest_length",
    "min_track_record",
    "moments",
    "overfitting",
    "probabilistic_sharpe",
    "superior",
]
