"""Which files of operations exist as of a day: one of the history, then by day, week or month.

Belongs here: names, periods and rhythm. No file's content.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from simulator.calendar import months

COMPANY_FOLDER = "erp"
DAILY, WEEKLY, MONTHLY = "day", "week", "month"
# folder, stream, rhythm once the history has ended
STREAMS = (
    ("tmall", "platform_daily", DAILY),
    ("shopify", "platform_daily", WEEKLY),
    *(
        (shop, stream, WEEKLY)
        for shop in ("tmall", "shopify")
        for stream in (
            *("shipments", "order_costs", "settlements", "tickets", "reviews"),
            *("customers", "coupon_redemptions"),
        )
    ),
    ("tmall", "live_sessions", WEEKLY),
    ("shopify", "exposures", WEEKLY),
    ("shopify", "campaign_members", MONTHLY),
    ("shopify", "budgets", MONTHLY),
    (COMPANY_FOLDER, "inventory_snapshots", DAILY),
    (COMPANY_FOLDER, "inventory_movements", DAILY),
    (COMPANY_FOLDER, "service_health", WEEKLY),
    (COMPANY_FOLDER, "purchase_orders", WEEKLY),
    (COMPANY_FOLDER, "fx_rates", WEEKLY),
    (COMPANY_FOLDER, "headcount", MONTHLY),
    (COMPANY_FOLDER, "targets", MONTHLY),
    (COMPANY_FOLDER, "market_size", MONTHLY),
)
# the tool for experiments forgets what began before the year of this many days ago
_KEPT_DAYS = 210
_SUNDAY = 6


def history(stream: str, start: date, until: date) -> tuple[date, date]:
    """Return first and last day of a stream's history file."""
    if stream == "exposures":
        start = max(start, (until - timedelta(days=_KEPT_DAYS)).replace(month=1, day=1))
    return start, until


def periods(rhythm: str, following: date, as_of: date) -> Iterator[tuple[date, date, date]]:
    """Return (first, last, day after which it is exported) of the files after the history.

    Weeks end on Sundays; the first is cut to what the history leaves. What is told month by month
    is known on the first day of the month, which alone is returned.

    Args:
        rhythm: DAILY, WEEKLY or MONTHLY.
        following: day after the history.
        as_of: last day that has been exported.
    """
    count = (as_of - following).days + 1
    days = [following + timedelta(days=i) for i in range(count)]
    if rhythm == DAILY:
        yield from ((day, day, day) for day in days)
    elif rhythm == WEEKLY:
        for day in days:
            if day.weekday() == _SUNDAY:
                yield max(day - timedelta(days=_SUNDAY), following), day, day
    elif days:
        yield from ((day, day, day) for day, _ in months(following, as_of) if day.day == 1)
