"""The frame of every shared check suite: named checks, no silent exclusions, no empty ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[..., int]
"""A check asserts and returns how many assertions it made; 0 means that it tested nothing."""


def run_suite(checks: Mapping[str, Check], *args: Any, exclude: Mapping[str, str] | None = None) -> list[str]:
    """Run every check on `args`, return the names run; `exclude` maps a check's name to the reason.

    Raises AssertionError where a check fails, asserts nothing, or an exclusion is unknown or unexplained.

    >>> run_suite({"adds": lambda x: int(x + 1 == 3)}, 2)
    ['adds']
    """
    exclude = dict(exclude or {})
    unknown = sorted(set(exclude) - set(checks))
    if unknown:
        raise AssertionError(f"excluded checks that do not exist: {unknown}; allowed: {sorted(checks)}")
    silent = sorted(name for name, reason in exclude.items() if not reason.strip())
    if silent:
        raise AssertionError(f"excluded without a reason: {silent}")
    ran = []
    for name, check in checks.items():
        if name in exclude:
            continue
        if check(*args) < 1:
            raise AssertionError(f"check {name!r} asserted nothing")
        ran.append(name)
    if not ran:
        raise AssertionError("every check was excluded")
    return ran
