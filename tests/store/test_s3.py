"""A store in S3, spoken to over a socket: locks, credentials, kills, and other tools that read its files."""

import json
import logging
import os
import random
import signal
import socket
import subprocess
import sys
import time

import boto3
import duckdb
import fsspec
import httpx
import polars as pl
import pytest
from fsspec.config import conf
from moto.server import ThreadedMotoServer

from bateia.core import ConfigError, DataError
from bateia.core.period import Period
from bateia.store import Series, Store
from loopback_exchange import Exchange, serving
from store_data import DAYS, SERIES, fill, generated_trades, whole

CANDLES = Series("binance", "spot", "BTCUSDT", "candles-5m")
BUCKET = "market"


@pytest.fixture(scope="module")
def server():
    """An S3 server that checks signatures, and what fsspec must know to use it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    served = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    served.start()
    url = "http://{}:{}".format(*served.get_host_and_port())
    anyone = {
        "endpoint_url": url,
        "region_name": "us-east-1",
        "aws_access_key_id": "setup",
        "aws_secret_access_key": "setup",
    }
    iam, s3 = boto3.client("iam", **anyone), boto3.client("s3", **anyone)
    iam.create_user(UserName="bateia")
    allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName="bateia", PolicyName="all", PolicyDocument=policy)
    key = iam.create_access_key(UserName="bateia")["AccessKey"]
    s3.create_bucket(Bucket=BUCKET)
    httpx.post(f"{url}/moto-api/reset-auth", content=b"0")  # from here on it checks
    iam.close()
    s3.close()
    yield {"key": key["AccessKeyId"], "secret": key["SecretAccessKey"], "endpoint_url": url}
    served.stop()


@pytest.fixture
def settings(server, monkeypatch):
    """Those settings, in force, and no others."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "FSSPEC_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setitem(conf, "s3", dict(server))
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    return conf["s3"]


@pytest.fixture
def url(settings, tmp_path):
    return f"s3://{BUCKET}/{tmp_path.name}/store"


def content(url):
    fs, root = fsspec.url_to_fs(url)
    fs.invalidate_cache()
    return {path[len(root) + 1 :]: fs.cat_file(path) for path in fs.find(root)}


def on_disk(folder):
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in sorted(found.items()) if not path.name.startswith(".")}


def environment(settings, **more):
    """For another process: fsspec reads FSSPEC_S3_KEY as the option `key` of s3."""
    return os.environ | {f"FSSPEC_S3_{name.upper()}": value for name, value in (settings | more).items()}


def test_the_same_files_as_on_a_disk(url, tmp_path):
    store, local = fill(url), fill(tmp_path / "local")
    assert content(url) == on_disk(tmp_path / "local")
    assert Store.open(url).read(SERIES).equals(local.read(SERIES))
    with store.writer(SERIES) as writer:
        writer.write(DAYS[1], generated_trades(DAYS[1], 5), whole(DAYS[1]))
    assert len(content(url)) == len(on_disk(tmp_path / "local"))
    assert len(Store.open(url).read(SERIES)) == 24 + 5 + 24


def test_polars_and_duckdb_read_them(url, settings):
    store = fill(url)
    paths = [f"{url}/{name}" for name in store.files(SERIES)]
    options = {
        "aws_access_key_id": settings["key"],
        "aws_secret_access_key": settings["secret"],
        "aws_endpoint_url": settings["endpoint_url"],
        "aws_region": "us-east-1",
        "aws_allow_http": "true",
    }
    ours = store.read(SERIES)
    assert pl.read_parquet(paths, storage_options=options, hive_partitioning=False).equals(ours)
    with duckdb.connect() as database:
        database.register_filesystem(fsspec.filesystem("s3"))
        found = database.execute(f"SELECT count(*), sum(price), min(symbol) FROM read_parquet({paths})")
        assert found.fetchone() == (len(ours), pytest.approx(ours["price"].sum()), "BTCUSDT")


def test_one_writer_at_a_time(url, settings):
    store = fill(url)
    with store.writer(SERIES):
        with (
            pytest.raises(DataError, match=rf"is writing .*delete {url}/catalogue/.*/\.lock"),
            Store.open(url).writer(SERIES),
        ):
            raise AssertionError("two at once")
        code = "import sys; from bateia.store import Series, Store; import contextlib\n"
        code += "with Store.open(sys.argv[1]).writer(Series.parse(sys.argv[2])): pass"
        words = [sys.executable, "-c", code, url, str(SERIES)]
        env = environment(settings)
        other = subprocess.run(words, env=env, capture_output=True, text=True, check=False, timeout=60)
        assert f"process {socket.gethostname()} {os.getpid()} is writing" in other.stderr
    with store.writer(SERIES):
        pass


