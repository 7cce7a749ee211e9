"""What ships live: bars, features, preparation, model, policy, regime and risk, one folder with a hash."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from bateia.bars import AnyBars, AnyBarStream
from bateia.core import Bars, Block, ConfigError, DataError, RunError, Trades, nearest
from bateia.core.events import Bools, Floats, Ints
from bateia.features import AnyStream, JoinedStream, Plan, Snapshot
from bateia.models import Fitted, load_model
from bateia.preparation import FittedPreparation
from bateia.regimes import AnyRegime, RegimeMemory, RegimeStream
from bateia.runs import content_hash, file_hash
from bateia.trading import AnyPolicy, PolicyStream
from bateia.trading.risk import Risk

Arrays = Mapping[str, npt.NDArray[Any]]
FORMAT = 2
"""Raised when a folder of before would be read as something else; 2: with a preparation."""
_PARTS = ("preparation", "model")
_BARS: TypeAdapter[AnyBars] = TypeAdapter(AnyBars)
_POLICY: TypeAdapter[AnyPolicy] = TypeAdapter(AnyPolicy)
_REGIME: TypeAdapter[AnyRegime] = TypeAdapter(AnyRegime)


def warm_rows(features: Floats, seen: Bools) -> tuple[Bools, Bools]:
    """Which rows (rows, features) come once every feature has been known, and the updated `seen`.

    A feature that becomes NaN again later, such as a skewness without spread, does not stop the signal.

    >>> warm_rows(np.array([[np.nan, 1.0], [2.0, np.nan]]), np.zeros(2, bool))[0].tolist()
    [False, True]
    """
    known = np.vstack([seen[None], ~np.isnan(features)])
    ever = np.logical_or.accumulate(known)
    warm: Bools = np.all(ever[1:], axis=1)
    return warm, ever[-1]


@dataclass(frozen=True, eq=False)
class Decisions(Block):
    """One row a bar: its close `time`, when we knew it, the model's `score` and the `target` position.

    `target` is in [-1, 1] (times the broker's quantity); `score` is NaN while features warm up; `regime` is
    a number into `signal.regime.names`, what risk rules by regime read, 0 (undefined) without a detector.
    """

    time: Ints
    known_at: Ints
    close: Floats
    score: Floats
    target: Floats
    regime: Ints


@dataclass(frozen=True, eq=False)
class Signal:
    """A tested decision rule: the same object in the backtest and live.

    `signal.start()` gives a stream that takes trades in blocks of any length, or one by one.
    """

    bars: AnyBars
    plan: Plan
    preparation: FittedPreparation
    model: Fitted
    policy: AnyPolicy
    others: Mapping[str, AnyBars] = field(default_factory=dict)
    """The bars of other assets that features look at."""
    risk: Risk | None = None
    """The rules between targets and orders, for whoever holds the account: `risk.start()`."""
    regime: AnyRegime | None = None
    """The detector of the market's state, having learnt what it must: `risk` may go by what it says."""

    def start(self) -> SignalStream:
        """A fresh stream: no bar open, every feature warming up, flat."""
        return SignalStream(self)

    def restore(self, memory: Memory) -> SignalStream:
        """The stream as it was when `snapshot()` was taken; DataError for another signal's."""
        stream = SignalStream(self)
        stream.load(memory)
        return stream

    def run(self, events: Trades | Bars, others: Mapping[str, Trades | Bars] | None = None) -> Decisions:
        """The decisions over a whole history, from a fresh start; `others` holds other assets' trades."""
        stream, others = self.start(), others or {}
        missing = [symbol for symbol in self.others if symbol not in others]
        if missing:
            raise ConfigError(f"no trades of {missing[0]!r}", hint=f"others={{{missing[0]!r}: trades}}")
        for symbol, theirs in others.items():
            stream.feed(symbol, theirs)
        return stream.run(events)

    def save(self, folder: Path) -> str:
        """Write `signal.json`, `preparation/` and `model/`, no pickle; returns the signal's hash."""
        folder.mkdir(parents=True, exist_ok=True)
        self.preparation.save(folder / "preparation")
        self.model.save(folder / "model")
        spec: dict[str, Any] = {
            "format": FORMAT,
            "bars": self.bars.model_dump(mode="json"),
            "others": {symbol: bars.model_dump(mode="json") for symbol, bars in self.others.items()},
            "features": self.plan.features,
            "policy": self.policy.model_dump(mode="json"),
            "risk": self.risk and self.risk.model_dump(mode="json"),
            "regime": self.regime and self.regime.model_dump(mode="json"),
            **_hashes(folder),
        }
        spec["hash"] = content_hash(spec)
        (folder / "signal.json").write_text(json.dumps(spec, indent=2) + "\n", encoding="utf-8")
        return str(spec["hash"])

    @classmethod
    def load(cls, folder: str | Path) -> Signal:
        """Read a signal's folder back; RunError where it is missing, changed, or of another format."""
        folder = Path(folder)
        try:
            spec = json.loads((folder / "signal.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(
                f"{folder} is not a signal: {error}", hint="RUN/signal of a finished run"
            ) from None
        if spec.get("format") != FORMAT:
            raise RunError(
                f"{folder} has format {spec.get('format')}",
                allowed=f"format {FORMAT}",
                hint="run the recipe again",
            )
        claimed = spec.pop("hash", None)
        found = _hashes(folder)
        if content_hash(spec) != claimed or found != {part: spec.get(part) for part in _PARTS}:
            raise RunError(
                f"the signal in {folder} was changed after it was saved", hint="run the recipe again"
            )
        bars = _BARS.validate_python(spec["bars"])
        return cls(
            bars=bars,
            plan=Plan(spec["features"], bars.columns),
            preparation=FittedPreparation.load(folder / "preparation"),
            model=load_model(folder / "model"),
            policy=_POLICY.validate_python(spec["policy"]),
            others={symbol: _BARS.validate_python(bars) for symbol, bars in spec["others"].items()},
            risk=spec["risk"] and Risk.model_validate(spec["risk"]),
            # Absent in folders of before.
            regime=_REGIME.validate_python(spec["regime"]) if spec.get("regime") else None,
        )


def _hashes(folder: Path) -> dict[str, dict[str, str]]:
    """The hash of each file of the parts that are folders of their own."""
    return {part: {p.name: file_hash(p) for p in sorted((folder / part).glob("*"))} for part in _PARTS}


@dataclass(frozen=True, eq=False)
class Memory:
    """What a signal's stream remembers: open bars, features, position, known features, and the regime's."""

    bars: Arrays
    others: Mapping[str, Arrays]
    features: Snapshot
    policy: Arrays
    seen: Bools
    regime: RegimeMemory | None = None


class SignalStream:
    """A signal in motion over one symbol: trades in, decisions out, the same for any cut of the trades."""

    def __init__(self, signal: Signal) -> None:
        self.signal = signal
        self._bars: AnyBarStream = signal.bars.start()
        self._others: dict[str, AnyBarStream] = {s: bars.start() for s, bars in signal.others.items()}
        self._features: AnyStream = signal.plan.start()
        self._policy: PolicyStream = signal.policy.start()
        self._seen = np.zeros(len(signal.plan.names), np.bool_)
        self._regime: RegimeStream | None = None if signal.regime is None else signal.regime.start()

    def snapshot(self) -> Memory:
        """Everything it remembers, to resume from with `signal.restore`."""
        others = {symbol: bars.snapshot() for symbol, bars in self._others.items()}
        features, policy = self._features.snapshot(), self._policy.snapshot()
        regime = None if self._regime is None else self._regime.snapshot()
        return Memory(self._bars.snapshot(), others, features, policy, self._seen.copy(), regime)

    def load(self, memory: Memory) -> None:
        """Go on from a memory; DataError where it is another signal's."""
        signal = self.signal
        missing = (memory.regime is None) != (signal.regime is None)
        if missing or memory.others.keys() != signal.others.keys():
            raise DataError("the memory belongs to another signal", hint="the signal it was taken from")
        self._features = signal.plan.restore(memory.features)
        self._bars = signal.bars.restore(memory.bars)
        self._others = {s: bars.restore(memory.others[s]) for s, bars in signal.others.items()}
        self._policy, self._seen = signal.policy.restore(memory.policy), memory.seen.copy()
        if signal.regime is not None and memory.regime is not None:
            self._regime = signal.regime.restore(memory.regime)

    def feed(self, symbol: str, events: Trades | Bars) -> None:
        """Trades of another asset, ahead of our own that may see them; ConfigError if unknown."""
        if symbol not in self._others or not isinstance(self._features, JoinedStream):
            known = list(self._others)
            allowed = ", ".join(known) or "none: its features look at no other asset"
            raise ConfigError(f"trades of {symbol!r}", allowed=allowed, hint=nearest(symbol, known))
        self._features.feed(symbol, self._others[symbol].run(events))

    def run(self, events: Trades | Bars) -> Decisions:
        """The decisions of the bars that close within this block of trades, or of these candles."""
        bars = self._bars.run(events)
        features = np.ascontiguousarray(self._features.run(bars).T)
        warm, self._seen = warm_rows(features, self._seen)
        score = np.full(len(bars), np.nan)
        if warm.any():
            prepared = self.signal.preparation.transform(features[warm])
            score[warm] = self.signal.model.predict(prepared)
        regime = np.zeros(len(bars), np.int64) if self._regime is None else self._regime.run(bars)
        return Decisions(bars.time, bars.known_at, bars.close, score, self._policy.run(score), regime)
