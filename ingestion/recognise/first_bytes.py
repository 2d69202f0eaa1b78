"""The first bytes of a file: packed or not, text in which encoding, or no text at all.

Belongs here: bytes and encodings. Does not belong here: rows and columns (`look.py`).
"""

from __future__ import annotations

import codecs
import re
import zlib
from pathlib import Path

_TAIL = 1 << 13
BINARY = {
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls)",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"SQLite format 3": "an SQLite database",
}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def first_bytes(path: Path, limit: int) -> tuple[bytes, bool, bytes, str]:
    """Return (first bytes, whether that is all, last bytes, what is damaged)."""
    with path.open("rb") as file:
        raw = file.read(limit)
        rest = file.read(1)
        tail = b""
        if rest:
            file.seek(max(limit, path.stat().st_size - _TAIL))
            tail = file.read()
    if raw[:2] != b"\x1f\x8b":
        return raw, not rest, tail, "" if raw else "is empty"
    try:
        stream = zlib.decompressobj(wbits=31)
        text = stream.decompress(raw, limit)
    except zlib.error:
        return b"", True, b"", "is a damaged gzip file"
    if not rest and not stream.eof and not stream.unconsumed_tail:
        return b"", True, b"", "is a gzip file cut short"
    if not text:
        return b"", True, b"", "holds nothing"
    return text, stream.eof and not stream.unused_data, b"\n", ""


def encoding_of(raw: bytes, *, whole: bool) -> tuple[str, bool]:
    """Return the encoding and whether it is beyond doubt; empty for bytes that are no text."""
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return name, True
    if b"\0" in raw[:4096]:
        return _unmarked_utf16(raw[:4096]), False
    if _decodes(raw, "utf-8", whole=whole):
        return "utf-8", True
    # Chinese text comes in pairs of high bytes, the accents of western text stand alone.
    runs = re.findall(rb"[\x80-\xff]+", raw[: 1 << 16])
    paired = sum(len(run) % 2 == 0 for run in runs)
    if paired >= 0.8 * len(runs) and _decodes(raw, "gb18030", whole=whole):
        return "gb18030", True
    is_text = not any(byte < 9 or 13 < byte < 27 for byte in raw[:4096])
    return ("cp1252" if is_text and _decodes(raw, "cp1252", whole=whole) else ""), False


def _unmarked_utf16(raw: bytes) -> str:
    """Return which UTF-16 bytes are that have a zero beside each Latin letter; empty for none."""
    even, odd = raw[::2].count(0), raw[1::2].count(0)
    if even + odd < 0.2 * len(raw) or (even and odd):
        return ""
    return "utf-16-be" if even else "utf-16-le"


def _decodes(raw: bytes, encoding: str, *, whole: bool) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(raw, final=whole)
    except UnicodeDecodeError as error:
        return whole and error.end == len(raw)  # cut inside a character: a cut row, still text
    return True


def text_of(raw: bytes, encoding: str, *, whole: bool) -> str:
    """Return decoded bytes, line ends as line feeds; what is cut at the end is left out."""
    decoder = codecs.getincrementaldecoder(encoding)("ignore")
    text = decoder.decode(raw, final=whole).removeprefix("\ufeff")
    return text.replace("\r\n", "\n").replace("\r", "\n")
