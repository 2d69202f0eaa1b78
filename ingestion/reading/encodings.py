"""Bytes to text, strictly: nothing is ever decoded approximately.

Belongs here: encodings, what damaged text looks like. Does not belong here: where the bytes come
from (`preflight.py`, `archive.py`), rows and columns.
"""

from __future__ import annotations

from pathlib import Path

from ingestion.errors import FileRejected
from ingestion.mapping.rules import Read
from ingestion.reading.guess import encoding_of_words
from ingestion.reading.kinds import marked_as
from ingestion.reading.preflight import WHOLE, Block

# Letters without width that stick to copied cells: two ids would differ and look the same.
_INVISIBLE = ("\ufeff", "\u200b", "\u2060", "\u200e", "\u200f", "\u202c", "\u202d")
_BY_ACCIDENT = 8


def decode(data: bytes, path: Path, read: Read, block: Block = WHOLE) -> str:
    """Return the text of a file or of a block of it, strictly decoded, line ends as line feeds.

    Args:
        data: the bytes.
        path: named in refusals.
        read: names the encoding.
        block: where in the file the bytes stand.

    Raises:
        FileRejected: another encoding than declared, or NUL characters.
    """
    encoding = read.encoding
    if block.is_first:
        marked = marked_as(data)
        if marked and not encoding.startswith(marked):
            raise _wrong_encoding(path, read, f"It begins with the mark of {marked}.", marked)
        encoding = "utf-8-sig" if encoding == "utf-8" else encoding
    else:
        encoding = encoding.removesuffix("-sig")
    if _is_disguised(data, read):
        raise _wrong_encoding(path, read, "Its letters are those of utf-8.", "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        # An upload that broke off inside a character: without its line end that row is told of
        # as cut. Where the last line needs none, nothing would tell it from a whole one.
        if block.is_last and error.end == len(data) and read.final_newline == "required":
            return decode(data[: error.start], path, read, block) + "\ufffd"
        line = block.line + data.count(b"\n", 0, error.start) + 1
        raise _wrong_encoding(
            path,
            read,
            f"Byte {block.offset + error.start} in line {line} does not fit.",
            encoding_of_words(data, whole=block.is_last),
        ) from None
    if "\0" in text:
        line = block.line + text.count("\n", 0, text.index("\0")) + 1
        raise FileRejected(
            f"line {line} has a NUL character",
            path.name,
            "The file is damaged or not text.",
            "Export it again; for UTF-16 set read.encoding: utf-16.",
        )
    for mark in _INVISIBLE:
        text = text.replace(mark, "")
    if not block.is_first:
        return text.replace("\r\n", "\n")
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


def utf8(block: Block, path: Path, read: Read) -> bytes:
    """Return a block as UTF-8 with line feeds, strictly decoded; see `decode`."""
    data = block.data
    if read.encoding == "utf-8" and b"\n" in data and b"\0" not in data and _is_utf8(data):
        return data.replace(b"\r\n", b"\n") if b"\r" in data else data
    return decode(data, path, read, block).encode()


def _is_utf8(data: bytes) -> bool:
    """Whether bytes are UTF-8 as they are, without letters that decoding takes out."""
    if data.isascii():
        return True
    if any(mark.encode() in data for mark in _INVISIBLE):
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _wrong_encoding(path: Path, read: Read, why: str, guess: str) -> FileRejected:
    do = f"to {guess}, in which it reads as words" if guess else "to what the platform writes"
    return FileRejected(
        f"is not {read.encoding}",
        path.name,
        why,
        f"Set read.encoding {do}; nothing is ever decoded approximately.",
    )
