"""Which rows train and which rows test, with the one purge between them."""

from bateia.splits.purge import inner_tail, purge, quiet_time
from bateia.splits.walk_forward import AnySplitter, Fold, Splitter, WalkForward

__all__ = ["AnySplitter", "Fold", "Splitter", "WalkForward", "inner_tail", "purge", "quiet_time"]
