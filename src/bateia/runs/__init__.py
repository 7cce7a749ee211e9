"""What a run leaves behind: an immutable folder, and a line in the trial ledger."""

from bateia.runs.canonical import canonical_json, content_hash, file_hash
from bateia.runs.environment import versions
from bateia.runs.folder import Entry, Run, RunFolder, list_runs
from bateia.runs.ledger import Ledger, Trial
from bateia.runs.place import has_ledger, ledger_of, ledger_place, share_ledger
from bateia.runs.profits import DailyProfits, TrialMatrix

__all__ = [
    "DailyProfits",
    "Entry",
    "Ledger",
    "Run",
    "RunFolder",
    "Trial",
    "TrialMatrix",
    "canonical_json",
    "content_hash",
    "file_hash",
    "has_ledger",
    "ledger_of",
    "ledger_place",
    "list_runs",
    "share_ledger",
    "versions",
]
