"""Which rows train and which rows test, with the one purge between them."""

from typing import Annotated

from pydantic import Field

from bateia.splits.base import Fold, Path, Piece, Splitter, assemble, nested
from bateia.splits.combinatorial import Combinatorial
from bateia.splits.k_fold import PurgedKFold
from bateia.splits.purge import inner_tail, purge, quiet_time
from bateia.splits.regime import LeaveRegimeOut, RegimeSplit
from bateia.splits.session import SessionSplit
from bateia.splits.walk_forward import WalkForward

AnySplitter = Annotated[
    WalkForward | PurgedKFold | Combinatorial | SessionSplit | RegimeSplit | LeaveRegimeOut,
    Field(discriminator="kind"),
]
"""Every splitter a recipe can name by its `kind`."""

__all__ = [
    "AnySplitter",
    "Combinatorial",
    "Fold",
    "LeaveRegimeOut",
    "Path",
    "Piece",
    "PurgedKFold",
    "RegimeSplit",
    "SessionSplit",
    "Splitter",
    "WalkForward",
    "assemble",
    "inner_tail",
    "nested",
    "purge",
    "quiet_time",
]
