"""Generated archives of whole days: real in their shape alone."""

import zipfile
from datetime import UTC, datetime

import numpy as np

from plain_lines import generated_line

LEVELS = 210
DAY_MS = 86_400_000


def generated_day(date, seed=0, symbol="GENERATED", step_ms=5000, stop_ms=DAY_MS, first_ms=300):
    """A day's lines: a snapshot, then a message each step that changes sizes around a price that walks."""
    rng = np.random.default_rng(seed)
    start = int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp()) * 1000
    times = start + np.arange(first_ms, stop_ms, step_ms)
    best, lines = 50_000, []
    for i, ts in enumerate(times.tolist()):
        if i == 0:
            sides = [[(best - k, 9) for k in range(LEVELS)], [(best + 1 + k, 9) for k in range(LEVELS)]]
            lines.append(_line(i, sides, ts, symbol, "snapshot"))
            continue
        move, size = int(rng.integers(-1, 2)), int(rng.integers(1, 50))
        # What the price passes is removed, and a level comes at each far end: as deep as before.
        sides = [[(best, size)], [(best + 1, size + 3)]]
        if move > 0:
            sides = [[(best + 1, size)], [(best + 1, 0), (best + 1 + LEVELS, 4)]]
        elif move < 0:
            sides = [[(best, 0), (best - LEVELS, 4)], [(best, size)]]
        best += move
        lines.append(_line(i, sides, ts, symbol, "delta"))
    return lines


def _line(i, sides, ts, symbol, kind):
    texts = [[(f"{t // 100}.{t % 100:02d}", str(s)) for t, s in side] for side in sides]
    return generated_line(i, *texts, kind=kind, ts=ts, symbol=symbol, levels=200)


def archived(folder, date, lines, symbol="GENERATED", levels=200):
    """The lines as an archive with the exchange's name for it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{date}_{symbol}_ob{levels}.data.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(path.stem, b"".join(lines))
    return path
