"""Everything a stream remembers, to compare, to keep in a file, and to resume from."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from bateia.core import DataError
from bateia.core.events import Floats

FORMAT = 1


@dataclass(frozen=True, eq=False)
class Waiting:
    """Another asset's memory, and its values that no row of ours has met: the newest met one comes first."""

    snapshot: Snapshot
    known_at: Floats
    values: Floats
    """Shape (features, values that wait)."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Waiting) and (
            self.snapshot == other.snapshot
            and np.array_equal(self.known_at, other.known_at)
            and np.array_equal(self.values, other.values, equal_nan=True)
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The memory of a stream after so many rows; `plan.restore(snapshot)` goes on from it."""

    plan: str
    """The plan's hash: a snapshot fits no other."""
    rows: int
    capacity: int
    state: Floats
    history: Floats
    known_at: float = -np.inf
    """Of the latest row, where other assets are joined."""
    others: Mapping[str, Waiting] = field(default_factory=dict)

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Snapshot) and (
            (self.plan, self.rows, self.capacity) == (other.plan, other.rows, other.capacity)
            and np.array_equal(self.state, other.state, equal_nan=True)
            and np.array_equal(self.history, other.history, equal_nan=True)
            and self.known_at == other.known_at
            and dict(self.others) == dict(other.others)
        )

    def save(self, path: str | Path) -> None:
        """Write it to a file of NumPy arrays, no pickle; a crash leaves the old file whole."""
        path = Path(path)
        arrays: dict[str, Any] = {}
        arrays["spec"] = np.array(json.dumps({"format": FORMAT} | _flatten(self, "", arrays)))
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with beside.open("wb") as file:
                np.savez(file, **arrays)
            beside.replace(path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise DataError(f"cannot write the snapshot {path}: {error}", hint="a writable folder") from None

    @classmethod
    def load(cls, path: str | Path) -> Snapshot:
        """Read one back; DataError where the file is missing, broken or of another format."""
        try:
            with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as found:
                arrays = dict(found)
            spec = json.loads(str(arrays["spec"]))
            if spec["format"] != FORMAT:
                raise DataError(
                    f"{path} has format {spec['format']}", allowed=f"format {FORMAT}", hint="a new snapshot"
                )
            return _gather(spec, "", arrays)
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise DataError(f"{path} is no snapshot: {error}", hint="a file of snapshot.save()") from None


def _flatten(snapshot: Snapshot, prefix: str, arrays: dict[str, Any]) -> dict[str, Any]:
    """Put a snapshot's arrays beside the others, under a prefix; returns what is not an array."""
    arrays |= {f"{prefix}state": snapshot.state, f"{prefix}history": snapshot.history}
    arrays[f"{prefix}known_at"] = np.array(snapshot.known_at)
    spec: dict[str, Any] = {"plan": snapshot.plan, "rows": snapshot.rows, "capacity": snapshot.capacity}
    spec["others"] = {}
    for k, (symbol, waiting) in enumerate(snapshot.others.items()):
        inner = f"{prefix}other{k}_"
        arrays |= {f"{inner}waiting": waiting.values, f"{inner}waiting_known_at": waiting.known_at}
        spec["others"][symbol] = _flatten(waiting.snapshot, inner, arrays)
    return spec


def _gather(spec: dict[str, Any], prefix: str, arrays: Mapping[str, Any]) -> Snapshot:
    others = {}
    for k, (symbol, inner_spec) in enumerate(spec["others"].items()):
        inner = f"{prefix}other{k}_"
        waiting = arrays[f"{inner}waiting_known_at"], arrays[f"{inner}waiting"]
        others[symbol] = Waiting(_gather(inner_spec, inner, arrays), *waiting)
    return Snapshot(
        plan=spec["plan"],
        rows=spec["rows"],
        capacity=spec["capacity"],
        state=arrays[f"{prefix}state"],
        history=arrays[f"{prefix}history"],
        known_at=float(arrays[f"{prefix}known_at"]),
        others=others,
    )
