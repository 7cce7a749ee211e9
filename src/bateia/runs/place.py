"""Which ledger counts the evaluations of a folder of runs: a file in it, or a database that many share."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from bateia.core import ConfigError, RunError
from bateia.core.database_url import without_password
from bateia.runs.ledger import Ledger

LEDGER, ELSEWHERE, MOVED = "ledger.sqlite", "ledger.url", "ledger.sqlite.moved"


def ledger_place(root: str | Path) -> str:
    """The URL that the folder's `ledger.url` holds, else the path of its `ledger.sqlite`.

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> Path(ledger_place(root)).name
    'ledger.sqlite'
    """
    try:
        return (Path(root) / ELSEWHERE).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return str(Path(root) / LEDGER)
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"cannot read {Path(root) / ELSEWHERE}: {error}", allowed="a text file") from None


def ledger_of(root: str | Path) -> Ledger:
    """The ledger of a folder of runs, made where there is none; RunError where it cannot be used."""
    return Ledger(ledger_place(root))


def has_ledger(root: str | Path) -> bool:
    """Whether anything was counted for this folder of runs."""
    return (Path(root) / ELSEWHERE).is_file() or (Path(root) / LEDGER).is_file()


def share_ledger(root: str | Path, url: str) -> int:
    """Count in a PostgreSQL database from now on, which other folders may share; the trials copied to it.

    The file that counted so far is copied whole and kept as `ledger.sqlite.moved`. ConfigError for another
    kind of URL, or one with a password, which would stay in a file; RunError where the database says no.
    """
    if not url.startswith(("postgresql://", "postgres://")):
        raise ConfigError(f"a ledger shared at {url!r}", allowed="postgresql://user@host:port/database")
    parts = urlsplit(url)
    if parts.password is not None or "password" in parse_qs(parts.query):
        raise ConfigError(
            f"the URL of {without_password(url)} holds a password, and would be kept in a file",
            hint="without it, and PGPASSWORD in the environment or a line in ~/.pgpass",
        )
    root, shared = Path(root), Ledger(url)
    file, part = root / LEDGER, root / f".{ELSEWHERE}.part"
    try:
        root.mkdir(parents=True, exist_ok=True)
        part.write_text(url + "\n", encoding="utf-8")
        # First the sign, so that no trial is counted in the file while it is copied.
        part.replace(root / ELSEWHERE)
        if not file.is_file():
            return 0
        trials = Ledger(file).trials()
        shared.copy(trials)
        file.replace(root / MOVED)
    except OSError as error:
        raise RunError(f"cannot write in {str(root)!r}: {error.strerror}", hint="another --runs") from None
    return len(trials)
