"""Before a file is read: is it where it should be, of a sane size, unchanged.

Belongs here: paths, bytes, checksums, cutting a large file into blocks.
Does not belong here: unpacking (`archive.py`), decoding (`encodings.py`), rows and columns.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import polars as pl

from ingestion.errors import FileChanging, FileRejected
from ingestion.mapping.rules import Read
from ingestion.reading.archive import pieces, unpacked
from ingestion.reading.kinds import SPREADSHEETS, kind_of

_CHUNK = 1 << 20
# Blocks are this large. A row that is longer than four of them has lost its closing quote.
BLOCK = 32 * _CHUNK
_LONGEST = 4
_LINE_FEED = 10
_IN_CACHE = 1 << 18  # passes over whole blocks take five times longer
_OFFSETS = {"_line": pl.Int64, "byte_offset": pl.Int64}
# Encodings in which the bytes of a line feed and of a quote mean nothing else.
_LINEWISE = ("utf-8", "ascii", "gb", "big5", "iso8859", "cp125", "latin")
# Title lines stand within the first so many bytes of a file.
_TITLE_BYTES = 1 << 16


@dataclass(frozen=True)
class Block:
    """Whole records of a delimited file, as bytes.

    Attributes:
        data: the bytes.
        line: lines of the file before it.
        offset: bytes of the file before it.
        is_first: the file begins here.
        is_last: the file ends here.
    """

    data: bytes = b""
    line: int = 0
    offset: int = 0
    is_first: bool = True
    is_last: bool = True


WHOLE = Block()


class Hashed(NamedTuple):
    """The sha256 (hex) of a file's bytes as delivered, and the file as it was then."""

    sha256: str
    stat: os.stat_result


def hashed(path: Path) -> Hashed:
    """Read a file for its sha256."""
    before = path.stat()
    return Hashed(sha256_of(path), before)


