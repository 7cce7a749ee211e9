"""What a run ran on: versions, and nothing that names a person or a machine."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("bateia", "lightgbm", "numba", "numpy", "plotly", "polars", "pydantic", "scipy")


def versions() -> dict[str, str]:
    """Version by name of Python, the platform and the packages that results depend on; imports none.

    >>> sorted(versions())[:2]
    ['bateia', 'lightgbm']
    """
    found = {"python": platform.python_version(), "platform": f"{platform.system()} {platform.machine()}"}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
