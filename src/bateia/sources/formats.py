"""How a file writes its columns: separators, decimals, time zone and names; and formats known by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, Self
from zoneinfo import available_timezones

from pydantic import Field, model_validator

from bateia.core import Component, nearest


class Format(Component):
    """How numbers and times are written.

    >>> Format(separator=";", decimal=",", time_format="%d/%m/%Y %H:%M:%S").time_zone
    'UTC'
    """

    separator: str = Field(",", min_length=1, max_length=1)
    """Between the columns of a CSV: one character, such as `";"` or `"\\t"`."""
    decimal: Literal[".", ","] = "."
    """Between the whole and the fraction of a number."""
    time_zone: str = "UTC"
    """Of times that tell none, such as `America/Sao_Paulo`; numbers since 1970 are UTC whatever is said."""
    time_format: str | None = None
    """How times are written where that is not ISO 8601, in strftime's letters: `%d/%m/%Y %H:%M:%S`."""
    names: tuple[str, ...] = ()
    """Names of all columns, in order, of a CSV that has no line of names."""

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.separator == self.decimal:
            raise ValueError(f'{self.separator!r} separates columns and decimals; try: separator: ";"')
        if self.separator in '\n\r"':
            raise ValueError(f"{self.separator!r} separates no columns; allowed: any other character")
        if self.time_zone not in available_timezones():
            hint = nearest(self.time_zone, available_timezones()) or "America/Sao_Paulo"
            raise ValueError(f"no time zone {self.time_zone!r}; try: {hint}")
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"names: {', '.join(self.names)}; allowed: each name once")
        return self


PLAIN = Format()


@dataclass(frozen=True)
class Preset:
    """A format by name: how the file is written, and our name -> its own for each column."""

    about: str
    format: Format
    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


PresetName = Literal["etapa6"]

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "etapa6": Preset(
            "candles of B3 futures: timestamp,open,high,low,close,volume,trades,buy_volume,sell_volume,vwap,"
            "symbol; times of Sao Paulo. Volumes stay in the file's own unit, which may be money",
            Format(time_zone="America/Sao_Paulo"),
            MappingProxyType(
                {
                    "open_time": "timestamp",
                    "taker_buy_volume": "buy_volume",
                    "sell_volume": "sell_volume",
                    "symbol": "symbol",
                    "trades": "trades",
                    "vwap": "vwap",
                }
            ),
        )
    }
)


def resolve(
    preset: PresetName | None, form: Format | None, columns: Mapping[str, str]
) -> tuple[Format, dict[str, str]]:
    """The format and columns to read by: the preset's, unless others are said."""
    known = PRESETS[preset] if preset else Preset("", PLAIN)
    return form or known.format, {**known.columns, **columns}
