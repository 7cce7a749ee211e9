"""`bateia book build` and `bateia book pack` as a user meets them."""

import json

import pytest
from typer.testing import CliRunner

from bateia import cli
from bateia.core import ConfigError
from generated_days import archived, generated_day

HOUR_MS = 3_600_000


@pytest.fixture
def folder(tmp_path):
    """An archive of an hour, and one that is none."""
    lines = generated_day("2024-02-28", stop_ms=HOUR_MS)
    lines[100] = b'{"topic": \n'
    archived(tmp_path / "in", "2024-02-28", [*lines, *generated_day("2024-02-28", stop_ms=HOUR_MS)[-1:]])
    (tmp_path / "in" / "2024-02-29_GENERATED_ob200.data.zip").write_bytes(b"hello")
    return tmp_path


def invoke(*words):
    return CliRunner().invoke(cli.app, ["book", "build", *map(str, words)], catch_exceptions=False)


def test_the_summary_says_what_was_made_and_what_failed(folder):
    words = (folder / "in", "--out", folder / "out", "--symbol", "GENERATED", "--workers", 1, "--depth", 50)
    result = invoke(*words)
    assert result.exit_code == 1
    said = " ".join(result.stdout.split())
    assert f"1 of 2 files, 8 bars in {folder / 'out'}" in said and "1 malformed" in said
    assert "line 101: " in said and "cannot be unpacked" in said
    again = invoke(*words, "--json")
    kept, failed = json.loads(again.stdout)
    assert (kept["resumed"], kept["rows"], kept["skipped"]) == (True, 8, 620)
    assert failed["error"].startswith(str(folder / "in" / "2024-02-29_GENERATED_ob200.data.zip"))


def test_options_give_bars_of_other_lengths_and_depths(folder):
    options = ("--depth", 3, "--every", "5s", "--bar", "30s", "--json", "--workers", 1, "--tick", 0.01)
    result = invoke(folder / "in" / "2024-02-28_GENERATED_ob200.data.zip", "--out", folder / "out", *options)
    assert result.exit_code == 0
    assert json.loads(result.stdout)[0]["rows"] == 16


def test_the_policy_stop_ends_at_the_line(folder):
    archive = folder / "in" / "2024-02-28_GENERATED_ob200.data.zip"
    result = invoke(archive, "--out", folder / "out", "--policy", "stop", "--json")
    assert result.exit_code == 1
    assert "line 101: " in json.loads(result.stdout)[0]["error"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--bar", "1500ms"), "multiple of the time between samples"),
        (("--every", "soon"), "every 'soon': 'soon' is not a duration"),
        (("--policy", "hope"), "policy 'hope': Input should be 'resync' or 'stop'"),
        (("--tick", "-1"), "tick_size -1.0: "),
        (("--depth", "20000"), "depth 20000: "),
        (("--exchange", "binance"), "no exchange 'binance'; allowed: bybit, binance-spot"),
        (("--exchange", "binance-spot"), "no tick size for a recording"),
        (("--exchange", "binance-spot", "--tick", "0"), "tick_size 0.0: "),
    ],
)
def test_options_that_cannot_be_are_one_clear_line(folder, words, says):
    with pytest.raises(ConfigError, match=says):
        invoke(folder / "in", "--out", folder / "out", *words)


def test_archives_are_packed_and_built_from_what_was_packed(folder):
    words = ["book", "pack", str(folder / "in"), "--out", str(folder / "packed"), "--workers", "1"]
    result = CliRunner().invoke(cli.app, words, catch_exceptions=False)
    assert result.exit_code == 1
    said = " ".join(result.stdout.split())
    assert "2024-02-28_GENERATED_ob200.packed: 720 messages, 1 malformed lines" in said
    assert "1 of 2 files" in said and "failed: " in said and "cannot be unpacked" in said
    again = CliRunner().invoke(cli.app, [*words, "--json"], catch_exceptions=False)
    kept, failed = json.loads(again.stdout)
    assert (kept["resumed"], kept["malformed"], failed["path"]) == (True, 1, "")
    built = invoke(folder / "packed", "--out", folder / "out", "--depth", 50, "--json", "--workers", 1)
    assert built.exit_code == 0
    [report] = json.loads(built.stdout)
    assert (report["rows"], report["faults"], report["skipped"]) == (8, {"malformed": 1}, 620)
