"""What all figures share: fonts, margins, axes of money and of days.

Belongs here: axes whose labels are token texts, so that both languages have their own units.
Does not belong here: traces (`charts`, `line`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from math import ceil, floor, log10
from typing import Any

from dashboards.base.page import Both, TextPool, amount_text, both
from dashboards.base.theme import token
from dashboards.wording.formatting import day, percent

Figure = dict[str, Any]

_TICK_DAYS, _CORNER_DAYS = 14, 8
# A quarter of each has at most three figures, so that no tick label is rounded.
_NICE = (1.0, 1.2, 1.6, 2.0, 2.4, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


def font(role: str = "ink2", size: int = 12) -> dict[str, Any]:
    """A font of a palette role."""
    return {"color": token(role), "size": size}


def base_layout(**more: Any) -> dict[str, Any]:
    """The layout every figure starts from; no template, no interaction but hovering."""
    return {
        "paper_bgcolor": token("card"),
        "plot_bgcolor": token("card"),
        "font": font(),
        "margin": {"l": 8, "r": 24, "t": 16, "b": 8},
        "showlegend": False,
        "hoverlabel": {
            "bgcolor": token("card"),
            "bordercolor": token("pale"),
            "font": font("ink"),
        },
        "dragmode": False,
        **more,
    }


def axis(**more: Any) -> dict[str, Any]:
    """An axis that phones can scroll past and that makes room for its labels."""
    return {
        "fixedrange": True,
        "automargin": True,
        "zeroline": False,
        "showgrid": False,
        "ticks": "",
        "tickfont": font(),
        **more,
    }


def nice_ceiling(value: float) -> float:
    """The next round number at or above `value`, which is positive."""
    scale = 1.0
    while scale * 10 <= value:
        scale *= 10
    while scale > value:
        scale /= 10
    return next((n * scale for n in _NICE if n * scale >= value * (1 - 1e-9)), 10 * scale)


def _trimmed(found: re.Match[str]) -> str:
    return f".{found[1]}" if found[1] else ""


def _tick_text(value: float, currency: str) -> Both:
    """An amount on an axis, without zeros after the point: ¥80万, not ¥80.0万."""
    return trimmed(amount_text(value, currency))


def trimmed(exact: Both) -> Both:
    """A figure without zeros after the point."""
    return both(lambda lang: re.sub(r"\.(\d*[1-9])?0+(?=\D|$)", _trimmed, exact.get(lang)))


def money_axis(pool: TextPool, top: float, currency: str) -> dict[str, Any]:
    """A money axis from zero to `top` with four steps."""
    ticks = [top * part / 4 for part in range(5)]
    return axis(
        range=[0, top * 1.02],
        tickvals=ticks,
        ticktext=[pool.plain(_tick_text(v, currency)) for v in ticks],
        showgrid=True,
        gridcolor=token("grid"),
    )


def _round_step(least: float) -> float:
    """The next of 1, 2, 2.5, 5 and their tenfolds at or above `least`, which is positive."""
    scale = 10.0 ** floor(log10(least) + 1e-12)
    return next(n * scale for n in (1, 2, 2.5, 5, 10) if n * scale >= least * (1 - 1e-9))


def rate_axis(low: float, high: float, steps: int = 4) -> dict[str, Any]:
    """An axis of per cent from `low` to `high`, with about `steps` round steps.

    It may start above zero, as axes of rates do.
    """
    step = _round_step((high - low) / steps)
    ticks = [n * step for n in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]
    digits = next((n for n in range(3) if abs(step * 100 - round(step * 100, n)) < 1e-9), 3)
    return axis(
        range=[low - 0.02 * (high - low), high + 0.02 * (high - low)],
        tickvals=ticks,
        ticktext=[percent(tick, digits) for tick in ticks],
        showgrid=True,
        gridcolor=token("grid"),
    )


def _day_text(moment: date) -> Both:
    return both(lambda lang: day(moment, lang))


def day_axis(pool: TextPool, days: Sequence[date]) -> dict[str, Any]:
    """A date axis with ticks counted back from the last day."""
    every = _TICK_DAYS if len(days) > 2 * _TICK_DAYS else max(1, len(days) // 4)
    shown = list(reversed(days[::-1][::every]))
    if len(days) > 2 * _TICK_DAYS and (shown[0] - days[0]).days < _CORNER_DAYS:
        shown = shown[1:]  # its label would run into the money axis
    last = days[-1]
    return axis(
        type="date",
        ticklabeloverflow="allow",
        range=[(days[0] - timedelta(days=1)).isoformat(), (last + timedelta(days=2)).isoformat()],
        tickvals=[moment.isoformat() for moment in shown],
        ticktext=[pool.plain(_day_text(m)) for m in shown],
    )
