"""One folder a run: written under another name, whole or marked incomplete, never changed afterwards."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bateia.core import BateiaError, RunError, nearest
from bateia.runs.canonical import file_hash

MANIFEST, STATUS, METRICS, RECIPE = "manifest.json", "status.json", "metrics.json", "recipe.yaml"
INCOMPLETE = ".incomplete"


class RunFolder:
    """A run in the making; as a context it finishes on success and is marked incomplete when interrupted.

    An error that the user can mend (BateiaError) leaves nothing behind; any other leaves the folder marked.
    """

    def __init__(self, path: Path, final: Path) -> None:
        self.path, self.final = path, final

    @classmethod
    def create(cls, root: str | Path, name: str, recipe_hash: str) -> Self:
        """Make `root/<UTC time>-<name>-<hash>.incomplete`; RunError where that cannot be written."""
        root = Path(root)
        moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        try:
            root.mkdir(parents=True, exist_ok=True)
            for again in itertools.count(1):
                suffix = f"-{again}" if again > 1 else ""
                final = root / f"{moment}-{name}-{recipe_hash[:8]}{suffix}"
                path = final.with_name(final.name + INCOMPLETE)
                if not final.exists():
                    try:
                        path.mkdir()
                    except FileExistsError:
                        continue
                    break
            folder = cls(path, final)
            folder.write_json(STATUS, {"status": "incomplete", "reason": "still running, or killed"})
        except OSError as error:
            raise RunError(
                f"cannot write runs to {str(root)!r}: {error.strerror}",
                allowed="a folder that can be written",
                hint="--runs some/other/folder",
            ) from None
        return folder

    def write_text(self, name: str, text: str) -> Path:
        """Write a UTF-8 file; folders in its name are made."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def write_json(self, name: str, value: Any) -> Path:
        """Write JSON for people and machines."""
        return self.write_text(name, json.dumps(value, indent=2, allow_nan=False) + "\n")

    def write_frame(self, name: str, columns: Mapping[str, Any]) -> Path:
        """Write columns (arrays by name) as Parquet."""
        import polars as pl

        path = self.path / name
        pl.DataFrame(dict(columns)).write_parquet(path)
        return path

    def finish(self) -> Path:
        """Hash every file into the manifest, make all read-only and give the folder its name, at once."""
        (self.path / STATUS).unlink(missing_ok=True)
        files = sorted(p for p in self.path.rglob("*") if p.is_file())
        self.write_json(MANIFEST, {str(p.relative_to(self.path)): file_hash(p) for p in files})
        for path in self.path.rglob("*"):
            if path.is_file():
                path.chmod(0o444)
        self.path.rename(self.final)
        self.path = self.final
        return self.final

    def abandon(self, reason: str) -> None:
        """Leave the folder behind, marked incomplete with the reason."""
        self.write_json(STATUS, {"status": "incomplete", "reason": reason})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish()
        elif isinstance(error, BateiaError):
            # Something the user is told to mend: nothing here is worth keeping.
            shutil.rmtree(self.path)
        else:
            self.abandon("interrupted" if kind is KeyboardInterrupt else f"{kind.__name__}: {error}")


@dataclass(frozen=True)
class Entry:
    """One line of a list of runs."""

    id: str
    path: Path
    status: str
    """`finished`, or `incomplete: reason`."""


class Run:
    """A finished run: open it, read it, verify it; it never changes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, run: str | Path, root: str | Path = "runs") -> Self:
        """A finished run by folder, by id, by the start of an id, or `"latest"`; RunError otherwise."""
        path = Path(run)
        if (path / MANIFEST).is_file():
            return cls(path)
        entries = list_runs(root)
        finished = [entry for entry in entries if entry.status == "finished"]
        if str(run) == "latest":
            if finished:
                return cls(finished[0].path)
            raise RunError(f"no finished run in {str(root)!r}", hint="bateia run recipes/ailab.yaml")
        for entry in entries:
            if entry.id == str(run) and entry.status != "finished":
                raise RunError(f"the run {entry.id} is {entry.status}", hint="run its recipe again")
        matches = [entry for entry in finished if entry.id.startswith(str(run))]
        if len(matches) == 1:
            return cls(matches[0].path)
        if matches:
            raise RunError(f"{len(matches)} runs begin with {str(run)!r}", hint=matches[0].id)
        close = nearest(str(run), [entry.id for entry in finished])
        raise RunError(f"no run {str(run)!r} in {str(root)!r}", hint=close or "bateia runs list")

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.path.resolve().name

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The numbers and the verdict."""
        return self._read_json(METRICS)

    @cached_property
    def manifest(self) -> dict[str, str]:
        """File name -> SHA-256."""
        return self._read_json(MANIFEST)

    @property
    def recipe(self) -> str:
        """The recipe as YAML text, defaults written out."""
        return self.file(RECIPE).read_text(encoding="utf-8")

    def file(self, name: str) -> Path:
        """Where one of its files lies; RunError where it is missing."""
        path = self.path / name
        if not path.is_file():
            raise RunError(f"the run {self.id} has no {name}", hint="run it again")
        return path

    def verify(self) -> None:
        """RunError naming the files that are missing or were changed since the run finished."""
        wrong = []
        for name, digest in self.manifest.items():
            path = self.path / name
            if not path.is_file():
                wrong.append(f"{name} is missing")
            elif file_hash(path) != digest:
                wrong.append(f"{name} was changed")
        if wrong:
            raise RunError(f"the run {self.id} is not what it was: {', '.join(wrong)}", hint="run it again")

    def _read_json(self, name: str) -> dict[str, Any]:
        try:
            value = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(f"cannot read {name} of the run {self.id}: {error}", hint="run it again") from None
        if not isinstance(value, dict):
            raise RunError(f"{name} of the run {self.id} holds no object", hint="run it again")
        return value


def list_runs(root: str | Path = "runs") -> list[Entry]:
    """The runs below `root`, newest first, unfinished ones with the reason."""
    folder = Path(root)
    if not folder.is_dir():
        return []
    entries = []
    for path in sorted(folder.iterdir(), reverse=True):
        if path.name.endswith(INCOMPLETE) and path.is_dir():
            entries.append(Entry(path.name.removesuffix(INCOMPLETE), path, f"incomplete: {_reason(path)}"))
        elif (path / MANIFEST).is_file():
            entries.append(Entry(path.name, path, "finished"))
    return entries


def _reason(path: Path) -> str:
    try:
        return str(json.loads((path / STATUS).read_text(encoding="utf-8"))["reason"])
    except (OSError, ValueError, KeyError, TypeError):
        return "unknown"
