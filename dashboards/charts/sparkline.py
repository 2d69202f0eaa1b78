"""The small lines of the cards, drawn as SVG when the page is built."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

WIDTH, HEIGHT, MARGIN = 120, 32, 4


def sparkline(values: Sequence[float | None]) -> Markup:
    """A line of `values` in time order with a dot on the last one; gaps where a value is None.

    Returns:
        An `<svg>` hidden from screen readers (the card says the figures), empty for fewer than
        two known values.
    """
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return Markup("")
    low, high = min(known), max(known)
    span = high - low or 1.0
    step = (WIDTH - 2 * MARGIN) / max(len(values) - 1, 1)
    points = [
        (MARGIN + place * step, HEIGHT - MARGIN - (value - low) / span * (HEIGHT - 2 * MARGIN))
        if value is not None
        else None
        for place, value in enumerate(values)
    ]
    path, pen_up = [], True
    for point in points:
        if point is not None:
            path.append(f"{'M' if pen_up else 'L'}{point[0]:.1f} {point[1]:.1f}")
        pen_up = point is None
    last = points[-1]
    dot = f'<circle cx="{last[0]:.1f}" cy="{last[1]:.1f}" r="2.5"/>' if last else ""
    # Nothing but numbers made here.
    return Markup(  # noqa: S704
        f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true" focusable="false">'
        f'<path d="{" ".join(path)}"/>{dot}</svg>'
    )
