"""The one place where a duration becomes a number of rows."""

from __future__ import annotations

from bateia.kernels.operator import Number, operator


@operator("time", params=(Number("micros", least=1), Number("capacity", least=1)), state=lambda p: 3)
def rows_within(start, stop, x, out, p, s):
    """Rows in (time - micros, time]; negative while the stream is younger than the window.

    Returns 1, storing nothing, where a window holds more rows than `capacity`: the caller grows and retries.
    """
    t = x[0]
    micros, capacity = p[0], int(p[1])
    rows, begun, first = int(s[0]), s[1], s[2]
    for i in range(start, stop):
        if begun == 0.0 and t[i] == t[i]:
            begun, first = 1.0, t[i]
        rows += 1
        limit = t[i] - micros
        while rows > 1 and not t[i - rows + 1] > limit and limit == limit:
            rows -= 1
        if rows > capacity:
            return 1
        out[i] = rows if limit >= first else -rows
    s[0], s[1], s[2] = rows, begun, first
    return 0
