"""PostgreSQL: 5M generated ticks of one symbol into the store, beside a COPY of them to /dev/null."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from functools import partial
from itertools import count
from pathlib import Path

import psycopg
from benchmarks.harness import Row, median_time, paired_times

from bateia.sources.postgres import migrate, write_ticks
from bateia.sources.postgres.connection import connect
from bateia.sources.postgres.schema import TICKS, make_partitions
from bateia.sources.postgres.ticks import TickTable
from bateia.store import Store

URL = os.environ.get("BATEIA_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")
TICKS_MADE = 5_000_000
FIRST = 1_378_112_400_000_000
GENERATED = """
INSERT INTO ticks_raw (symbol, price, volume, timestamp, buy_agent, sell_agent, exchange, trade_type)
SELECT 'GENERATED', 2200 + (k * 7919::bigint %% 400) / 2.0, 1 + k %% 50, to_timestamp(%s + k / 200),
       'A' || k %% 40, 'B' || k %% 37, 'B3', 2 + k %% 2
FROM generate_series(0, %s) AS k
"""
_FETCHED = """
import sys
from pathlib import Path
from bateia.sources.postgres import fetch_postgres
fetch_postgres(sys.argv[1], sys.argv[2], "GENERATED")
# Not by getrusage, whose peak a child inherits from the process that started it.
lines = Path("/proc/self/status").read_text().splitlines()
print(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
"""


def fetched(url: str, store: Path) -> float:
    """A fetch in a process of its own; its most memory, MB."""
    done = subprocess.run(
        [sys.executable, "-c", _FETCHED, str(store), url], check=True, capture_output=True, text=True
    )
    return int(done.stdout) / 1024


def copied(url: str) -> None:
    """The same rows by psql, to nowhere."""
    sql = "COPY (SELECT * FROM ticks_raw WHERE symbol = 'GENERATED') TO STDOUT (FORMAT binary)"
    subprocess.run(["psql", "-q", url, "-c", sql], check=True, stdout=subprocess.DEVNULL)


def written(url: str, store: Path) -> None:
    """The store's ticks back into PostgreSQL."""
    kept = Store.open(store)
    (series,) = kept.series()
    for table in kept.blocks(series):
        write_ticks(url, "WRITTEN", table)


def rows() -> list[Row]:
    """One row for the time, one for the memory, one for the way back; none where there is no server."""
    try:
        psycopg.connect(URL, connect_timeout=2).close()
    except psycopg.OperationalError:
        print(f"no PostgreSQL at {URL}: left out; try BATEIA_TEST_POSTGRES=postgresql://…")
        return []
    if not shutil.which("psql"):
        print("psql, the peer, is not installed: left out")
        return []
    schema = f"bateia_bench_{uuid.uuid4().hex}"
    with psycopg.connect(URL, autocommit=True) as db:
        db.execute(f"CREATE SCHEMA {schema}")
        try:
            return _measured(f"{URL}{'&' if '?' in URL else '?'}options=-csearch_path%3D{schema}")
        finally:
            db.execute(f"DROP SCHEMA {schema} CASCADE")


def _measured(url: str) -> list[Row]:
    migrate(url)
    with connect(url) as db:
        make_partitions(db, TICKS, FIRST, FIRST + TICKS_MADE * 5_000)
        db.execute(GENERATED, (FIRST / 1e6, TICKS_MADE - 1))
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("VACUUM ANALYZE ticks_raw")
    first, last = TickTable(url).span("GENERATED")
    assert last - first < TICKS_MADE * 5_000
    with tempfile.TemporaryDirectory() as folder:
        fresh = count()
        ours, theirs = paired_times(
            lambda: fetched(url, Path(folder) / f"store{next(fresh)}"), partial(copied, url), 3
        )
        memory = fetched(url, Path(folder) / "measured")
        back = median_time(partial(written, url, Path(folder) / "measured"), repeats=1, warmup=0)
    rate = back / TICKS_MADE * 1e6
    return [
        Row(
            "5M ticks into the store",
            "s",
            ours,
            "psql COPY to /dev/null",
            theirs,
            "<= 3x",
            ours <= 3 * theirs,
        ),
        Row("  and its memory", "MB", memory, "", float("nan"), "<= 500 MB", memory <= 500),
        Row("the same back, by COPY", "s per 1M", rate, "", float("nan"), "", None),
    ]
