"""Before a file is read: is it where it should be, of a sane size, and whole text.

Belongs here: paths, bytes, checksums, decompression caps, strict decoding.
Does not belong here: rows and columns.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import zlib
from pathlib import Path

import polars as pl

from ingestion.errors import FileChanging, FileRejected
from ingestion.spec import Read

_CHUNK = 1 << 20
# Below this size a high compression ratio is no danger.
_HARMLESS = 16 * _CHUNK
# Title lines stand within the first so many bytes of a file.
_TITLE_BYTES = 1 << 16
# Letters without width that stick to copied cells: two ids would differ and look the same.
_INVISIBLE = ("\ufeff", "\u200b", "\u2060", "\u200e", "\u200f", "\u202c", "\u202d")
_BY_ACCIDENT = 8
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


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


def read_bytes(path: Path, read: Read) -> bytes:
    """Return the decompressed bytes, within the caps of the format.

    Raises:
        FileRejected: empty, too large, or the compressed stream is damaged.
    """
    size = path.stat().st_size
    if size == 0:
        raise FileRejected("is empty", path.name, do_this="Export it again.")
    if size > read.max_bytes:
        raise _too_large(path, read)
    data = path.read_bytes()
    if data[:2] != b"\x1f\x8b":
        return data
    return _gunzip(path, data, read)


def first_lines(path: Path, read: Read) -> list[str]:
    """Return the lines that may stand before the header; what does not decode is left out."""
    with path.open("rb") as file:
        data = file.read(_TITLE_BYTES)
    if data[:2] == b"\x1f\x8b":
        try:
            data = zlib.decompressobj(wbits=31).decompress(data, _TITLE_BYTES)
        except zlib.error:
            return []
    text = data.decode(read.encoding, errors="ignore").removeprefix("\ufeff")
    return text.splitlines()[: read.title_lines]


def _gunzip(path: Path, data: bytes, read: Read) -> bytes:
    parts: list[bytes] = []
    total, rest = 0, data
    try:
        while rest:
            stream = zlib.decompressobj(wbits=31)
            while not stream.eof:
                part = stream.decompress(rest, _CHUNK)
                rest = stream.unconsumed_tail
                total += len(part)
                parts.append(part)
                if total > read.max_bytes or total > max(_HARMLESS, read.max_ratio * len(data)):
                    raise _too_large(path, read)
                if not part and not rest and not stream.eof:
                    raise zlib.error("the stream ends too early")
            rest = stream.unused_data.lstrip(b"\0")
    except zlib.error as error:
        raise FileRejected(
            "the compressed file is damaged or cut short",
            path.name,
            f"({error}.)",
            "Transfer it again, completely.",
        ) from None
    return b"".join(parts)


def _too_large(path: Path, read: Read) -> FileRejected:
    return FileRejected(
        f"is larger than allowed ({read.max_bytes:,} bytes, ratio {read.max_ratio})",
        path.name,
        "A small file that unpacks to a huge one can stop the machine.",
        "If it is genuine, raise read.max_bytes or read.max_ratio of its format.",
    )


def decode(data: bytes, path: Path, read: Read) -> str:
    """Return the text of a file, strictly decoded, line ends as line feeds.

    Raises:
        FileRejected: another encoding than declared, or NUL characters.
    """
    # The longest mark counts: that of UTF-32 begins with that of UTF-16.
    marked = next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)
    if marked and not read.encoding.startswith(marked):
        raise _wrong_encoding(path, read, f"It begins with the mark of {marked}.", marked)
    if _is_disguised(data, read):
        raise _wrong_encoding(path, read, "Its letters are those of utf-8.", "utf-8")
    encoding = "utf-8-sig" if read.encoding == "utf-8" else read.encoding
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        # An upload that broke off inside a character: without its line end that row is told of
        # as cut. Where the last line needs none, nothing would tell it from a whole one.
        if error.end == len(data) and read.final_newline == "required":
            return decode(data[: error.start], path, read) + "\ufffd"
        line = data.count(b"\n", 0, error.start) + 1
        guess = "gb18030" if read.encoding == "utf-8" else "utf-8"
        raise _wrong_encoding(
            path, read, f"Byte {error.start} in line {line} does not fit.", guess
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise FileRejected(
            f"line {line} has a NUL character",
            path.name,
            "The file is damaged or not text.",
            "Export it again; for UTF-16 set read.encoding: utf-16.",
        )
    for mark in _INVISIBLE:
        text = text.replace(mark, "")
    return text.replace("\r\n", "\n") if "\n" in text else text.replace("\r", "\n")


def _is_disguised(data: bytes, read: Read) -> bool:
    """Whether UTF-8 text is declared as an encoding that would read it without complaint.

    Latin-1 reads any bytes, GBK most of UTF-8, both as other letters. A few letters of theirs may
    form UTF-8 by accident; this many do not.
    """
    if read.encoding.startswith(("utf", "ascii")):
        return False
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    # Two bytes and more of UTF-8 stand for each of them.
    return len(data) - len(text) >= _BY_ACCIDENT


def _wrong_encoding(path: Path, read: Read, why: str, guess: str) -> FileRejected:
    return FileRejected(
        f"is not {read.encoding}",
        path.name,
        why,
        f"Set read.encoding, for instance to {guess}; nothing is ever decoded approximately.",
    )


def line_offsets(path: Path, read: Read) -> pl.DataFrame:
    """Return `_line` and `byte_offset` of each line of a text file, after decompression.

    Bytes are counted through Latin-1, one character a byte; UTF-16, whose line feed is two bytes,
    and files that are no text have no offsets.
    """
    empty = pl.DataFrame(schema={"_line": pl.Int64, "byte_offset": pl.Int64})
    if read.kind == "parquet" or read.encoding.startswith(("utf-16", "utf-32")):
        return empty
    lines = pl.Series("l", [read_bytes(path, read).decode("latin-1")]).str.split("\n").explode()
    length = pl.col("l").str.len_chars().cast(pl.Int64) + 1
    return lines.to_frame().select(
        _line=pl.int_range(1, pl.len() + 1, dtype=pl.Int64), byte_offset=length.cum_sum() - length
    )
