"""Arrays in, scores out: gradient-boosted trees and the baselines that gate them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from pydantic import Field

from bateia.core import RunError
from bateia.models.base import Dataset, Fitted, Task, up_rather_than_down
from bateia.models.lightgbm import FittedLightGBM, LightGBM
from bateia.models.logistic import FittedLogistic, Logistic
from bateia.models.majority import FittedMajority, Majority

AnyModel = Annotated[LightGBM | Logistic | Majority, Field(discriminator="kind")]
"""Every model that a recipe can name by its `kind`."""

__all__ = [
    "AnyModel",
    "Dataset",
    "Fitted",
    "LightGBM",
    "Logistic",
    "Majority",
    "Task",
    "load_model",
    "up_rather_than_down",
]

_LOADERS: dict[str, Callable[[Path], Fitted]] = {
    "lightgbm": FittedLightGBM.load,
    "logistic": FittedLogistic.load,
    "majority": FittedMajority.load,
}


def load_model(folder: str | Path) -> Fitted:
    """Read a fitted model back from the folder that its `save` wrote; RunError where it cannot be read."""
    folder = Path(folder)
    try:
        kind = json.loads((folder / "model.json").read_text(encoding="utf-8"))["kind"]
        if kind not in _LOADERS:
            raise RunError(f"{folder} holds a model of kind {kind!r}", allowed=", ".join(_LOADERS))
        return _LOADERS[kind](folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{folder} holds no model that can be read: {error}", hint="run the recipe again"
        ) from None