@pytest.mark.parametrize(("holder", "taken"), [("here", True), ("elsewhere 1", False), ("", False)])
def test_a_lock_of_a_killed_process_is_taken_where_that_can_be_known(url, holder, taken):
    store = fill(url)
    fs, root = fsspec.url_to_fs(url)
    if holder == "here":
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        holder = f"{socket.gethostname()} {gone.pid}"
    fs.pipe_file(f"{root}/catalogue/{SERIES}/.lock", holder.encode())
    if taken:
        with store.writer(SERIES):
            pass
    else:
        with pytest.raises(DataError, match="if it was killed, delete s3://"), store.writer(SERIES):
            raise AssertionError("a lock that somebody holds")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"secret": "mistyped"}, "Forbidden.*other credentials in the environment"),
        ({"key": "nobody"}, "Forbidden.*other credentials in the environment"),
        (
            {"endpoint_url": "http://127.0.0.1:1", "config_kwargs": {"retries": {"max_attempts": 1}}},
            "Could not connect to the endpoint.*it carries on",
        ),
    ],
)
def test_what_is_wrong_is_told_without_secrets(url, settings, change, says):
    fill(url)
    secret = settings["secret"]
    settings.update(change)
    for use in (Store.open, Store.create):
        with pytest.raises(DataError, match=says) as told:
            use(url)
        assert secret not in str(told.value)
        assert settings["secret"] not in str(told.value)


def test_a_bucket_that_is_not_there(settings):
    with pytest.raises(DataError, match="'s3://nowhere/store' is no store"):
        Store.open("s3://nowhere/store")
    with pytest.raises(DataError, match=r"cannot use s3://nowhere/store/store.json: .*bucket does not exist"):
        Store.create("s3://nowhere/store")


def test_no_password_in_a_url():
    with pytest.raises(ConfigError, match="allowed: sftp://host/store; try: FSSPEC_SFTP_PASSWORD") as told:
        Store.open("sftp://me:secret@host/store")
    assert "secret" not in str(told.value)


@pytest.fixture(scope="module")
def exchange():
    with serving(Exchange()) as served:
        served.put_months(months=["2024-01", "2024-02", "2024-03", "2024-04"])
        yield served


def fetch(exchange, where, env):
    urls = ["--archive", exchange.url, "--rest", exchange.url, "--store", str(where)]
    words = [sys.executable, "-m", "bateia", "fetch", "binance", "BTCUSDT", "5m", "--from", "2024-01"]
    return subprocess.Popen(
        [*words, "--to", "2024-04", *urls],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_killed_at_any_moment_a_rerun_makes_the_same_files(exchange, url, settings, tmp_path):
    env, moments, kills = environment(settings), random.Random(7), 0
    for _ in range(12):
        asked = len(exchange.asked)
        work = fetch(exchange, url, env)
        until, patience = asked + moments.randrange(1, 9), time.monotonic() + 60
        while len(exchange.asked) < until and work.poll() is None and time.monotonic() < patience:
            time.sleep(0.001)
        time.sleep(moments.random() * 0.2)
        work.send_signal(signal.SIGKILL)
        work.communicate(timeout=60)
        kills += work.returncode == -signal.SIGKILL
        for part in Store.open(url).parts(CANDLES):
            assert Store.open(url).intact(part)
        if work.returncode == 0:
            forget_a_month(url, moments)
        if kills == 4:
            break
    assert kills == 4
    done = fetch(exchange, url, env)
    said = done.communicate(timeout=120)[0]
    assert done.returncode == 0, said
    assert settings["secret"] not in said
    local = fetch(exchange, tmp_path / "local", env)
    local.communicate(timeout=120)
    assert content(url) == on_disk(tmp_path / "local")
    assert Store.open(url).coverage(CANDLES).stretches == ((Period("2024-01").start, Period("2024-04").end),)


def forget_a_month(url, moments):
    """Take a month away, so that there is something left to be killed at."""
    fs, root = fsspec.url_to_fs(url)
    part = moments.choice(Store.open(url).parts(CANDLES))
    fs.rm_file(f"{root}/catalogue/{CANDLES}/{part.period}.json")


@pytest.mark.parametrize(
    ("change", "says"), [({"secret": "mistyped"}, "Forbidden"), ({"key": "nobody"}, "Forbidden")]
)
def test_a_fetch_says_what_is_wrong_in_one_line(exchange, url, settings, change, says):
    work = fetch(exchange, url, environment(settings, **change))
    said = work.communicate(timeout=60)[0]
    assert work.returncode == 1
    assert f"error: cannot use {url}/store.json: {says}" in said
    assert "Traceback" not in said
    assert settings["secret"] not in said
