"""A component is its frozen parameters; its state is a separate value."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

INT32 = 2**31 - 1
"""Most that a count may be: compiled code and LightGBM take no larger ones, and would crash or wrap."""
AMOUNT = 1e12
"""Most that an amount may be: squares of products of a few of them stay finite."""


class Component(BaseModel):
    """Base of everything a recipe can name: frozen, hashable, unknown keys refused, YAML in and out."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)
