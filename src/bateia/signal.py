"""What ships live: bars, features, model and policy, one folder with a hash."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from bateia.bars import AnyBars, BarStream
from bateia.core import Block, RunError, Trades
from bateia.core.events import Bools, Bytes, Floats, Ints
from bateia.features import Plan, Stream
from bateia.models import Fitted, load_model
from bateia.runs import content_hash, file_hash
from bateia.trading import AnyPolicy, ThresholdStream

FORMAT = 1
_BARS: TypeAdapter[AnyBars] = TypeAdapter(AnyBars)
_POLICY: TypeAdapter[AnyPolicy] = TypeAdapter(AnyPolicy)


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

    `target` is -1, 0 or 1 (times the broker's quantity); `score` is NaN while features warm up.
    """

    time: Ints
    known_at: Ints
    close: Floats
    score: Floats
    target: Bytes


@dataclass(frozen=True, eq=False)
class Signal:
    """A tested decision rule: the same object in the backtest and live.

    `signal.start()` gives a stream that takes trades in blocks of any length, or one by one.
    """

    bars: AnyBars
    plan: Plan
    model: Fitted
    policy: AnyPolicy

    def start(self) -> SignalStream:
        """A fresh stream: no bar open, every feature warming up, flat."""
        return SignalStream(self)

    def run(self, trades: Trades) -> Decisions:
        """The decisions over a whole history, from a fresh start."""
        return self.start().run(trades)

    def save(self, folder: Path) -> str:
        """Write the signal's folder: `signal.json` and `model/`, no pickle; returns its hash."""
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save(folder / "model")
        spec: dict[str, Any] = {
            "format": FORMAT,
            "bars": self.bars.model_dump(mode="json"),
            "features": self.plan.features,
            "policy": self.policy.model_dump(mode="json"),
            "model": {p.name: file_hash(p) for p in sorted((folder / "model").iterdir())},
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
            raise RunError(f"{folder} has format {spec.get('format')}", allowed=f"format {FORMAT}")
        claimed = spec.pop("hash", None)
        found = {p.name: file_hash(p) for p in sorted((folder / "model").glob("*"))}
        if content_hash(spec) != claimed or found != spec["model"]:
            raise RunError(
                f"the signal in {folder} was changed after it was saved", hint="run the recipe again"
            )
        return cls(
            bars=_BARS.validate_python(spec["bars"]),
            plan=Plan(spec["features"]),
            model=load_model(folder / "model"),
            policy=_POLICY.validate_python(spec["policy"]),
        )


class SignalStream:
    """A signal in motion over one symbol: trades in, decisions out, the same for any cut of the trades."""

    def __init__(self, signal: Signal) -> None:
        self.signal = signal
        self._bars: BarStream = signal.bars.start()
        self._features: Stream = signal.plan.start()
        self._policy: ThresholdStream = signal.policy.start()
        self._seen = np.zeros(len(signal.plan.names), np.bool_)

    def run(self, trades: Trades) -> Decisions:
        """The decisions of the bars that close within this block of trades; often none."""
        bars = self._bars.run(trades)
        features = np.ascontiguousarray(self._features.run(bars.columns()).T)
        warm, self._seen = warm_rows(features, self._seen)
        score = np.full(len(bars), np.nan)
        if warm.any():
            score[warm] = self.signal.model.predict(features[warm])
        return Decisions(bars.time, bars.known_at, bars.close, score, self._policy.run(score))
