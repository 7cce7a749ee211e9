"""Each kernel run as plain Python over guarded pointers: the same bits, and no read outside its rights."""

from itertools import pairwise

import numpy as np
import pytest

from bateia.features import Plan
from bateia.features.plan import KNOWN_COLUMNS
from bateia.kernels.operator import Window
from bateia.kernels.operators import OPERATORS
from bateia.testing.operators import generated_market

ROWS, PAST = 160, 80


class Pointer:
    """What a kernel sees: row 0 somewhere in an array, history below it; says no to what it may not touch."""

    def __init__(self, array, zero=0, read=(-PAST, ROWS), write=(0, 0)):
        self.array, self.zero, self.read, self.write = array, zero, read, write

    def __getitem__(self, row):
        assert self.read[0] <= row < self.read[1], f"read row {row}, allowed {self.read}"
        return self.array[self.zero + row]

    def __setitem__(self, row, value):
        assert self.write[0] <= row < self.write[1], f"wrote row {row}, allowed {self.write}"
        self.array[self.zero + row] = value


class Twin:
    """A plan's graph walked in Python, each buffer as long as the data."""

    def __init__(self, plan):
        self.slots, self.timeframes = plan.graph.slots, plan.graph.timeframes
        self.out = plan.graph.outputs["feature"]
        self.buffers = [np.full(PAST + ROWS, np.nan if s.value is None else s.value) for s in self.slots]
        self.done = [0] * len(self.timeframes)
        self.until = [0] * len(self.timeframes)
        self.states = [np.zeros(s.operator.state(s.params) if s.operator else 0) for s in self.slots]

    def run(self, data, cuts):
        with np.errstate(all="ignore"):
            for start, stop in pairwise(cuts):
                self.until[0] = stop
                for k in range(len(self.slots)):
                    self.step(k, data, start, stop)
                self.done = list(self.until)
        return self.buffers[self.out][PAST:]

    def step(self, k, data, start, stop):
        slot, op = self.slots[k], self.slots[k].operator
        if slot.column:
            self.buffers[k][PAST + start : PAST + stop] = data[slot.column][start:stop]
        if op is None:
            return
        params, inner = list(slot.params), self.slots[slot.inputs[0]].domain
        if op.name == "rows_within":
            params[1] = 1e9
        if op.name in {"bar_of", "held"}:
            params[0] = self.done[slot.domain or inner] - start
        elif slot.domain:
            start, stop = self.done[slot.domain], self.until[slot.domain]
        timed = len(slot.inputs) > len(op.inputs)
        back = PAST if timed or op.name == "rows_within" else op.history(slot.params)
        # Inputs may be read from `history` rows before the block to its last row, no further.
        inputs = [
            Pointer(self.buffers[j], PAST, (self.done[d] - back, self.until[d]))
            for j, d in ((j, self.slots[j].domain) for j in (*slot.inputs, slot.inputs[0]))
        ]
        write = (self.done[slot.domain], self.until[slot.domain])
        out = Pointer(self.buffers[k], PAST, read=write, write=write)
        size = len(self.states[k])
        state = Pointer(self.states[k], read=(0, size), write=(0, size))
        if op.name == "bar_of":  # how many bars end here was found before
            assert write[1] - write[0] <= 2 * (stop - start)
        assert op.kernel(start, stop, inputs, out, np.array([*params, 0.0]), state) == 0
        if op.name == "bar_ends":
            codes = self.buffers[k][PAST + start : PAST + stop].astype(int)
            d = self.timeframes.index(int(params[0]))
            self.until[d] += int(((codes & 1) + (codes >> 1 & 1) - (codes >> 2)).sum())


