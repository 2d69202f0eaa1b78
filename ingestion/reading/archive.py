"""The bytes of a file as delivered, unpacked piece by piece and within the caps of its format.

Belongs here: gzip, zip with one member, size and ratio caps, damage.
Does not belong here: what kind of file it is (`kinds.py`), what the bytes mean (`encodings.py`).
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ingestion.errors import FileRejected
from ingestion.mapping.rules import Read
from ingestion.reading.kinds import kind_of

_PIECE = 1 << 20
# Below this size a high compression ratio is no danger.
_HARMLESS = 16 * _PIECE
_ENCRYPTED = 0x1
# Files that the programs that make archives add by themselves.
_CLUTTER = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")


@contextmanager
def unpacked(path: Path, read: Read) -> Iterator[IO[bytes]]:
    """Open a file for reading, unpacked if it is gzip or a zip archive (told by its first bytes).

    Args:
        path: the file.
        read: its caps.

    Raises:
        FileRejected: empty, too large, damaged, encrypted, or an archive of several files; at the
            latest when that place is read.
    """
    size = path.stat().st_size
    if size == 0:
        raise FileRejected("is empty", path.name, do_this="Export it again.")
    if size > read.max_bytes:
        raise too_large(path, read)
    kind = kind_of(path)
    with path.open("rb") as file:
        if kind == "gzip":
            yield io.BufferedReader(_Pieces(_gunzip(file, path, read, size)), _PIECE)
        elif kind in ("zip", "xlsx"):
            yield io.BufferedReader(_Pieces(_unzip(file, path, read)), _PIECE)
        else:
            yield file


class _Pieces(io.RawIOBase):
    """Pieces of bytes as a file."""

    def __init__(self, source: Iterator[bytes]) -> None:
        self._source, self._rest = source, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = memoryview(next(self._source, b""))
        part = self._rest[: len(buffer)]
        buffer[: len(part)] = part
        self._rest = self._rest[len(part) :]
        return len(part)


def pieces(path: Path, read: Read) -> Iterator[bytes]:
    """Yield the bytes of a file piece by piece; see `unpacked`."""
    with unpacked(path, read) as file:
        while piece := file.read(_PIECE):
            yield piece


def too_large(path: Path, read: Read) -> FileRejected:
    """Return the refusal of a file beyond its caps."""
    return FileRejected(
        f"is larger than allowed ({read.max_bytes:,} bytes, ratio {read.max_ratio})",
        path.name,
        "A small file that unpacks to a huge one can stop the machine.",
        "If it is genuine, raise read.max_bytes or read.max_ratio of its format.",
    )


def _damaged(what: str, path: Path, error: object) -> FileRejected:
    return FileRejected(
        what,
        path.name,
        f"({error}.)",
        "Transfer it again, completely.",
    )


def _gunzip(file: IO[bytes], path: Path, read: Read, size: int) -> Iterator[bytes]:
    """Unpack all members of a gzip file; only zeros may follow them."""
    total, rest = 0, file.read(_PIECE)
    try:
        while rest:
            stream = zlib.decompressobj(wbits=31)
            while not stream.eof:
                piece = stream.decompress(rest, _PIECE)
                rest = stream.unconsumed_tail or (b"" if stream.eof else file.read(_PIECE))
                total += len(piece)
                if total > read.max_bytes or total > max(_HARMLESS, read.max_ratio * size):
                    raise too_large(path, read)
                if piece:
                    yield piece
                elif not rest and not stream.eof:
                    raise zlib.error("the stream ends too early")
            rest = (stream.unused_data or file.read(_PIECE)).lstrip(b"\0")
            while not rest and (more := file.read(_PIECE)):
                rest = more.lstrip(b"\0")
    except zlib.error as error:
        raise _damaged("is a gzip file that is damaged or cut short", path, error) from None


def only_member(archive: zipfile.ZipFile, path: Path, read: Read) -> zipfile.ZipInfo:
    """Return the one file of an archive, judged by what the archive says of it.

    Nothing is ever unpacked to a place the archive names, so its paths do no harm; they are refused
    all the same, because no platform writes them.

    Raises:
        FileRejected: none or several files, a path that leads elsewhere, encrypted, caps exceeded.
    """
    files = [item for item in archive.infolist() if not item.is_dir()]
    files = [item for item in files if not any(word in item.filename for word in _CLUTTER)]
    if len(files) != 1:
        raise FileRejected(
            f"is an archive of {len(files)} files",
            path.name,
            "One delivery is one file, or it could not be told what came again.",
            "Unpack it and deliver its files one by one.",
        )
    member = files[0]
    parts = member.filename.replace("\\", "/").split("/")
    if ".." in parts or parts[0] == "" or ":" in parts[0]:
        raise FileRejected(
            "is an archive whose file would be unpacked elsewhere",
            path.name,
            "Its path leads out of the folder; an export has no such path.",
            "Find out who made it before anything else.",
        )
    if member.flag_bits & _ENCRYPTED:
        raise FileRejected(
            "is protected by a password",
            path.name,
            do_this="Unpack it with the password the platform gave and deliver the file in it.",
        )
    _within_caps(member.file_size, member.compress_size, path, read)
    return member


def _within_caps(unpacked: int, packed: int, path: Path, read: Read) -> None:
    if unpacked > read.max_bytes or unpacked > max(_HARMLESS, read.max_ratio * packed):
        raise too_large(path, read)


def _unzip(file: IO[bytes], path: Path, read: Read) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(file) as archive:
            member = only_member(archive, path, read)
            with archive.open(member) as inner:
                # The archive's own word on the size is not taken for it: zipfile stops there.
                while piece := inner.read(_PIECE):
                    yield piece
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        raise _damaged("is a damaged zip archive", path, error) from None


def parts_of(path: Path, read: Read) -> Iterator[tuple[str, bytes]]:
    """Unpack a package of parts (an .xlsx), each within the caps and not larger than it says.

    What opens the package afterwards trusts its directory; after this it may.

    Raises:
        FileRejected: caps exceeded, damaged, or a part larger than the directory says.
    """
    total, packed = 0, path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            for part in archive.infolist():
                total += part.file_size
                _within_caps(total, packed, path, read)
                yield part.filename, _inflated(part, archive, file)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError) as error:
        raise _damaged("is a damaged workbook", path, error) from None


def _inflated(part: zipfile.ZipInfo, archive: zipfile.ZipFile, file: IO[bytes]) -> bytes:
    """Unpack a part; zipfile stops at the size in the directory, what is packed may go on."""
    data = archive.read(part)
    if part.compress_type == zipfile.ZIP_DEFLATED:
        file.seek(part.header_offset + 26)
        name, extra = struct.unpack("<HH", file.read(4))
        file.seek(name + extra, io.SEEK_CUR)
        stream = zlib.decompressobj(wbits=-15)
        length = len(stream.decompress(file.read(part.compress_size), part.file_size + 1))
        if length != part.file_size:
            raise zipfile.BadZipFile(f"{part.filename} is not as large as it says")
    return data
