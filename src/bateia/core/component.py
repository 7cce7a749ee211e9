"""A component is its frozen parameters; its state is a separate value."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Component(BaseModel):
    """Base of everything a recipe can name: frozen, hashable, unknown keys refused, YAML in and out."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)
