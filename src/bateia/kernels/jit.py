"""The one way to compile: cached on disk, strict floating point, no GIL."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

# Vector and scalar libm differ in the last bit, which would break batch = live; numba reads this at import.
os.environ.setdefault("NUMBA_DISABLE_INTEL_SVML", "1")

import numba

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile a block loop: load state into locals, loop, store it back.

    The cache sees changes in the function's own file only: keep what a kernel calls beside it.
    """
    return numba.njit(cache=True, nogil=True, fastmath=False)(function)