def sha256_of(path: Path) -> str:
    """Return the sha256 (hex) of a file's bytes as delivered."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def below(path: Path, inbox: Path) -> str:
    """Return the path below the inbox, with `/`.

    Raises:
        FileRejected: it leads out of the inbox, or is no regular file.
    """
    try:
        real, root = path.resolve(strict=True), inbox.resolve(strict=True)
    except (OSError, ValueError) as error:
        raise FileRejected(
            "cannot be opened", path.name, str(error), "Deliver it into the inbox again."
        ) from None
    if not real.is_relative_to(root) or path.is_symlink() or not real.is_file():
        raise FileRejected(
            "is not a regular file inside the inbox",
            path.name,
            "Links and paths that lead out of the inbox are never followed.",
            "Copy the file itself into the inbox.",
        )
    return real.relative_to(root).as_posix()


def refuse_if_changed(path: Path, before: os.stat_result) -> None:
    """Make sure that a file is still the one it was, so that what was read is what was hashed.

    Raises:
        FileChanging: it was written to, replaced or removed.
    """
    try:
        after = path.stat()
    except OSError:
        after = None
    same = ("st_ino", "st_size", "st_mtime_ns")
    if after is None or any(getattr(after, name) != getattr(before, name) for name in same):
        raise FileChanging(
            "was written to while it was read",
            path.name,
            "Part of the old and part of the new content would be landed as one file.",
            "It is read in the next run; deliver files under another name and rename them.",
        )


def blocks(path: Path, read: Read, size: int | None = None) -> Iterator[Block]:
    """Yield a delimited file in blocks that end where a record ends; a small file is one block.

    A line feed ends a record where as many quotes were opened as closed. Blocks are of `size`
    bytes or a little more, the last one up to twice that, so that a footer stands in one block.

    Args:
        path: the file.
        read: its caps and encoding.
        size: bytes of a block, by default `BLOCK`.

    Raises:
        FileRejected: see `archive.pieces`.
    """
    size = size or BLOCK
    if not read.encoding.startswith(_LINEWISE):
        yield Block(read_bytes(path, read))
        return
    with unpacked(path, read) as file:
        line = offset = 0
        data, is_last = _records_of(file, size, line, path, read), False
        while not is_last:
            after = line + line_feeds(data)
            more = _records_of(file, size, after, path, read)
            is_last = len(more) < size
            if is_last:
                data += more
            yield Block(data, line, offset, is_first=not offset, is_last=is_last)
            line, offset, data = after, offset + len(data), more


def _records_of(file: IO[bytes], size: int, line: int, path: Path, read: Read) -> bytes:
    """Read whole records: at least so many bytes, less only at the end of the file."""
    data = _lines_of(file, size)
    if not (read.quotes and data.count(b'"') % 2):
        return data
    parts, length, is_open = [data], len(data), 1
    while is_open and (part := file.readline()):
        parts.append(part)
        length += len(part)
        is_open = (is_open + part.count(b'"')) % 2
        if is_open and length > _LONGEST * size:
            data = b"".join(parts)
            raise never_closed(line + line_feeds(data[: record_end(data, length)]) + 1, path)
    return b"".join(parts)


def _lines_of(file: IO[bytes], size: int) -> bytes:
    """Read whole lines: at least so many bytes, less only at the end of the file."""
    if isinstance(file, io.BufferedReader) and isinstance(file.raw, io.FileIO):
        # Where a line ends is looked up first, because joining would copy the block.
        start = file.tell()
        file.seek(start + size)
        rest = len(file.readline())
        file.seek(start)
        return file.read(size + rest)
    return file.read(size) + file.readline()


def line_feeds(data: bytes) -> int:
    """Count line feeds; numpy takes a quarter of the time of `bytes.count` where they are many."""
    view = np.frombuffer(data, np.uint8)
    parts = (view[at : at + _IN_CACHE] for at in range(0, len(data), _IN_CACHE))
    return sum(int(np.count_nonzero(part == _LINE_FEED)) for part in parts)


def never_closed(line: int, path: Path) -> FileRejected:
    """Return the refusal of a file with an unclosed quote."""
    return FileRejected(
        f"a quote is opened in line {line} and never closed",
        path.name,
        "All that follows would be read as one cell.",
        "Export the file again, or correct that line.",
    )


def record_end(data: bytes | bytearray, limit: int) -> int:
    """Return where the last whole record within the limit ends; 0 if none does."""
    end = data.rfind(b"\n", 0, limit) + 1
    odd = data.count(b'"', 0, end) % 2
    while odd and end:
        # The line that opens the cell, or an earlier one: up to the last quote no line ends it.
        quote = data.rfind(b'"', 0, end)
        before = data.rfind(b"\n", 0, quote) + 1
        odd = (odd + data.count(b'"', before, end)) % 2
        end = before
    return end


def read_bytes(path: Path, read: Read) -> bytes:
    """Return the unpacked bytes of a whole file, within the caps of the format.

    Raises:
        FileRejected: empty, too large, or the compressed stream is damaged.
    """
    return b"".join(pieces(path, read))


def first_lines(path: Path, read: Read) -> list[str]:
    """Return the lines that may stand before the header; what does not decode is left out."""
    try:
        with unpacked(path, read) as file:
            data = file.read(_TITLE_BYTES)
    except FileRejected:
        return []  # landing the file will say why
    text = data.decode(read.encoding, errors="ignore").removeprefix("\ufeff")
    return text.splitlines()[: read.title_lines]


def is_text(path: Path, read: Read) -> bool:
    """Return whether lines of the file are lines of text (no Parquet, no spreadsheet)."""
    return read.kind not in ("parquet", "xlsx") and kind_of(path) not in SPREADSHEETS


def line_offsets(path: Path, read: Read, lines: pl.Series) -> pl.DataFrame:
    """Return `_line` and `byte_offset` of these lines of a text file, after decompression.

    UTF-16, whose line feed is two bytes, and files that are no text have no offsets.
    """
    found: list[pl.DataFrame] = []
    if not is_text(path, read) or read.encoding.startswith(("utf-16", "utf-32")):
        return pl.DataFrame(schema=_OFFSETS)
    wanted = lines.drop_nulls().unique().sort().to_numpy()
    found.append(pl.DataFrame({"_line": wanted[wanted == 1], "byte_offset": 0}, schema=_OFFSETS))
    offset = ends = 0
    for piece in pieces(path, read):
        feeds = np.flatnonzero(np.frombuffer(piece, np.uint8) == _LINE_FEED)
        # Line n begins after the line feed number n - 1.
        here = wanted[(wanted - 2 >= ends) & (wanted - 2 < ends + len(feeds))]
        starts = offset + feeds[here - 2 - ends] + 1
        found.append(pl.DataFrame({"_line": here, "byte_offset": starts}, schema=_OFFSETS))
        offset, ends = offset + len(piece), ends + len(feeds)
    return pl.concat(found)
