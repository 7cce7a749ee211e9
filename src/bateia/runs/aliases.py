"""Aliases: which run is champion, which is challenger, and who was before; written only by promotion."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from bateia.core import ConfigError, RunError, nearest

Name = Literal["champion", "challenger"]
FOLDER = "aliases"


@dataclass(frozen=True)
class Alias:
    """One name, the run that bears it, and on what grounds."""

    alias: str
    run: str
    signal: str
    """Hash of the run's signal."""
    time: str
    """ISO 8601, UTC."""
    judged_by: str = ""
    """Where the gates came from: the run's recipe, a preset or a file."""
    gates: list[dict[str, Any]] = field(default_factory=list)
    """The gate table."""
    before: str = ""
    """The run that bore the name until then."""


def check_alias(name: str) -> str:
    """The name itself; ConfigError for one that there is not.

    >>> check_alias("champoin")
    Traceback (most recent call last):
    bateia.core.errors.ConfigError: alias 'champoin'; allowed: champion, challenger; try: champion
    """
    known = get_args(Name)
    if name not in known:
        raise ConfigError(f"alias {name!r}", allowed=", ".join(known), hint=nearest(name, known))
    return name


def read_alias(root: str | Path, name: str) -> Alias | None:
    """Who bears the name now, if anybody; RunError where its file cannot be read."""
    path = Path(root) / FOLDER / f"{check_alias(name)}.json"
    try:
        return Alias(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise RunError(f"cannot read the alias {str(path)!r}: {error}", hint="promote a run again") from None


def read_aliases(root: str | Path) -> dict[str, list[str]]:
    """Run id -> the names it bears; an unreadable one is left out."""
    found: dict[str, list[str]] = {}
    for name in get_args(Name):
        try:
            alias = read_alias(root, name)
        except RunError:
            continue
        if alias is not None:
            found.setdefault(alias.run, []).append(name)
    return found


def history(root: str | Path, name: str) -> list[Alias]:
    """Everyone who ever bore the name, oldest first."""
    path = Path(root) / FOLDER / f"{check_alias(name)}.history.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [Alias(**json.loads(line)) for line in lines]


def write_alias(
    root: str | Path, name: str, run: str, signal: str, gates: list[dict[str, Any]], judged_by: str = ""
) -> Alias:
    """Give a run the name, at once and whole; a line stays in the history. RunError where it cannot be."""
    folder = Path(root) / FOLDER
    now = read_alias(root, name)
    time = datetime.now(UTC).isoformat(timespec="seconds")
    alias = Alias(name, run, signal, time, judged_by, gates, now.run if now else "")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # One write of one line: two promotions at once lose neither.
        with (folder / f"{name}.history.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(alias), allow_nan=False) + "\n")
        handle, draft = tempfile.mkstemp(dir=folder, prefix=f".{name}-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(json.dumps(asdict(alias), indent=2, allow_nan=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(folder / f"{name}.json")
    except OSError as error:
        raise RunError(f"cannot write aliases to {str(folder)!r}: {error.strerror}") from None
    return alias


def promoted(root: str | Path = "runs", alias: str = "") -> Path:
    """The signal's folder of the run that bears a name: `Signal.load(promoted("runs", "champion"))`.

    `promoted("runs@champion")` is the same. RunError where nobody bears it, or where the signal there is not
    the one that was promoted.
    """
    if not alias:
        folder, _, alias = str(root).rpartition("@")
        root = folder or "runs"
    found = read_alias(root, alias)
    if found is None:
        raise RunError(f"no {alias} in {str(root)!r}", hint=f"bateia promote RUN --as {alias}")
    path = Path(root) / found.run / "signal"
    try:
        present = json.loads((path / "signal.json").read_text(encoding="utf-8")).get("hash")
    except (OSError, ValueError) as error:
        raise RunError(f"the {alias}'s signal {str(path)!r} cannot be read: {error}") from None
    if present != found.signal:
        raise RunError(
            f"the signal in {str(path)!r} is not the one that was promoted",
            allowed=f"hash {found.signal[:12]}…",
            hint="promote a run again",
        )
    return path
