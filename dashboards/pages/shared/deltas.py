"""A change beside a figure: its arrow, its size, whether it is good.

Belongs here: how a change is judged and written. Does not belong here: what is compared.
"""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.base.page import Both, same, tr
from dashboards.wording.formatting import DASH, fixed, percent

_FLAT = 0.0005  # below it a change shows as 0.0 % or 0.00 points: neither better nor worse


@dataclass(frozen=True)
class Delta:
    """One comparison of a card: arrow, size, against what; `tone` is better, worse or flat."""

    arrow: str
    tone: str
    size: Both
    versus: Both


def delta(now: float | None, base: float | None, kind: str, good: str, versus: Both) -> Delta:
    """A change as the card shows it: per cent for levels, percentage points for rates."""
    if now is None or base is None or (kind != "rate" and not base):
        return Delta("", "flat", same(DASH), versus)
    change = now - base if kind == "rate" else now / base - 1
    size = (
        tr("card.points", n=fixed(abs(change) * 100, 2))
        if kind == "rate"
        else same(percent(abs(change)))
    )
    # A rate's 0.05 % threshold is half a point of a point: judge it at the digits shown.
    if abs(change) < (_FLAT / 10 if kind == "rate" else _FLAT):
        return Delta("●", "flat", size, versus)
    up = change > 0
    tone = "flat" if good == "neutral" else "better" if up == (good == "up") else "worse"
    return Delta("▲" if up else "▼", tone, size, versus)
