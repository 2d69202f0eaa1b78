"""Weeks and months as small lines, drawn as SVG when the page is built.

This year strong, the year before pale, targets as marks. A review has a dozen of them, prints them
and keeps them for years: drawn here they need no script, and a page of them stays small.

Belongs here: what the lines look like. Does not belong here: their figures (`pages.reviews`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from dashboards.base.page import Both, same
from dashboards.charts.axes import nice_ceiling, rate_axis

WIDTH, HEIGHT = 280, 132
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 270, 10, 110
_ROOM = 0.12  # of the span above and below rates, whose axis may start above zero
_MOST_TICKS = 6


@dataclass(frozen=True)
class Trail:
    """Periods of one grain in time order.

    Attributes:
        ticks: their names on the axis, the same in both languages.
        values: None where a figure is not known.
        before: the same a year before.
        targets: None where there is none.
    """

    ticks: Sequence[str]
    values: Sequence[float | None]
    before: Sequence[float | None]
    targets: Sequence[float | None]

    def known(self) -> list[float]:
        """All figures that are known."""
        return [v for v in (*self.values, *self.before, *self.targets) if v is not None]


@dataclass(frozen=True)
class _Scale:
    """Where a figure stands between the ends of the axis; `ticks` are figures and their words."""

    low: float
    high: float
    ticks: Sequence[tuple[float, Both]]
    count: int

    def x(self, place: int) -> float:
        return _LEFT + 10 + place * (_RIGHT - _LEFT - 20) / max(self.count - 1, 1)

    def y(self, value: float) -> float:
        return _BOTTOM - (value - self.low) / (self.high - self.low) * (_BOTTOM - _TOP)


def _scale(trail: Trail, unit: str, words: Callable[[float], Both]) -> _Scale:
    known, count = trail.known(), len(trail.ticks)
    if unit == "rate":
        room = _ROOM * (max(known) - min(known)) or 0.1 * max(known) or 0.01
        low, high = max(0.0, min(known) - room), max(known) + room
        axis = rate_axis(low, high, steps=2)
        said = [same(text) for text in axis["ticktext"]]
        return _Scale(low, high, list(zip(axis["tickvals"], said, strict=True)), count)
    most, least = max(*known, 0.0), min(*known, 0.0)
    low = -nice_ceiling(-least) if least < 0 else 0.0
    top = nice_ceiling(most) if most > 0 else 0.0 if low else 1.0
    ticks = sorted({low, low / 2 if not top else 0.0, top / 2 if not low else 0.0, top})
    return _Scale(low, top, [(tick, words(tick)) for tick in ticks], count)


def _line(values: Sequence[float | None], scale: _Scale) -> str:
    """A path through the known figures, broken where one is not known."""
    path, pen_up = [], True
    for place, value in enumerate(values):
        if value is not None:
            path.append(f"{'M' if pen_up else 'L'}{scale.x(place):.0f} {scale.y(value):.1f}")
        pen_up = value is None
    return "".join(path)


def _marks(values: Sequence[float | None], scale: _Scale, width: int) -> str:
    """A stroke of some width at every known figure; of none, and with round ends, a dot."""
    return "".join(
        f"M{scale.x(place) - width / 2:.0f} {scale.y(value):.1f}h{width}"
        for place, value in enumerate(values)
        if value is not None
    )


def _words(scale: _Scale) -> str:
    texts = []
    for tick, said in scale.ticks:
        at = f'x="{_LEFT - 4}" y="{scale.y(tick) + 4:.0f}"'
        if said.en == said.zh:
            texts.append(f"<text {at}>{escape(said.en)}</text>")
        else:
            texts += [f'<text {at} lang="{lang}">{escape(said.get(lang))}</text>'
                      for lang in ("en", "zh")]  # fmt: skip
    return "".join(texts)


def _names(trail: Trail, scale: _Scale) -> str:
    """Names under the line, counted back from the last; of many only some."""
    every = -(-scale.count // _MOST_TICKS)
    return "".join(
        f'<text x="{scale.x(place):.0f}" y="{HEIGHT - 4}">{escape(name)}</text>'
        for place, name in enumerate(trail.ticks)
        if (scale.count - 1 - place) % every == 0
    )


def trail_svg(trail: Trail, unit: str, words: Callable[[float], Both]) -> Markup:
    """The lines of one grain.

    Args:
        trail: with at least one known figure.
        unit: a rate's axis may start above zero, all others hold it.
        words: a figure on the axis, as its unit is written.

    Returns:
        An `<svg>` hidden from screen readers; the table beside it says the figures.
    """
    scale = _scale(trail, unit, words)
    grid = "".join(f"M{_LEFT} {scale.y(tick):.1f}H{_RIGHT}" for tick, _ in scale.ticks)
    paths = (
        ("g", grid), ("b", _line(trail.before, scale)), ("v", _line(trail.values, scale)),
        ("d", _marks(trail.values, scale, 0)), ("t", _marks(trail.targets, scale, 12)),
    )  # fmt: skip
    drawn = "".join(f'<path class="{name}" d="{path}"/>' for name, path in paths if path)
    # Numbers made here, and words that are escaped.
    return Markup(  # noqa: S704
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{drawn}'
        f'<g class="y">{_words(scale)}</g><g class="x">{_names(trail, scale)}</g></svg>'
    )
