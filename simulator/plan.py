"""Which export files exist as of a day, and which of them are still to be written.

Belongs here: names, periods and export instants. No file's content.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from simulator.calendar import months
from simulator.catalogue import change_days
from simulator.demand import ordinal
from simulator.incidents import Incident
from simulator.plan_operations import STREAMS, history, periods
from simulator.tables import Span

EXPORT_TIME = time(2, 0)
# a late file is asked for again shortly before the next day's regular export
LATE_TIME = time(1, 30)
_STREAMS = (
    ("tmall", "ExportOrderList"),
    ("tmall", "ExportOrderDetailList"),
    ("tmall", "refunds"),
    ("tmall", "shop_traffic"),
    ("tmall", "traffic_sources"),
    ("shopify", "orders_export"),
    ("shopify", "refunds"),
    ("google_ads", "campaigns"),
    ("meta_ads", "campaigns"),
)
_ORDER_STREAMS = frozenset({"ExportOrderList", "ExportOrderDetailList", "orders_export"})
# one account's report is late again and again, so that any ten days hold a late file
_OFTEN_LATE = ("meta_ads", "campaigns")
_LATE_EVERY, _LATE_ON = 9, 3


@dataclass(frozen=True)
class Export:
    """One export file.

    Attributes:
        folder: folder below the inbox.
        stream: what the file holds, the first part of its name.
        span: period of the file, as days since 1970.
        path: path below the data folder.
        is_history: a year's or, of events, a month's file; events are nested Parquet then.
    """

    folder: str
    stream: str
    span: Span
    path: Path
    is_history: bool


def is_often_late(day: date) -> bool:
    """Say whether the report of a day that is late again and again arrives a day late."""
    return ordinal(day) % _LATE_EVERY == _LATE_ON


def late_files(history_until: date, as_of: date) -> list[Export]:
    """Return the often late reports that are there at the end of a day, orders' files aside."""
    count = (as_of - history_until).days
    days = [history_until + timedelta(days=i) for i in range(1, count)]
    return [
        _stamped(*_OFTEN_LATE, (day, day, False), _late(day)) for day in days if is_often_late(day)
    ]


def _late(day: date) -> datetime:
    """Return when the late export of a day is made."""
    return datetime.combine(day + timedelta(days=2), LATE_TIME)


def _stamped(folder: str, stream: str, period: tuple[date, date, bool], at: datetime) -> Export:
    """Return an export whose name carries the period and the instant of the export."""
    first, last, year = period
    name = f"{first:%Y}" if year else f"{first:%Y%m%d}"
    path = Path("inbox", folder, f"{stream}_{name}_{at:%Y%m%d%H%M%S}.csv")
    return Export(folder, stream, Span(ordinal(first), ordinal(last)), path, year)


def _years(start: date, until: date) -> list[tuple[date, date]]:
    """Return the calendar years of a period, the first and the last cut to it."""
    years = range(start.year, until.year + 1)
    return [(max(start, date(y, 1, 1)), min(until, date(y, 12, 31))) for y in years]


def _events(first: date, last: date, month: bool) -> Export:
    """Return the web analytics' export of a period."""
    name = f"events_{first:%Y%m}.parquet" if month else f"events_{first:%Y%m%d}.json.gz"
    span = Span(ordinal(first), ordinal(last))
    return Export("ga4", "events", span, Path("inbox", "ga4", name), month)


def _product_lists(start: date, as_of: date) -> list[Export]:
    """Return the product lists: one at the start, one whenever something changes."""
    made = []
    for day in (start, *change_days(start, as_of)):
        at = datetime.combine(day, EXPORT_TIME)
        for folder in ("tmall", "shopify"):
            path = Path("inbox", folder, f"products_{at:%Y%m%d%H%M%S}.csv")
            made.append(Export(folder, "products", Span(ordinal(day), ordinal(day)), path, False))
    return made


def exports(
    start: date, history_until: date, as_of: date, incidents: tuple[Incident, ...]
) -> list[Export]:
    """Return every file that exists at the end of a day, late ones only once they arrived.

    Args:
        start: first day of the data.
        history_until: last day of the history: a file a year, of events a file a month.
        as_of: last day that has been exported.
        incidents: planted incidents; late files are among them.
    """
    years = _years(start, history_until) if start <= history_until else []
    spans = [(first, last, True) for first, last in years]
    following = history_until + timedelta(days=1)
    count = (as_of - history_until).days
    days = [max(following, start) + timedelta(days=i) for i in range(count)]
    spans += [(day, day, False) for day in days if day <= as_of]
    late = {(i.platform, i.start_date) for i in incidents if i.kind == "late_source_file"}
    made = _product_lists(start, as_of)
    made += [_events(first, last, True) for first, last in months(start, history_until)]
    for first, last, year in spans:
        if not year:
            made.append(_events(first, last, False))
        for folder, stream in _STREAMS:
            at = datetime.combine(last + timedelta(days=1), EXPORT_TIME)
            is_late = (folder, first) in late and stream in _ORDER_STREAMS
            is_late |= (folder, stream) == _OFTEN_LATE and is_often_late(first)
            if not year and is_late:
                if as_of <= first:
                    continue
                at = _late(first)
            made.append(_stamped(folder, stream, (first, last, year), at))
    return made + _operations(start, history_until, as_of)


def _operations(start: date, history_until: date, as_of: date) -> list[Export]:
    """Return the files of what is kept beside orders, traffic and spend."""
    made = []
    following = max(history_until + timedelta(days=1), start)
    for folder, stream, rhythm in STREAMS:
        if start <= history_until:
            first, last = history(stream, start, history_until)
            made.append(_spanned(folder, stream, first, last))
        for first, last, told in periods(rhythm, following, as_of):
            at = datetime.combine(told + timedelta(days=1), EXPORT_TIME)
            made.append(_stamped(folder, stream, (first, last, False), at))
    return made


def _spanned(folder: str, stream: str, first: date, last: date) -> Export:
    """Return the export of a whole history, both ends of which are in its name."""
    at = datetime.combine(last + timedelta(days=1), EXPORT_TIME)
    name = f"{stream}_{first:%Y%m%d}-{last:%Y%m%d}_{at:%Y%m%d%H%M%S}.csv"
    span = Span(ordinal(first), ordinal(last))
    return Export(folder, stream, span, Path("inbox", folder, name), True)


def missing(root: Path, files: list[Export]) -> list[Export]:
    """Return the files that are not there yet."""
    return [item for item in files if not (root / item.path).exists()]
