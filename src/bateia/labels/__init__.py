"""The questions a model is asked about the future, and when their answers are known."""

from typing import Annotated

from pydantic import Field

from bateia.labels.barrier import TripleBarrier
from bateia.labels.base import Horizon, Label, Labels, Task
from bateia.labels.fixed import FixedHorizon

AnyLabel = Annotated[FixedHorizon | TripleBarrier, Field(discriminator="kind")]
"""Every label a recipe can name by its `kind`."""

__all__ = ["AnyLabel", "FixedHorizon", "Horizon", "Label", "Labels", "Task", "TripleBarrier"]
