"""Market data on disk: whole, hashed, resumable."""

from bateia.store.catalogue import Origin, Part, Series
from bateia.store.query import scan, sql
from bateia.store.status import spans, status
from bateia.store.store import Store, fetch_hint
from bateia.store.writer import Writer

__all__ = ["Origin", "Part", "Series", "Store", "Writer", "fetch_hint", "scan", "spans", "sql", "status"]
