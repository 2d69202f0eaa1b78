"""The sign of the site: three rising bars, as SVG for browsers and as PNG for home screens.

Belongs here: the sign's shape. Does not belong here: the colours (`theme`).
"""

from __future__ import annotations

import struct
import zlib

from dashboards.base.theme import PALETTE

_SIZE = 180  # what phones ask for
_BARS = ((38, 96, 28), (76, 66, 28), (114, 38, 28))  # left, top, width
_FOOT = 142
_GROUND, _BAR = next(c.light for c in PALETTE if c.role == "accent"), "#ffffff"


def icon_svg() -> str:
    """The sign as SVG."""
    bars = "".join(
        f'<rect x="{left}" y="{top}" width="{wide}" height="{_FOOT - top}" rx="5"/>'
        for left, top, wide in _BARS
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIZE} {_SIZE}">'
        f'<rect width="{_SIZE}" height="{_SIZE}" rx="36" fill="{_GROUND}"/>'
        f'<g fill="{_BAR}">{bars}</g></svg>\n'
    )


def icon_png() -> bytes:
    """The sign as a PNG of two colours; corners are rounded by the phone."""
    lines = []
    for y in range(_SIZE):
        inside = [(left, wide) for left, top, wide in _BARS if top <= y < _FOOT]
        bits = bytearray(_SIZE)
        for left, wide in inside:
            bits[left : left + wide] = b"\x01" * wide
        lines.append(b"\x00" + bytes(bits))
    head = struct.pack(">IIBBBBB", _SIZE, _SIZE, 8, 3, 0, 0, 0)
    colours = bytes.fromhex(_GROUND[1:] + _BAR[1:])
    parts = ((b"IHDR", head), (b"PLTE", colours),
             (b"IDAT", zlib.compress(b"".join(lines), 9)), (b"IEND", b""))  # fmt: skip
    chunks = [
        struct.pack(">I", len(held)) + kind + held + struct.pack(">I", zlib.crc32(kind + held))
        for kind, held in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
