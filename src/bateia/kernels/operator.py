"""What an operator is: one block loop over pointers, and the few facts the compiler needs about it.

A kernel has the form `kernel(start, stop, x, out, p, s) -> status`:

- `x[k]` points at row 0 of input k's buffer; rows before 0 are history, so `x[0][i - 5]` is five rows ago
  and NaN where the stream had not begun;
- write `out[i]` for `start <= i < stop`; `p` holds the parameters, `s` the state, zero at the start;
- load the state into locals, loop, store it back, return 0. Any cut of the rows must give the same bits.

Each kernel is compiled and cached on its own the first time a plan asks for it, and called by address.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from threading import RLock
from typing import Any

os.environ.setdefault("NUMBA_DISABLE_INTEL_SVML", "1")  # see kernels/jit.py

from numba import cfunc, types

_FLOATS = types.CPointer(types.float64)
SIGNATURE = types.int64(types.int64, types.int64, types.CPointer(_FLOATS), _FLOATS, _FLOATS, _FLOATS)

_COMPILING = RLock()

Params = tuple[float, ...]
Kernel = Callable[[int, int, Any, Any, Any, Any], int]


@dataclass(frozen=True)
class Window:
    """A window parameter: a count of rows, or (`timed`) a duration, then read from an extra last input."""

    name: str = "n"
    least: int = 1
    timed: bool = True
    default: int | None = None


@dataclass(frozen=True)
class Number:
    """A constant parameter with optional bounds."""

    name: str
    default: float | None = None
    least: float = float("-inf")
    most: float = float("inf")


Parameter = Window | Number


def _nothing(_: Params) -> int:
    return 0


@dataclass(frozen=True, eq=False)
class Operator:
    """A causal operator: inputs are series, parameters constants; see `operator` for the fields."""

    name: str
    inputs: tuple[str, ...]
    params: tuple[Parameter, ...]
    kernel: Kernel
    history: Callable[[Params], int] = _nothing
    """Rows before the current one that the kernel may read, in every input (count windows)."""
    warmup: Callable[[Params], int] = _nothing
    """Rows of NaN that the operator adds to those of its inputs."""
    state: Callable[[Params], int] = _nothing
    """How many float64 of state."""
    about: str = ""
    source: str = ""
    late: tuple[str, ...] = ()
    """The inputs that those rows of NaN come after, where it is not all of them."""

    @property
    def signature(self) -> str:
        """How it is written, e.g. `std(x, n, ddof=1)`."""
        shown = [p.name if p.default is None else f"{p.name}={p.default:g}" for p in self.params]
        return f"{self.name}({', '.join([*self.inputs, *shown])})"

    @property
    def window(self) -> Window | None:
        """The parameter that may be a duration, if there is one."""
        return next((p for p in self.params if isinstance(p, Window) and p.timed), None)

    @cached_property
    def address(self) -> int:
        """Where the compiled kernel lies in this process; compiles on first use, then loads from disk."""
        # Once, whoever asks at the same time: code that is compiled again takes the place of the first, whose
        # address some stream has by then.
        with _COMPILING:
            if "compiled" not in self.__dict__:  # where it stays alive as long as the operator
                compiled = cfunc(SIGNATURE, cache=True, error_model="numpy")(self.kernel)
                self.__dict__["compiled"] = compiled
            return int(self.__dict__["compiled"].address)


OPERATORS: dict[str, Operator] = {}


def operator(
    *inputs: str,
    params: tuple[Parameter, ...] = (),
    history: Callable[[Params], int] = _nothing,
    warmup: Callable[[Params], int] = _nothing,
    state: Callable[[Params], int] = _nothing,
    source: str = "",
    late: tuple[str, ...] = (),
    name: str | None = None,
) -> Callable[[Kernel], Operator]:
    """Make a kernel function an operator and register it under its name.

    Raises ValueError where the name is taken. The first docstring line becomes its description.

    >>> from bateia.kernels.operator import operator
    >>> @operator("x", name="doctest_twice")
    ... def twice(start, stop, x, out, p, s):
    ...     a = x[0]
    ...     for i in range(start, stop):
    ...         out[i] = 2.0 * a[i]
    ...     return 0
    >>> twice.signature
    'doctest_twice(x)'
    >>> del OPERATORS["doctest_twice"]
    """

    def register(kernel: Kernel) -> Operator:
        called = name or kernel.__name__.rstrip("_")
        if called in OPERATORS:
            raise ValueError(f"the operator {called!r} exists; allowed: a new name")
        about = (kernel.__doc__ or "").strip().split("\n")[0]
        made = Operator(called, inputs, params, kernel, history, warmup, state, about, source, late)
        OPERATORS[called] = made
        return made

    return register
