"""A figure and the change beside it: its arrow, its size, whether it is good.

Belongs here: how levels and changes are written and judged. Does not belong here: what is compared.
"""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.base.data import SiteInfo
from dashboards.base.page import Both, both, same, tr
from dashboards.wording.formatting import DASH, fixed, percent
from dashboards.wording.metrics import in_unit

_FLAT = 0.0005  # below it a change shows as 0.0 % or 0.00 points: neither better nor worse


@dataclass(frozen=True)
class Delta:
    """One comparison of a card: arrow, size, against what; `tone` is better, worse or flat."""

    arrow: str
    tone: str
    size: Both
    versus: Both


def level_text(value: float | None, unit: str, info: SiteInfo) -> Both:
    """A level as its unit is written."""
    return both(lambda lang: in_unit(value, unit, info.currency, lang))


def delta(now: float | None, base: float | None, unit: str, good: str, versus: Both) -> Delta:
    """A change as the card shows it: per cent for levels, percentage points for rates.

    Of a loss there are no per cent: one that grew would read as a rise.
    """
    if now is None or base is None or (unit != "rate" and base <= 0):
        return Delta("", "flat", same(DASH), versus)
    change = now - base if unit == "rate" else now / base - 1
    size = (
        tr("card.points", n=fixed(abs(change) * 100, 2))
        if unit == "rate"
        else same(percent(abs(change)))
    )
    # A rate's 0.05 % threshold is half a point of a point: judge it at the digits shown.
    if abs(change) < (_FLAT / 10 if unit == "rate" else _FLAT):
        return Delta("●", "flat", size, versus)
    up = change > 0
    tone = "flat" if good == "neutral" else "better" if up == (good == "up") else "worse"
    return Delta("▲" if up else "▼", tone, size, versus)
