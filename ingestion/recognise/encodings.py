"""In which encoding a text is, as far as its bytes tell, and whether it is text at all.

Belongs here: telling an encoding, and reading what is shown in it. Does not belong here: strict
decoding (`reading/encodings.py`), rows and columns (`outline.py`).
"""

from __future__ import annotations

import codecs
import re

from ingestion.reading.kinds import marked_as


def encoding_of(raw: bytes, *, whole: bool) -> tuple[str, bool]:
    """Return the encoding and whether it is beyond doubt; empty for bytes that are no text."""
    if (marked := marked_as(raw)) is not None:
        return marked, True
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