def expressions():
    """Every operator by a count of rows and, where it may, by a duration."""
    special = {
        "pow": ["(trades / 100) ** (volume / 1000)"],
        "exp": ["exp(signed_volume)"],
        "rows_within": ['count(close, "20s")'],
        "bar_ends": ['at("20s", close)', 'at("20s", close) + at("30s", mean(low, 2))'],
        "bar_of": ['at("20s", high - low)', 'at("20s", open + vwap)', 'at("1m", mean_obi)'],
        "held": ['ema(at("20s", volume), 3)', 'at("5s", mean(close, "20s"))'],
        "smooth": ["smooth(close, 7, 0.3)"],
        "highest": ["highest(high, 7)", "highest(low, 7, -1)", 'highest(high, "20s")'],
        "shape": ["shape(close, 7, 0)", "shape(volume, 40, 1)", 'shape(close, "20s", 1)'],
        "cov": ["cov(close, volume, 7)", "cov(close, volume, 40, 1)", 'cov(close, volume, "20s", 1)'],
        "std": ["std(close, 7, 0)", "std(high, 2)", 'std(close, "20s")'],
        "quantile": ["quantile(close, 7)", "quantile(volume, 40, 0.9)", 'quantile(close, "20s", 0.25)'],
        "regression": ["slope(close, 7)", "intercept(close, 40)", 'r2(volume, "20s")', "linreg(close, 14)"],
        "entropy": ["entropy(close, 7, 4)", "entropy(volume, 40, 10)", 'entropy(close, "20s", 5)'],
        "fracdiff": ["fracdiff(close, 7, 0.4)", "fracdiff(close, 40, 1.5)"],
        "where": ["where(close > open, high, low)"],
        "cumsum": ["cumsum(signed_volume, floor(close / 3))", "cumsum(close, 0)"],
        "cummax": ["cummax(high, floor(close / 3))", "cummax(high, 0)"],
        "first": ["first(volume, floor(close / 3))", "first(volume, 0)"],
        "cumcount": ["cumcount(floor(close / 3))", "cumcount(sign(close))"],
        "age": ["age(close > open)"],
        "psar": ["psar(high, low)", "psar(high, low, 0.3, 0.1)"],
        "trailing_band": ["trailing_band(high + 0.5, low - 0.5, close)"],
        "profile": [f"profile(close, volume, {n}, 7, {k})" for n in (3, 40) for k in range(3)],
    }
    columns = ["close", "volume", "signed_volume"]
    for name, op in OPERATORS.items():
        given = list(op.inputs) if name in {"adx", "true_range"} else columns[: len(op.inputs)]
        if name in special:
            texts = special[name]
        elif name in {"and", "or"}:
            texts = [f"close > open {name} volume % 2"]
        elif name == "not":
            texts = ["not close > open"]
        elif not any(isinstance(p, Window) for p in op.params):
            texts = [f"{name}({', '.join(given)})"]
        else:
            windows = ["7", "40", '"20s"'] if op.window else ["7", "14"]
            texts = [f"{name}({', '.join([*given, n])})" for n in windows]
        for text in texts:
            yield pytest.param(name, text, id=text)


def market(holes):
    data = generated_market(ROWS, 6)
    if holes:
        for name, column in data.items():
            if column.dtype == np.float64:
                column[np.random.default_rng(len(name)).integers(0, ROWS, 2)] = np.nan
    return data


@pytest.mark.parametrize("holes", [False, True], ids=["clean", "holes"])
@pytest.mark.parametrize(("name", "text"), list(expressions()))
def test_the_same_bits_as_compiled(name, text, holes):
    plan, data = Plan({"feature": text}, KNOWN_COLUMNS), market(holes)
    assert name in {slot.operator.name for slot in plan.graph.slots if slot.operator}
    compiled = plan.run(data)["feature"]
    assert np.isfinite(compiled).any()
    # Nothing is rounded otherwise in Python; only libm's functions of the two could differ, and do not.
    for cuts in ([0, ROWS], [0, 1, 2, 9, 10, 50, ROWS]):
        got = Twin(plan).run(data, cuts)
        assert np.array_equal(got.view(np.int64)[~np.isnan(got)], compiled.view(np.int64)[~np.isnan(got)])
        assert np.array_equal(np.isnan(got), np.isnan(compiled))


def times(*values):
    return Pointer(np.concatenate([np.full(PAST, np.nan), values]), PAST)


def rows_within(time, micros, capacity=1000.0):
    out, state = np.full(len(time.array) - PAST, -99.0), np.zeros(3)
    write = Pointer(out, write=(0, len(out)))
    kernel = OPERATORS["rows_within"].kernel
    status = kernel(0, len(out), [time], write, np.array([micros, capacity]), state)
    return status, out.tolist(), state.tolist()


def test_rows_within_counts_the_half_open_window():
    status, rows, state = rows_within(times(0.0, 5.0, 10.0, 10.0, 11.0, 30.0), 10.0)
    assert status == 0
    assert rows == [-1, -2, 2, 3, 4, 1]
    assert state == [1, 1, 0]


def test_rows_within_asks_for_more_room_and_stores_nothing():
    status, _, state = rows_within(times(0.0, 1.0, 2.0, 3.0), 10.0, capacity=3.0)
    assert status == 1
    assert state == [0, 0, 0]


def test_rows_within_survives_a_missing_time():
    _, rows, _ = rows_within(times(np.nan, 0.0, 5.0, np.nan, 10.0, 30.0, 31.0), 10.0)
    assert rows == [-1, -1, -2, -3, 3, 1, 2]


def test_rows_within_never_reads_ahead_where_the_clock_is_too_coarse():
    # At 1e18 a float64 counts in steps of 128: one microsecond back is the same time.
    _, rows, _ = rows_within(times(1e18, 1e18, 1e18), 1.0)
    assert rows == [1, 1, 1]
