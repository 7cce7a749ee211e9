"""Which rows of a file with several symbols are meant."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bateia.core import DataError, nearest
from bateia.core.events import Bools

if TYPE_CHECKING:
    import polars as pl

_SHOWN = 5


class Chosen:
    """Rows of one symbol, or of all that a name with * fits: contracts that follow one another."""

    def __init__(self, path: str | Path, symbol: str | None) -> None:
        self._path, self._symbol = path, symbol
        self._seen: set[str] = set()
        self._some = False

    def rows(self, column: pl.Series) -> Bools:
        """Which rows of the next piece are meant; DataError where nobody said which of several."""
        import polars as pl

        words = column.cast(pl.String).fill_null("").str.strip_chars()
        found = [str(word) for word in words.unique()]
        self._seen.update(found)
        if self._symbol is None:
            if len(self._seen) > 1:
                raise DataError(
                    f"{self._path} holds several symbols: {self._list()}",
                    allowed="one of them, or a name with *",
                    hint=f"symbol: {min(self._seen)}",
                )
            return np.ones(len(column), np.bool_)
        wanted = [word for word in found if fnmatchcase(word, self._symbol)]
        self._some = self._some or bool(wanted)
        return np.array(words.is_in(wanted).to_numpy(), np.bool_)

    def end(self) -> None:
        """DataError where the whole file had no such symbol."""
        if self._symbol is not None and not self._some:
            close = nearest(self._symbol, self._seen)
            raise DataError(f"{self._path} holds no {self._symbol!r}", allowed=self._list(), hint=close)

    def _list(self) -> str:
        names = sorted(self._seen)
        return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
