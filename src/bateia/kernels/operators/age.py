"""How long something has been true."""

from __future__ import annotations

import numpy as np

from bateia.kernels.operator import operator


@operator("condition", state=lambda p: 1)
def age(start, stop, x, out, p, s):
    """Rows in a row in which the condition was not 0: 0 where it is 0 now; a missing one is passed over."""
    a = x[0]
    rows = s[0]
    for i in range(start, stop):
        v = a[i]
        if v != v:
            out[i] = np.nan
            continue
        rows = rows + 1.0 if v != 0.0 else 0.0
        out[i] = rows
    s[0] = rows
    return 0
