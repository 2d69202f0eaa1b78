"""What a file is, told by its first bytes whatever its name says.

Belongs here: the one list of magic numbers, the one of byte order marks. Does not belong here:
unpacking (`archive.py`), decoding (`encodings.py`), what a table looks like (`recognise/`).
"""

from __future__ import annotations

import codecs
import zipfile
from pathlib import Path

_MAGICS = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "xls",
    b"PAR1": "parquet",
    b"SQLite format 3\0": "sqlite",
    b"%PDF": "pdf",
    b"\x89PNG": "picture",
    b"\xff\xd8\xff": "picture",
    b"Rar!": "rar",
    b"7z\xbc\xaf": "7z",
}
# The longest mark counts: that of UTF-32 begins with that of UTF-16.
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_CONTENT_TYPES = "[Content_Types].xml"
SPREADSHEETS = ("xlsx", "xls")


def kind_of(path: Path) -> str:
    """Return what a file is: `plain` where no magic number tells; a zip may be an `xlsx`."""
    with path.open("rb") as file:
        start = file.read(max(map(len, _MAGICS)))
    kind = next((kind for magic, kind in _MAGICS.items() if start.startswith(magic)), "plain")
    if kind != "zip":
        return kind
    try:
        with zipfile.ZipFile(path) as archive:
            return "xlsx" if _CONTENT_TYPES in archive.namelist() else "zip"
    except (zipfile.BadZipFile, OSError):
        return "zip"


def marked_as(data: bytes) -> str | None:
    """Return the encoding that a byte order mark at the beginning of a text names."""
    return next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)
