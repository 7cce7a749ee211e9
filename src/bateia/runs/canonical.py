"""Content hashes: the same content gives the same hash, however it is written."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

from bateia.core import RunError

_CHUNK = 1 << 20


def canonical_json(value: Any) -> str:
    """JSON with sorted keys, no spaces, floats in full, NaN and infinities as null.

    >>> canonical_json({"b": 1.5, "a": float("nan")})
    '{"a":null,"b":1.5}'
    """
    return json.dumps(
        _plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def content_hash(value: Any) -> str:
    """SHA-256 of the canonical JSON, hex."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def file_hash(path: str | Path) -> str:
    """SHA-256 of a file's bytes, hex; RunError where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with Path(path).open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise RunError(f"cannot read {str(path)!r}: {error.strerror}") from None
    return digest.hexdigest()
