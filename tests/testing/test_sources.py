"""check_source catches every planted fault, and by the check that is meant to."""

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from bateia.core import Bars, Component, ConfigError
from bateia.sources import CandleSource, FileSource
from bateia.sources.blocks import recut
from bateia.testing import check_source
from bateia.testing.bars import generated_trades
from bateia.testing.sources import CHECKS

TRADES = generated_trades(400)


class Honest(Component):
    """Generated trades, from memory."""

    kind: Literal["honest"] = "honest"
    fault: str = ""

    def made(self, rows):
        return TRADES[np.arange(len(TRADES))]

    def read(self):
        return self.made(None)

    def blocks(self, rows=100):
        return recut([self.made(rows)], rows)

    def hash(self):
        return "ab" * 32


class Faulty(Honest):
    """The same with a fault planted."""

    def made(self, rows):
        trades = super().made(rows)
        n = np.arange(len(trades))
        faults = {
            "narrow": lambda: replace(trades, price=trades.price.astype(np.float32)),
            "frozen": lambda: TRADES[n[:]] if rows else frozen(trades),
            "strided": lambda: trades[::2],
            "backwards": lambda: trades[n[::-1].copy()],
            "wide side": lambda: replace(trades, side=trades.side * np.int8(2)),
            "early": lambda: replace(trades, known_at=trades.time - (n == 3)),
            "milliseconds": lambda: replace(
                trades, time=trades.time // 10**6, known_at=trades.known_at // 10**6
            ),
            "nanoseconds": lambda: replace(trades, time=trades.time * 1000, known_at=trades.known_at * 1000),
            "by block": lambda: replace(trades, size=trades.size * (1 + (rows == 399))),
        }
        return faults.get(self.fault, lambda: trades)()

    def blocks(self, rows=100):
        if self.fault == "zero":
            return iter([]) if rows == 0 else super().blocks(rows)
        if self.fault == "uneven" and rows > 1:
            return recut([self.made(rows)], rows - 1)
        return super().blocks(rows)

    def hash(self):
        if self.fault == "word":
            return "a hash of many letters, but not in hex"
        return super().hash()


class Shared(Honest):
    """Its rows are those that the caller may change."""

    def read(self):
        return KEPT


class Moving(Honest):
    """Another hash each time."""

    def hash(self):
        MOVED.append(1)
        return f"{len(MOVED):064x}"


class Forgetful(Honest):
    """Does not write down what it is made of."""

    def model_dump(self, **how):
        return {"kind": "honest"}


KEPT = generated_trades(400)
MOVED: list[int] = []


def frozen(trades):
    columns = {name: column.copy() for name, column in trades.columns().items()}
    for column in columns.values():
        column.flags.writeable = False
    return type(trades)(**columns)


def test_an_honest_source_passes_every_check():
    assert check_source(Honest()) == list(CHECKS)


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("narrow", "types"),
        ("frozen", "types"),
        ("strided", "types"),
        ("backwards", "order"),
        ("wide side", "order"),
        ("early", "clocks"),
        ("milliseconds", "clocks"),
        ("nanoseconds", "clocks"),
        ("by block", "cuts"),
        ("uneven", "cuts"),
        ("zero", "cuts"),
        ("word", "repeats"),
    ],
)
def test_each_fault_is_caught_by_its_check(fault, check):
    with pytest.raises(AssertionError):
        CHECKS[check](Faulty(fault=fault))
    assert CHECKS["config"](Faulty(fault=fault))


@pytest.mark.parametrize(
    ("source", "check"), [(Shared(), "repeats"), (Moving(), "repeats"), (Forgetful(fault="x"), "config")]
)
def test_faults_of_memory(source, check):
    with pytest.raises(AssertionError):
        CHECKS[check](source)


def test_candles_of_one_moment_are_out_of_order(tmp_path):
    bars = Bars.empty()
    rows = np.full(12, 1_600_000_000_000_000)
    twice = Bars(**{n: rows.astype(c.dtype) for n, c in bars.columns().items()})

    class Twice(Honest):
        def made(self, rows):
            return twice[np.arange(12)]

    with pytest.raises(AssertionError, match="row 1 is not after row 0"):
        CHECKS["order"](Twice())
    with pytest.raises(AssertionError, match="time of row 0 is before open_time"):
        CHECKS["clocks"](Twice())


def test_too_few_rows_and_no_component(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("time,price,size\n1377993600,1,1\n")
    with pytest.raises(AssertionError, match="1 rows are too few"):
        check_source(FileSource(path=str(path)))

    class Plain:
        read, blocks, hash = Honest().read, Honest().blocks, Honest().hash

    with pytest.raises(AssertionError, match="is not a Component"):
        CHECKS["config"](Plain())
    with pytest.raises(ConfigError):
        CandleSource(path="x").blocks(0)
