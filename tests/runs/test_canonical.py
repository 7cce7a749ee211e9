"""The same content, the same hash."""

from __future__ import annotations

import hashlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bateia.core import RunError
from bateia.runs import canonical_json, content_hash, file_hash, versions


@given(st.dictionaries(st.text(), st.floats() | st.integers() | st.text() | st.none()))
def test_order_does_not_matter(content):
    assert content_hash(content) == content_hash(dict(reversed(content.items())))


def test_what_json_cannot_say_is_null():
    assert (
        canonical_json({"b": (1, math.inf), "a": {"é": math.nan}, 3: True})
        == '{"3":true,"a":{"é":null},"b":[1,null]}'
    )
    assert content_hash({"x": 0.1 + 0.2}) != content_hash({"x": 0.3})


def test_files_are_hashed_by_their_bytes(tmp_path):
    path = tmp_path / "big"
    path.write_bytes(b"x" * 3_000_000)
    assert file_hash(path) == hashlib.sha256(b"x" * 3_000_000).hexdigest()
    with pytest.raises(RunError, match="cannot read"):
        file_hash(tmp_path / "none")


def test_versions_name_what_results_depend_on_and_no_person_or_machine():
    found = versions()
    assert {"python", "platform", "numpy", "numba", "lightgbm", "polars"} <= set(found)
    assert all(value and "/" not in value for value in found.values())
