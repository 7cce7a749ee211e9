"""Loading: a CSV of 10M generated trades, read in blocks and put into a store."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import partial
from itertools import count
from pathlib import Path

import polars as pl
from benchmarks.bench_bars import TRADES, generated_trades
from benchmarks.harness import Row, median_time, paired_times

from bateia.sources import FileSource
from bateia.sources.importing import import_events
from bateia.store import Series, Store

MB = 1 << 20
SERIES = Series("generated", "spot", "GENERATED", "trades")
# Not by getrusage, whose peak a child inherits from the process that started it.
_MEASURED = """
import sys
from pathlib import Path
from benchmarks.bench_loading import into_store
into_store(sys.argv[1], sys.argv[2])
lines = Path("/proc/self/status").read_text().splitlines()
print(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
"""


def generated_csv(path: Path) -> Path:
    """time in ms, price, size and side in words, as exchanges write them; some 300 MB."""
    trades = generated_trades()
    frame = pl.DataFrame(
        {"time": trades.time // 1000, "price": trades.price, "size": trades.size, "side": trades.side}
    )
    words = pl.col("side").replace_strict({1: "buy", -1: "sell"}, return_dtype=pl.String)
    frame.with_columns(words).write_csv(path)
    return path


def in_blocks(path: Path) -> int:
    """Every block looked at and let go."""
    return sum(len(block) for block in FileSource(path=str(path)).blocks())


def into_store(path: str | Path, store: str | Path) -> None:
    """A fresh store of the whole file."""
    import_events(Store.create(store), FileSource(path=str(path)), SERIES)


def by_polars(path: Path) -> pl.DataFrame:
    """The whole file at once, its types declared: no clocks, no sides, no checks."""
    schema = {"time": pl.Int64, "price": pl.Float64, "size": pl.Float64, "side": pl.String}
    return pl.read_csv(path, schema=schema)


def peak(path: Path, store: Path) -> float:
    """Most memory, MB, of a process that does nothing but import."""
    command = [sys.executable, "-c", _MEASURED, str(path), str(store)]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=root)
    return int(done.stdout) / 1024


def rows() -> list[Row]:
    """Blocks beside Polars' read of the whole file; and the file into a store, whose goal is 1M rows/s."""
    with tempfile.TemporaryDirectory() as folder:
        root, fresh = Path(folder), count()
        path = generated_csv(root / "generated.csv")
        ours, theirs = paired_times(partial(in_blocks, path), partial(by_polars, path), 3)
        stored = median_time(lambda: into_store(path, root / f"store{next(fresh)}"), 3)
        memory, size = peak(path, root / "measured"), path.stat().st_size / MB
    rate = stored / TRADES * 1e6
    return [
        Row("10M trades of a CSV, in blocks", "s", ours, "polars, all at once", theirs, "", None),
        Row("the same into the store", "s per 1M", rate, "", float("nan"), "<= 1 s per 1M", rate <= 1),
        Row("  and its memory", "MB", memory, "the file", size, "<= 1,024 MB", memory <= 1024),
    ]
