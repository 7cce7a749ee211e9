"""Errors that say what was given, what is allowed, and what to try."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BateiaError(Exception):
    """Anything a user can mend: one clear line, never a traceback in the command line.

    >>> print(BateiaError("window is 0", allowed="a whole number from 1", hint="ema(close, 20)"))
    window is 0; allowed: a whole number from 1; try: ema(close, 20)
    """

    def __init__(self, given: str, *, allowed: str | None = None, hint: str | None = None) -> None:
        self.given, self.allowed, self.hint = given, allowed, hint
        parts = [given]
        if allowed:
            parts.append(f"allowed: {allowed}")
        if hint:
            parts.append(f"try: {hint}")
        super().__init__("; ".join(parts))


class DataError(BateiaError):
    """Market data that is missing, broken or out of order."""


class ConfigError(BateiaError):
    """A recipe or a component with parameters that make no sense."""


class ExpressionError(BateiaError):
    """A feature expression that does not parse or compile; `position` is the offending character."""

    def __init__(
        self,
        given: str,
        *,
        text: str = "",
        position: int = 0,
        feature: str = "",
        allowed: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.text, self.position, self.feature = text, position, feature
        self.what = given
        prefix = f"feature {feature!r}: " if feature else ""
        where = f" at character {position + 1} of {text!r}" if text else ""
        super().__init__(prefix + given + where, allowed=allowed, hint=hint)

    def within(self, feature: str) -> ExpressionError:
        """The same error, saying in which feature it lies."""
        return ExpressionError(
            self.what,
            text=self.text,
            position=self.position,
            feature=self.feature or feature,
            allowed=self.allowed,
            hint=self.hint,
        )


class SplitError(BateiaError):
    """A split that leaves nothing to train or to test on."""


class RunError(BateiaError):
    """A run folder that cannot be written, read or found."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word closest to a mistyped one, or None.

    >>> nearest("colse", ["open", "close"])
    'close'
    """
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return matches[0] if matches else None
