"""A figure of a page as a PNG without words, for letters: what it shows is said beside it.

Belongs here: the traces that letters use (lines, bands, bars), in the light colours of the pages.
Does not belong here: figures themselves (`charts`).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from dashboards.base.theme import PALETTE, TOKENS

WIDTH, HEIGHT = 1120, 320  # twice what is shown, for sharp screens
_EDGE = 12
_LINE = 4.0  # pixels of a line that says no width
Picture = npt.NDArray[np.float64]
_COLOURS = {TOKENS[colour.role]: colour.light for colour in PALETTE}


def picture(figure: Mapping[str, Any]) -> bytes:
    """A PNG of a figure with one pair of axes.

    Args:
        figure: `data` of scatter and bar traces and `layout` with ranges of both axes.
    """
    layout = figure["layout"]
    canvas = np.ones((HEIGHT, WIDTH, 3)) * _rgb(layout["plot_bgcolor"])
    frame = _Frame(layout)
    for shape in layout.get("shapes", ()):
        if shape["type"] == "rect":
            x0, x1 = frame.x([shape["x0"], shape["x1"]])
            _box(canvas, (x0, x1), (0, HEIGHT), shape["fillcolor"])
    for tick in layout["yaxis"].get("tickvals", ()):
        at = frame.y([tick])[0]
        _box(canvas, (_EDGE, WIDTH - _EDGE), (at - 1, at + 1), layout["yaxis"]["gridcolor"])
    for trace in figure["data"]:
        _draw(canvas, frame, trace)
    return _png(canvas)


class _Frame:
    """Where figures stand in pixels."""

    def __init__(self, layout: Mapping[str, Any]) -> None:
        self._x, self._y = (
            [_number(end) for end in layout[name]["range"]] for name in ("xaxis", "yaxis")
        )

    def x(self, values: Sequence[Any]) -> npt.NDArray[np.float64]:
        low, high = self._x
        at = np.array([_number(value) for value in values], dtype=float)
        return _EDGE + (at - low) / (high - low) * (WIDTH - 2 * _EDGE)

    def y(self, values: Sequence[Any]) -> npt.NDArray[np.float64]:
        low, high = self._y
        at = np.array([np.nan if v is None else v for v in values], dtype=float)
        return HEIGHT - _EDGE - (at - low) / (high - low) * (HEIGHT - 2 * _EDGE)


def _number(value: Any) -> float:
    """A place on an axis: days count as days."""
    return date.fromisoformat(value).toordinal() if isinstance(value, str) else float(value)


def _draw(canvas: Picture, frame: _Frame, trace: Mapping[str, Any]) -> None:
    x, y = frame.x(trace["x"]), frame.y(trace["y"])
    if trace["type"] == "bar":
        half = (frame.x([trace["width"]])[0] - frame.x([0.0])[0]) / 2
        ends = frame.y([b + h for b, h in zip(trace["base"], trace["y"], strict=True)])
        bars = zip(x, frame.y(trace["base"]), ends, trace["marker"]["color"], strict=True)
        for at, low, high, colour in bars:
            _box(canvas, (at - half, at + half), (high, low), colour)
    elif trace.get("fill"):
        _band(canvas, x, y, trace["fillcolor"])
    elif "lines" in trace["mode"]:
        style = trace["line"]
        _stroke(canvas, x, y, 2 * style.get("width", _LINE / 2), style["color"])


def _blend(area: Picture, alpha: npt.NDArray[np.float64], colour: str) -> None:
    area += alpha[..., None] * (_rgb(colour) - area)


def _box(
    canvas: Picture, x: tuple[float, float], y: tuple[float, float], colour: str
) -> None:  # fmt: skip
    (left, right), (top, bottom) = (sorted(round(end) for end in side) for side in (x, y))
    area = canvas[max(top, 0) : max(bottom, top + 1), max(left, 0) : max(right, left + 1)]
    area[...] = _rgb(colour)


def _band(canvas: Picture, x: Picture, y: Picture, colour: str) -> None:
    """The area of a polygon that goes along its upper side and back along its lower."""
    half = len(x) // 2
    columns = np.arange(max(int(x[0]), 0), min(int(x[half - 1]) + 1, WIDTH))
    upper, lower = (np.interp(columns, x[:half], side) for side in (y[:half], y[half:][::-1]))
    rows = np.arange(HEIGHT)[:, None]
    alpha = np.clip(rows - upper + 0.5, 0, 1) * np.clip(lower - rows + 0.5, 0, 1)
    area = canvas[:, columns]
    _blend(area, alpha, colour)
    canvas[:, columns] = area


def _stroke(canvas: Picture, x: Picture, y: Picture, width: float, colour: str) -> None:
    """A line with round ends through the known points; what is unknown breaks it."""
    pairs = zip(x[:-1], y[:-1], x[1:], y[1:], strict=True)
    for x0, y0, x1, y1 in pairs:
        if np.isnan(y0) or np.isnan(y1):
            continue
        left, right = int(min(x0, x1) - width), int(max(x0, x1) + width) + 1
        top, bottom = int(min(y0, y1) - width), int(max(y0, y1) + width) + 1
        rows, columns = np.mgrid[max(top, 0) : bottom, max(left, 0) : right]
        span = (x1 - x0) ** 2 + (y1 - y0) ** 2 or 1.0
        along = np.clip(((columns - x0) * (x1 - x0) + (rows - y0) * (y1 - y0)) / span, 0, 1)
        far = np.hypot(columns - x0 - along * (x1 - x0), rows - y0 - along * (y1 - y0))
        area = canvas[max(top, 0) : bottom, max(left, 0) : right]
        alpha = np.clip(width / 2 - far + 0.5, 0, 1)[: area.shape[0], : area.shape[1]]
        _blend(area, alpha, colour)


def _rgb(colour: str) -> npt.NDArray[np.float64]:
    """Red, green and blue of a token or a colour, 0 to 1."""
    plain = _COLOURS.get(colour, colour).removeprefix("#")
    return np.array([int(plain[at : at + 2], 16) for at in (0, 2, 4)]) / 255


def _png(canvas: Picture) -> bytes:
    pixels = np.round(canvas * 255).astype(np.uint8)
    lines = np.concatenate([np.zeros((HEIGHT, 1), np.uint8), pixels.reshape(HEIGHT, -1)], axis=1)

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(
            ">I", zlib.crc32(name + body)
        )  # fmt: skip

    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(lines.tobytes(), 9))
        + chunk(b"IEND", b"")
    )
