"""A source of files from words, as the command line gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from bateia.core import ConfigError, nearest
from bateia.sources.component import CandleSource, FileSource
from bateia.sources.formats import PRESETS, Format

KINDS = ("candles", "trades")


def describe_files(
    path: str, kind: str, settings: Mapping[str, Any] | None = None, form: Mapping[str, Any] | None = None
) -> FileSource | CandleSource:
    """Files of candles or trades; what is empty in `settings` and `form` is left as it is by default.

    ConfigError for what makes no sense.

    >>> describe_files("mine.csv", "trades", {"columns": {"time": "ts"}}, {"separator": ";"}).format.separator
    ';'
    """
    if kind not in KINDS:
        raise ConfigError(f"no kind {kind!r}", allowed=", ".join(KINDS), hint=nearest(kind, KINDS))
    given = {name: value for name, value in (settings or {}).items() if value}
    written = {name: value for name, value in (form or {}).items() if value}
    preset = given.get("preset")
    if preset is not None and preset not in PRESETS:
        raise ConfigError(f"no preset {preset!r}", allowed=", ".join(PRESETS), hint=nearest(preset, PRESETS))
    only = sorted({"preset", "interval", "stamp"} & set(given))
    if kind == "trades" and only:
        raise ConfigError(f"{only[0]} of trades", allowed="of candles only", hint="--kind candles")
    try:
        if written:
            base = PRESETS[preset].format.model_dump() if preset else {}
            given["format"] = Format.model_validate(base | written)
        return CandleSource(path=path, **given) if kind == "candles" else FileSource(path=path, **given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        what = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{where}: {what}" if where else what) from None
