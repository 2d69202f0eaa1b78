"""Which rows of `fct_gmv_change` a page tells of.

Belongs here: the choice of days, of comparison and of segments, and the suppression of small ones.
Does not belong here: titles and charts.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from dashboards.base.data import SMALLEST_GROUP, Data, Row, SiteInfo
from dashboards.base.page import Both
from dashboards.figures.promotions import phases
from dashboards.wording.changes import COUNTS, EFFECT_ORDER

DIMENSIONS = ("platform", "shop", "channel", "device", "region", "customer_type")
DAYS_SHOWN = 14  # that have a page of their own
_INCIDENTS = 2  # of a base day that are named; more would hide the day itself
_SUMMED = (
    *(f"{side}{name}" for name in COUNTS for side in ("", "base_")),
    "gmv_change",
    *(f"{name}_effect" for name in EFFECT_ORDER),
)


def comparisons(data: Data, moment: date) -> list[str]:
    """Comparisons that exist for the company that day, the telling one first.

    In a promotion that is the same phase of last year: against an ordinary week every promotion
    is a record and every week after it a disaster.
    """
    found = [name for name in data.comparisons.names if data.change(moment, name)]
    if "promo_phase" in found and phases(data, moment, moment):
        found.remove("promo_phase")
        found.insert(0, "promo_phase")
    return found


def event_of_base(data: Data, moment: date, comparison: str) -> Both | None:
    """The promotion or holiday the base day lay in, where the day itself lies in none."""
    back = data.comparisons.base_day(comparison)
    if back is None or phases(data, moment, moment):
        return None
    base = moment - timedelta(days=back)
    found = phases(data, base, base)
    return found[0].label if found else None


def base_dates(data: Data, moment: date, comparison: str) -> list[date]:
    """The days a day is compared with; of a promotion's phase those of all platforms in it."""
    days = data.comparisons.base_days(comparison)
    if days:
        return [moment - timedelta(days=back) for back in range(days[0], days[1] - 1, -1)]
    if comparison != "promo_phase":
        return []
    rows = data["marts.dim_promo"].select("promo", "platform", "phase", "promo_year", "start_date")
    keys = ["promo", "platform", "phase", "promo_year"]
    here = data["marts.dim_promo"].filter(
        pl.col("start_date") <= moment, pl.col("end_date") >= moment
    )
    paired = here.with_columns(pl.col("promo_year") - 1).join(rows, on=keys, suffix="_base")
    found = paired.select(pl.col("start_date_base") + (moment - pl.col("start_date")))
    return sorted(set(found.to_series().drop_nulls()))


def incidents_of_base(data: Data, moment: date, comparison: str) -> list[tuple[Row, int]]:
    """Incidents that days of the base lay in and the day itself does not, and how many days.

    The costliest come first.
    """
    base = base_dates(data, moment, comparison)
    rows = [
        (row, sum(row["opened_date"] <= day <= row["last_date"] for day in base))
        for row in data["insights.incidents"].to_dicts()
        if row["opened_date"] and row["last_date"]
        if not row["opened_date"] <= moment <= row["last_date"]
    ]
    hit = [(row, days) for row, days in rows if days]
    hit.sort(key=lambda found: (found[0]["impact_amount"] or 0, str(found[0]["incident_id"])))
    return hit[:_INCIDENTS]


def shown_segments(data: Data, moment: date, comparison: str, dimension: str) -> list[Row]:
    """Segments of a change; regions with fewer buyers than `SMALLEST_GROUP` are left together."""
    rows = data.changes(moment, comparison, dimension)
    if dimension != "region":
        return rows
    buyers = {row["segment"]: row["buyers"] or 0 for row in data.on(moment, dimension)}
    keep = [r for r in rows if buyers.get(r["segment"], 0) >= SMALLEST_GROUP]
    small = [r for r in rows if buyers.get(r["segment"], 0) < SMALLEST_GROUP]
    if small:
        total = {
            name: None if all(row[name] is None for row in small)
            else sum(row[name] or 0 for row in small)
            for name in _SUMMED
        }  # fmt: skip
        keep.append({**small[0], **total, "segment": "(small)"})
    return keep


def days_shown(data: Data, info: SiteInfo) -> list[date]:
    """The last `DAYS_SHOWN` days that the data cover, latest first; the last day always."""
    first = data.first_day() or info.data_through
    days = [info.data_through - timedelta(days=n) for n in range(DAYS_SHOWN)]
    return [moment for moment in days if moment >= first] or [info.data_through]
