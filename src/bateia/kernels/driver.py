"""The one driver of a feature plan: walks the nodes over a block, and a live event is a block of one.

A stream's buffers are laid out once; `ctrl` (int64) holds their addresses, so that a live event costs one
compiled call and no per-node Python. Row r of a buffer lies at its row-0 address + 8 * r; history lies below
row 0. An infinite input is taken as missing, like NaN. Fields of `ctrl` are named by the constants; every
table it points at is int64 as well:

- PROGRAM: a row (function, inputs, out, parameters, state) of addresses for each node;
- STRETCHES: a row (kind, domain, first node, end) for each run of nodes that are walked alike;
- DOMAINS: a row (next row, end of this block's rows) for each clock: 0 the events, others higher timeframes;
- INPUTS, OUTPUTS: row-0 addresses of the input columns and of the features;
- BUFFERS: a row (row-0 address, rows of history, domain) for each buffer that keeps history.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from bateia.kernels.jit import kernel

N_STRETCHES, N_INPUTS, N_OUTPUTS, N_BUFFERS, N_DOMAINS = 0, 1, 2, 3, 4
PROGRAM, STRETCHES, DOMAINS, INPUTS, OUTPUTS, BUFFERS, LATEST = 5, 6, 7, 8, 9, 10, 11
BLOCK, RESUME, ROWS = 12, 13, 14
CTRL_SIZE = 15
WITHIN, ENDS, INTO, OUT_OF = 0, 1, 2, 3
"""Kinds of stretches: nodes within a domain; the one that says where bars of a domain end; those that fill
its columns from the events; those that hold its values for the events."""
DONE, WRONG = -1, -2
"""Status of a run without trouble, of a row of the wrong length; any other: the node needing more history."""

_I64 = ir.IntType(64)
_F8P = ir.DoubleType().as_pointer()
_F8PP = _F8P.as_pointer()


@intrinsic
def call_operator(context, function, start, stop, x, out, p, s):
    """Call the operator's machine code at an address."""
    signature = types.int64(*[types.int64] * 7)

    def generate(context, builder, signature, args):
        kind = ir.FunctionType(_I64, [_I64, _I64, _F8PP, _F8P, _F8P, _F8P])
        target = builder.inttoptr(args[0], kind.as_pointer())
        kinds = (_F8PP, _F8P, _F8P, _F8P)
        pointers = [builder.inttoptr(arg, kind) for arg, kind in zip(args[3:], kinds, strict=True)]
        return builder.call(target, [args[1], args[2], *pointers])

    return signature, generate


def _pointer_to(kind):
    def typed(context, address):
        result = types.CPointer(kind)

        def generate(context, builder, signature, args):
            return builder.inttoptr(args[0], context.get_value_type(result))

        return result(types.int64), generate

    return intrinsic(typed)


floats_at = _pointer_to(types.float64)
ints_at = _pointer_to(types.int64)


@kernel
def _shift(ctrl):
    """Move each buffer's newest history to below row 0, from where all domains go on."""
    buffers, domains = ints_at(ctrl[BUFFERS]), ints_at(ctrl[DOMAINS])
    for k in range(ctrl[N_BUFFERS]):
        base = floats_at(buffers[3 * k])
        rows = domains[2 * buffers[3 * k + 2]]
        for h in range(-buffers[3 * k + 1], 0):
            base[h] = base[h + rows]
    for d in range(ctrl[N_DOMAINS]):
        domains[2 * d] = 0


@kernel
def _bars_ended(ctrl, node, start, stop):
    """How many bars of a timeframe end in these rows, by the node that says so."""
    codes = floats_at(ints_at(ctrl[PROGRAM])[5 * node + 2])
    rows = 0
    for i in range(start, stop):
        code = int(codes[i])
        rows += (code & 1) + (code >> 1 & 1) - (code >> 2)
    return rows


@kernel
def _walk(ctrl, start, stop):
    """Run the nodes over rows [start, stop); on trouble remember the node and return it."""
    program, stretches = ints_at(ctrl[PROGRAM]), ints_at(ctrl[STRETCHES])
    domains = ints_at(ctrl[DOMAINS])
    domains[1] = stop
    for g in range(ctrl[N_STRETCHES]):
        kind, d = stretches[4 * g], stretches[4 * g + 1]
        first, end = max(stretches[4 * g + 2], ctrl[RESUME]), stretches[4 * g + 3]
        low, high = start, stop
        if kind == WITHIN:
            low, high = domains[2 * d], domains[2 * d + 1]
            if low == high:
                continue
        for k in range(first, end):
            j = 5 * k
            if kind >= INTO:
                floats_at(program[j + 3])[0] = domains[2 * d] - start
            status = call_operator(
                program[j],
                low,
                high,
                program[j + 1],
                program[j + 2],
                program[j + 3],
                program[j + 4],
            )
            if status != 0:
                ctrl[RESUME] = k
                return k
        if kind == ENDS and first < end:
            domains[2 * d + 1] = domains[2 * d] + _bars_ended(ctrl, end - 1, start, stop)
    ctrl[RESUME] = 0
    for d in range(ctrl[N_DOMAINS]):
        domains[2 * d] = domains[2 * d + 1]
    return DONE


@kernel
def push(ctrl, row):
    """One live event: `row` holds the input columns' values, the features come to the LATEST buffer."""
    if row.shape[0] != ctrl[N_INPUTS]:
        return WRONG
    domains = ints_at(ctrl[DOMAINS])
    if domains[0] >= ctrl[BLOCK]:
        _shift(ctrl)
    start = domains[0]
    inputs = ints_at(ctrl[INPUTS])
    for k in range(ctrl[N_INPUTS]):
        floats_at(inputs[k])[start] = row[k] if abs(row[k]) < np.inf else np.nan
    status = _walk(ctrl, start, start + 1)
    if status == DONE:
        ctrl[ROWS] += 1
        outputs = ints_at(ctrl[OUTPUTS])
        latest = floats_at(ctrl[LATEST])
        for k in range(ctrl[N_OUTPUTS]):
            latest[k] = floats_at(outputs[k])[start]
    return status


@kernel
def run(ctrl, sources, targets, n, progress):
    """Many events: addresses of `n` rows a column in and a feature out, from `progress[0]` on."""
    inputs = ints_at(ctrl[INPUTS])
    outputs = ints_at(ctrl[OUTPUTS])
    domains = ints_at(ctrl[DOMAINS])
    while progress[0] < n:
        row = progress[0]
        if domains[0] >= ctrl[BLOCK]:
            _shift(ctrl)
        start = domains[0]
        rows = min(ctrl[BLOCK] - start, n - row)
        for k in range(ctrl[N_INPUTS]):
            column = floats_at(inputs[k] + 8 * start)
            source = floats_at(sources[k] + 8 * row)
            for r in range(rows):
                value = source[r]
                column[r] = value if abs(value) < np.inf else np.nan
        status = _walk(ctrl, start, start + rows)
        if status != DONE:
            return status
        for k in range(ctrl[N_OUTPUTS]):
            column = floats_at(outputs[k] + 8 * start)
            filled = floats_at(targets[k] + 8 * row)
            for r in range(rows):
                filled[r] = column[r]
        ctrl[ROWS] += rows
        progress[0] = row + rows
    return DONE


def address(array: np.ndarray) -> int:
    """Where an array's data lies; the caller keeps the array alive."""
    return int(array.ctypes.data)
