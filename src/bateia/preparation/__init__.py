"""Features made ready for a model inside each fold: scaled, bounded, filled, fewer."""

from bateia.preparation.base import FittedStep, Step
from bateia.preparation.chain import AnyStep, FittedPreparation, Preparation, Steps
from bateia.preparation.impute import Impute
from bateia.preparation.outliers import Hampel, Winsorise
from bateia.preparation.pca import PCA
from bateia.preparation.scalers import Quantile, Robust, Standard
from bateia.preparation.select import Select

__all__ = [
    "PCA",
    "AnyStep",
    "FittedPreparation",
    "FittedStep",
    "Hampel",
    "Impute",
    "Preparation",
    "Quantile",
    "Robust",
    "Select",
    "Standard",
    "Step",
    "Steps",
    "Winsorise",
]
