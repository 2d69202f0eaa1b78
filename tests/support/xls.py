"""Workbooks as Excel 97 to 2003 wrote them (.xls), which no library at hand writes any more.

BIFF8 records ([MS-XLS]) in a compound file ([MS-CFB]): one sheet of texts and numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

_SECTOR, _SMALLEST = 512, 4096  # a stream below that would have to lie among the small ones
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def xls(*rows: Sequence[str | float]) -> bytes:
    """Return a workbook whose only sheet has these rows."""
    stream = _workbook(rows)
    stream += bytes(max(_SMALLEST, -(-len(stream) // _SECTOR) * _SECTOR) - len(stream))
    sectors = len(stream) // _SECTOR
    chain = [_FAT, _END, *range(3, sectors + 2), _END]
    table = struct.pack("<128I", *chain, *[_FREE] * (128 - len(chain)))
    folder = _entry("Root Entry", 5, _END, 0, child=1) + _entry("Workbook", 2, 2, len(stream))
    return _header() + table + folder.ljust(_SECTOR, b"\0") + stream


def _header() -> bytes:
    """The table of sectors is sector 0, the folder sector 1."""
    return struct.pack(
        "<8s16x5H6x118I", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6,
        0, 1, 1, 0, _SMALLEST, _END, 0, _END, 0, *[0] + [_FREE] * 108,
    )  # fmt: skip


def _entry(name: str, kind: int, start: int, size: int, child: int = _FREE) -> bytes:
    text = name.encode("utf-16-le")
    return struct.pack(
        "<64sHBB3I36xIQ", text, len(text) + 2, kind, 1, _FREE, _FREE, child, start, size
    )


def _workbook(rows: Sequence[Sequence[str | float]]) -> bytes:
    name = b"Sheet1"
    globals_, close = _begin(5) + _record(0x42, struct.pack("<H", 1200)), _record(0x0A, b"")
    place = len(globals_) + 4 + 8 + len(name) + len(close)
    sheet = _record(0x85, struct.pack("<IBBBB", place, 0, 0, len(name), 0) + name)
    width = max(map(len, rows), default=0)
    cells = _record(0x200, struct.pack("<IIHHH", 0, len(rows), 0, width, 0))
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            where = struct.pack("<HHH", at, column, 0)
            if isinstance(cell, str):
                text = struct.pack("<HB", len(cell), 1) + cell.encode("utf-16-le")
                cells += _record(0x204, where + text)
            else:
                cells += _record(0x203, where + struct.pack("<d", cell))
    return globals_ + sheet + close + _begin(0x10) + cells + close


def _begin(kind: int) -> bytes:
    return _record(0x809, struct.pack("<4H2I", 0x600, kind, 0x0DBB, 0x07CC, 0, 6))


def _record(number: int, content: bytes) -> bytes:
    return struct.pack("<HH", number, len(content)) + content
