"""Every policy that a recipe can name."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bateia.trading.policy_base import Policy, PolicyStream
from bateia.trading.policy_edge import Edge
from bateia.trading.policy_sized import Sized
from bateia.trading.policy_threshold import Threshold

AnyPolicy = Annotated[Threshold | Edge | Sized, Field(discriminator="kind")]
"""Every policy a recipe can name by its `kind`."""

__all__ = ["AnyPolicy", "Edge", "Policy", "PolicyStream", "Sized", "Threshold"]
