"""Archives whole and broken: what comes out is what went in, or one clear error."""

import gzip
import zipfile

import numpy as np
import pytest
import zstandard

from bateia.core import DataError
from bateia.sources import unpack
from bateia.sources.unpack import unpacked

DATA = b"".join(b'{"a":%d}\n' % i for i in np.random.default_rng(0).integers(0, 10**6, 40_000).tolist())
SUFFIXES = (".zip", ".gz", ".zst", ".jsonl")


def pack(path, data=DATA, method=zipfile.ZIP_DEFLATED):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr("day.data", data)
    elif path.suffix == ".gz":
        path.write_bytes(gzip.compress(data))
    elif path.suffix == ".zst":
        path.write_bytes(zstandard.ZstdCompressor(write_checksum=True).compress(data))
    else:
        path.write_bytes(data)
    return path


@pytest.fixture(params=["isal", "zlib"])
def library(request, monkeypatch):
    if request.param == "zlib":
        monkeypatch.setattr(unpack, "_deflate", lambda: unpack.zlib)
    else:
        pytest.importorskip("isal")
    return request.param


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("piece", [100, 70_000, 1 << 20])
def test_every_kind_comes_out_as_it_went_in(tmp_path, suffix, piece, library):
    parts = list(unpacked(pack(tmp_path / f"day{suffix}"), piece))
    assert b"".join(parts) == DATA
    if suffix != ".zst":
        assert max(map(len, parts)) <= piece


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_kinds_of_zip(tmp_path, method):
    assert b"".join(unpacked(pack(tmp_path / "day.zip", method=method))) == DATA


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_archives_one_after_another_in_a_file(tmp_path, suffix, library):
    path = pack(tmp_path / f"day{suffix}")
    path.write_bytes(path.read_bytes() + pack(tmp_path / f"more{suffix}", b"more\n").read_bytes())
    assert b"".join(unpacked(path, 1000)) == DATA + b"more\n"


def flipped(raw, at):
    return raw[:at] + bytes([raw[at] ^ 255]) + raw[at + 1 :]


BROKEN = {
    "cut in half": lambda raw: raw[: len(raw) // 2],
    "one byte short": lambda raw: raw[:-1],
    "another kind": lambda raw: b"hello world" * 100,
    "a byte changed": lambda raw: flipped(raw, len(raw) // 2),
}


@pytest.mark.parametrize("suffix", [".zip", ".gz", ".zst"])
@pytest.mark.parametrize("damage", BROKEN)
def test_broken_archives_are_refused(tmp_path, suffix, damage, library):
    path = pack(tmp_path / f"day{suffix}")
    path.write_bytes(BROKEN[damage](path.read_bytes()))
    with pytest.raises(DataError, match=r"day.* cannot be unpacked"):
        list(unpacked(path))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_empty_files_are_refused(tmp_path, suffix):
    path = tmp_path / f"day{suffix}"
    path.write_bytes(b"")
    with pytest.raises(DataError, match="day"):
        list(unpacked(path))
    with pytest.raises(DataError, match="is empty"):
        list(unpacked(pack(path, b"")))


def test_absent_files_folders_and_zips_of_many_files_are_refused(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        list(unpacked(tmp_path / "no.zip"))
    with pytest.raises(DataError, match="cannot be unpacked"):
        list(unpacked(tmp_path))
    for count in (0, 2):
        with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
            for i in range(count):
                archive.writestr(f"{i}.data", DATA)
        with pytest.raises(DataError, match=f"holds {count} files; allowed: an archive of one file"):
            list(unpacked(tmp_path / "two.zip"))


def test_a_zip_with_a_password_is_refused(tmp_path):
    path = pack(tmp_path / "day.zip")
    raw = bytearray(path.read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    with pytest.raises(DataError, match=r"day.zip cannot be unpacked: .*encrypted"):
        list(unpacked(path))


def test_a_broken_zip_by_lzma_is_refused(tmp_path):
    path = pack(tmp_path / "day.zip", method=zipfile.ZIP_LZMA)
    path.write_bytes(flipped(path.read_bytes(), 50))
    with pytest.raises(DataError, match=r"day.zip cannot be unpacked: "):
        list(unpacked(path))
