"""In which encoding a text is, as far as its bytes tell, and whether it is text at all.

Belongs here: telling an encoding, and reading what is shown in it. Does not belong here: strict
decoding (`reading/encodings.py`), rows and columns (`outline.py`).
"""

from __future__ import annotations

import codecs

from ingestion.reading.guess import encoding_of_words
from ingestion.reading.kinds import marked_as


def encoding_of(raw: bytes, *, whole: bool) -> tuple[str, bool]:
    """Return the encoding and whether it is beyond doubt; empty for bytes that are no text."""
    if (marked := marked_as(raw)) is not None:
        return marked, True
    if b"\0" in raw[:4096]:
        return _unmarked_utf16(raw[:4096]), False
    if any(byte < 9 or 13 < byte < 27 for byte in raw[:4096]):
        return "", False
    told = encoding_of_words(raw, whole=whole)
    # Chinese words read as such in no other encoding; the accents of western ones are alike.
    return told, told in ("utf-8", "gb18030")


def _unmarked_utf16(raw: bytes) -> str:
    """Return which UTF-16 bytes are that have a zero beside each Latin letter; empty for none."""
    even, odd = raw[::2].count(0), raw[1::2].count(0)
    if even + odd < 0.2 * len(raw) or (even and odd):
        return ""
    return "utf-16-be" if even else "utf-16-le"


def text_of(raw: bytes, encoding: str, *, whole: bool) -> str:
    """Return decoded bytes, line ends as line feeds; what is cut at the end is left out."""
    decoder = codecs.getincrementaldecoder(encoding)("ignore")
    text = decoder.decode(raw, final=whole).removeprefix("\ufeff")
    return text.replace("\r\n", "\n").replace("\r", "\n")
