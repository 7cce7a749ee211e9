"""Bytes of a file, unpacked piece by piece as they are read: nothing lies unpacked on disk or in memory."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from bateia.core import DataError

PIECE = 1 << 19
_READ = 1 << 16
_HEADER = struct.Struct("<4s22xHH")
_WHOLE = "a whole archive"


def unpacked(path: str | Path, piece: int = PIECE) -> Iterator[bytes]:
    """The bytes of a `.zip` of one file, a `.gz`, a `.zst`, or of anything else as it is, in pieces.

    A piece has at most `piece` bytes, but for zstd about that many. Deflate is unpacked by isal where it is
    installed, twice as fast as by zlib. DataError for a file that is absent, of another kind than its name
    says, empty, damaged or cut short.

    >>> import gzip
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "day.jsonl.gz"
    ...     size = path.write_bytes(gzip.compress(b'{"topic": 1}'))
    ...     print(list(unpacked(path, 8)))
    [b'{"topic"', b': 1}']
    """
    path = Path(path)
    read = {".zip": _zip, ".gz": _gzip, ".zst": _zstd}.get(path.suffix.lower(), _plain)
    empty = True
    try:
        with path.open("rb") as file:
            for part in read(path, file, piece):
                empty = empty and not part
                yield part
    except FileNotFoundError:
        raise DataError(f"there is no file {path}", allowed="a .zip, .gz, .zst or plain file") from None
    except (zipfile.BadZipFile, RuntimeError, zlib.error, lzma.LZMAError, OSError, EOFError) as error:
        # RuntimeError: packed with a password, or by a method that is not known here.
        why = str(error) or type(error).__name__
        raise DataError(f"{path} cannot be unpacked: {why}", allowed=_WHOLE, hint="another copy") from None
    if empty:
        raise DataError(f"{path} is empty", allowed="a file with something in it")


def _plain(path: Path, file: IO[bytes], piece: int) -> Iterator[bytes]:
    while part := file.read(piece):
        yield part


def _gzip(path: Path, file: IO[bytes], piece: int) -> Iterator[bytes]:
    data = file.read(_READ)
    while data:
        inflate = _deflate().decompressobj(31)
        yield from _inflated(inflate, data, lambda: file.read(_READ), piece)
        data = inflate.unused_data or file.read(_READ)


def _inflated(inflate: Any, data: bytes, read: Callable[[], bytes], piece: int) -> Iterator[bytes]:
    """One deflate stream, from `data` on."""
    while not inflate.eof:
        data = data or read()
        try:
            part = inflate.decompress(data, piece)
        except _deflate().error as error:
            raise EOFError(str(error)) from None
        # Without input there may still be output that did not fit before.
        if not (data or part or inflate.eof):
            raise EOFError("it ends in the middle")
        yield part
        data = inflate.unconsumed_tail


def _zip(path: Path, file: IO[bytes], piece: int) -> Iterator[bytes]:
    with zipfile.ZipFile(file) as archive:
        inside = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(inside) != 1:
            raise DataError(f"{path} holds {len(inside)} files", allowed="an archive of one file")
        entry = inside[0]
        if entry.flag_bits & 1 or entry.compress_type != zipfile.ZIP_DEFLATED:
            with archive.open(entry) as plain:
                yield from _plain(path, plain, piece)
            return
    yield from _entry(file, entry, piece)


def _entry(file: IO[bytes], entry: zipfile.ZipInfo, piece: int) -> Iterator[bytes]:
    """As zipfile reads it, but by the faster library."""
    deflate = _deflate()
    file.seek(entry.header_offset)
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        raise EOFError("it ends in the middle")
    file.seek(sum(_HEADER.unpack(header)[1:]), 1)
    left, checksum, size = entry.compress_size, 0, 0

    def read() -> bytes:
        nonlocal left
        data = file.read(min(_READ, left))
        left -= len(data)
        return data

    for part in _inflated(deflate.decompressobj(-15), b"", read, piece):
        checksum, size = deflate.crc32(part, checksum), size + len(part)
        yield part
    if checksum != entry.CRC or size != entry.file_size:
        raise zipfile.BadZipFile(f"the checksum of {entry.filename} does not hold")


def _zstd(path: Path, file: IO[bytes], piece: int) -> Iterator[bytes]:
    try:
        import zstandard
    except ImportError:
        raise DataError(
            f"{path} is packed with zstd", allowed=".zip, .gz or plain", hint="pip install 'bateia[book]'"
        ) from None
    try:
        data = file.read(_READ)
        while data:
            inflate = zstandard.ZstdDecompressor().decompressobj()
            while not inflate.eof:
                if not data:
                    raise EOFError("it ends in the middle")
                yield inflate.decompress(data)
                data = inflate.unused_data if inflate.eof else file.read(_READ)
            data = data or file.read(_READ)
    except zstandard.ZstdError as error:
        raise OSError(str(error)) from None


def _deflate() -> Any:
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib
    return isal_zlib
