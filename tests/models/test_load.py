"""Reading a model back says what is wrong."""

from __future__ import annotations

import pytest

from bateia.core import RunError
from bateia.models import load_model


def test_nothing_there(tmp_path):
    with pytest.raises(RunError, match="holds no model that can be read"):
        load_model(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"names": []}', '{"kind": "logistic", "names": ["a"]}'])
def test_not_a_model(tmp_path, text):
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(RunError, match="holds no model that can be read"):
        load_model(tmp_path)


def test_a_kind_that_there_is_not(tmp_path):
    (tmp_path / "model.json").write_text('{"kind": "oracle"}')
    with pytest.raises(RunError, match="kind 'oracle'; allowed: lightgbm, logistic, majority"):
        load_model(tmp_path)
