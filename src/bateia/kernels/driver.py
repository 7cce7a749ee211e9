"""The one driver of a feature plan: walks the nodes over a block, and a live event is a block of one.

A stream's buffers are laid out once; `ctrl` (int64) holds their addresses, so that a live event costs one
compiled call and no per-node Python. Row r of a buffer lies at its row-0 address + 8 * r; history lies below
row 0. An infinite input is taken as missing, like NaN. Fields of `ctrl` are named by the constants; every
table it points at is int64 as well:

- PROGRAM: a row (function, inputs, out, parameters, state) of addresses for each node;
- INPUTS, OUTPUTS: row-0 addresses of the input columns and of the features;
- BUFFERS: pairs (row-0 address, rows of history) for each buffer that keeps history.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from bateia.kernels.jit import kernel

NODES, N_INPUTS, N_OUTPUTS, N_BUFFERS = 0, 1, 2, 3
PROGRAM, INPUTS, OUTPUTS, BUFFERS, LATEST = 4, 5, 6, 7, 8
BLOCK, OFFSET, RESUME, ROWS = 9, 10, 11, 12
CTRL_SIZE = 13
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
def _shift(ctrl, rows):
    """Move each buffer's newest history to below row 0."""
    buffers = ints_at(ctrl[BUFFERS])
    for k in range(ctrl[N_BUFFERS]):
        base = floats_at(buffers[2 * k])
        for h in range(-buffers[2 * k + 1], 0):
            base[h] = base[h + rows]


@kernel
def _walk(ctrl, start, stop):
    """Run the nodes over rows [start, stop); on trouble remember the node and return it."""
    program = ints_at(ctrl[PROGRAM])
    for k in range(ctrl[RESUME], ctrl[NODES]):
        j = 5 * k
        status = call_operator(
            program[j],
            start,
            stop,
            program[j + 1],
            program[j + 2],
            program[j + 3],
            program[j + 4],
        )
        if status != 0:
            ctrl[RESUME] = k
            return k
    ctrl[RESUME] = 0
    return DONE


@kernel
def push(ctrl, row):
    """One live event: `row` holds the input columns' values, the features come to the LATEST buffer."""
    if row.shape[0] != ctrl[N_INPUTS]:
        return WRONG
    start = ctrl[OFFSET]
    if start >= ctrl[BLOCK]:
        _shift(ctrl, start)
        start = 0
        ctrl[OFFSET] = 0
    inputs = ints_at(ctrl[INPUTS])
    for k in range(ctrl[N_INPUTS]):
        floats_at(inputs[k])[start] = row[k] if abs(row[k]) < np.inf else np.nan
    status = _walk(ctrl, start, start + 1)
    if status == DONE:
        ctrl[OFFSET] = start + 1
        ctrl[ROWS] += 1
        outputs = ints_at(ctrl[OUTPUTS])
        latest = floats_at(ctrl[LATEST])
        for k in range(ctrl[N_OUTPUTS]):
            latest[k] = floats_at(outputs[k])[start]
    return status


@kernel
def run(ctrl, sources, out, progress):
    """Many events: addresses of the input columns in, `out` (features, rows) filled from `progress[0]` on."""
    n = out.shape[1]
    inputs = ints_at(ctrl[INPUTS])
    outputs = ints_at(ctrl[OUTPUTS])
    while progress[0] < n:
        row = progress[0]
        start = ctrl[OFFSET]
        if start >= ctrl[BLOCK]:
            _shift(ctrl, start)
            start = 0
            ctrl[OFFSET] = 0
        rows = min(ctrl[BLOCK] - start, n - row)
        for k in range(ctrl[N_INPUTS]):
            column = floats_at(inputs[k])
            source = floats_at(sources[k])
            for r in range(rows):
                value = source[row + r]
                column[start + r] = value if abs(value) < np.inf else np.nan
        status = _walk(ctrl, start, start + rows)
        if status != DONE:
            return status
        for k in range(ctrl[N_OUTPUTS]):
            column = floats_at(outputs[k])
            for r in range(rows):
                out[k, row + r] = column[start + r]
        ctrl[OFFSET] = start + rows
        ctrl[ROWS] += rows
        progress[0] = row + rows
    return DONE


def address(array: np.ndarray) -> int:
    """Where an array's data lies; the caller keeps the array alive."""
    return int(array.ctypes.data)
