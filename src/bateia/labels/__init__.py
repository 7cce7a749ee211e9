"""The questions a model is asked about the future, and when their answers are known."""

from typing import Annotated

from pydantic import Field

from bateia.labels.asymmetric import AsymmetricHorizon
from bateia.labels.barrier import TripleBarrier
from bateia.labels.base import Horizon, Label, Labels, Task, rare_classes
from bateia.labels.fixed import FixedHorizon
from bateia.labels.weights import Weights

AnyLabel = Annotated[AsymmetricHorizon | FixedHorizon | TripleBarrier, Field(discriminator="kind")]
"""Every label a recipe can name by its `kind`."""

__all__ = [
    "AnyLabel",
    "AsymmetricHorizon",
    "FixedHorizon",
    "Horizon",
    "Label",
    "Labels",
    "Task",
    "TripleBarrier",
    "Weights",
    "rare_classes",
]
