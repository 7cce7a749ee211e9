"""Every operator and function in plain Python, a file a family: REFERENCES has them all."""

from importlib import import_module
from pkgutil import iter_modules

from references.base import REFERENCES

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["REFERENCES"]
