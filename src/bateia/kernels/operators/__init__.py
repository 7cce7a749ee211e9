"""The causal operators: a file each, found by the compiler through `OPERATORS`."""

from importlib import import_module
from pkgutil import iter_modules

from bateia.kernels.operator import OPERATORS

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["OPERATORS"]
