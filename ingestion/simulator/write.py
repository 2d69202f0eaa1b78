"""Drawing and writing of what is missing, month by month so that memory stays that of a month.

Belongs here: order of the steps and writing of files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from ingestion.simulator import export_ads, export_ga4, export_shopify, export_tmall, tmall
from ingestion.simulator.calendar import months
from ingestion.simulator.demand import calendar_day, ordinal
from ingestion.simulator.events import make_events, make_timeline, site_orders
from ingestion.simulator.files import write_atomically
from ingestion.simulator.orderbook import OrderBook, join_books
from ingestion.simulator.orders import make_orders
from ingestion.simulator.plan import Export
from ingestion.simulator.tables import Span, refunds_text
from ingestion.simulator.traffic import make_visits
from ingestion.simulator.world import World

_MICROS = 1_000_000


@dataclass
class Drawn:
    """What has been drawn so far.

    Attributes:
        books: the site's orders, one book a month.
        tmall_books: the Tmall shop's.
        campaigns: sessions and orders of paid campaigns, by day.
        leftover: events after the end of the month last drawn.
        sessions: visits drawn for the event files written.
        events: events written.
        written: paths written, in order.
        orders: orders placed from the first day of the files on, by shop.
        site_orders: the orders of the site, None before they are put together.
    """

    books: list[OrderBook] = field(default_factory=list)
    tmall_books: list[OrderBook] = field(default_factory=list)
    campaigns: list[pl.DataFrame] = field(default_factory=list)
    leftover: pl.DataFrame | None = None
    sessions: int = 0
    events: int = 0
    written: list[Path] = field(default_factory=list)
    orders: dict[str, int] = field(default_factory=dict)
    site_orders: pl.DataFrame | None = None


def _draw_month(world: World, span: Span, drawn: Drawn, events: list[Export]) -> dict[Path, bytes]:
    """Draw one month of both shops; return those of the event files that lie in it."""
    visits = make_visits(world, span.first, span.last)
    line = make_timeline(world, visits)
    made = site_orders(world, visits, line)
    book = make_orders(world, "shopify", made.placed)
    drawn.books.append(book)
    drawn.campaigns.append(export_ads.campaign_days(visits, made.visit, book))
    drawn.tmall_books.append(
        make_orders(world, "tmall", tmall.place_orders(world, span.first, span.last))
    )
    wanted = [day for item in events for day in (item.span.first - 1, item.span.last)]
    # the day before the first file counts for what its visits do after midnight
    if not wanted or span.last < min(wanted) or span.first > max(wanted):
        return {}
    raw = make_events(visits, line, made, book)
    begin = min(item.span.begin for item in events)
    raw = raw.filter(pl.col("at") >= begin * _MICROS)
    frame = export_ga4.export_frame(raw, visits, book, world)
    at = raw.get_column("at").to_numpy()
    files = {}
    for item in (item for item in events if span.first <= item.span.first <= span.last):
        first, last = np.searchsorted(at, [item.span.begin * _MICROS, item.span.end * _MICROS])
        part = frame[first:last]
        if drawn.leftover is not None and item.span.first == span.first:
            part = pl.concat([drawn.leftover, part])
        drawn.events += len(part)
        inside = (visits.day >= item.span.first) & (visits.day <= item.span.last)
        drawn.sessions += int(inside.sum())
        files[item.path] = (
            export_ga4.as_parquet(part) if item.is_history else export_ga4.as_json_lines(part)
        )
    drawn.leftover = frame[int(np.searchsorted(at, span.end * _MICROS)) :]
    return files


def _order_file(item: Export, world: World, book: OrderBook) -> bytes:
    """Return the bytes of one export of a shop's orders, refunds or traffic."""
    span = item.span
    if item.stream == "refunds":
        return refunds_text(book.refunds, span, export_tmall.product_ids()).encode()
    by_stream = {
        "orders_export": export_shopify.orders_bytes,
        "ExportOrderList": export_tmall.orders_bytes,
        "ExportOrderDetailList": export_tmall.details_bytes,
    }
    if item.stream in by_stream:
        return by_stream[item.stream](book, span)
    totals = tmall.daily_totals(world, span.first, span.last, book.orders)
    is_shop = item.stream == "shop_traffic"
    return export_tmall.traffic_bytes(totals) if is_shop else export_tmall.sources_bytes(totals)


def _ads_file(item: Export, world: World, counted: pl.DataFrame) -> bytes:
    """Return the bytes of one advertising report."""
    rows = export_ads.spend(world, item.folder, item.span, counted)
    is_google = item.folder == export_ads.GOOGLE
    return export_ads.google_bytes(rows, item.span) if is_google else export_ads.meta_bytes(rows)


def write_exports(
    root: Path, wanted: list[Export], world: World, since: int, tell: Callable[[str], None]
) -> Drawn:
    """Draw what the files need and write them.

    Args:
        root: the data folder.
        wanted: files to write.
        world: the simulation's fixed part, its span holding what the files need.
        since: first day of the data, since 1970.
        tell: told in words what is being done.

    Returns:
        What was drawn and written.
    """
    drawn = Drawn()

    def put(path: Path, content: bytes) -> None:
        """Write one file below the data folder and note that it was written."""
        write_atomically(root / path, content)
        drawn.written.append(path)

    events = [item for item in wanted if item.stream == "events"]
    for first, last in months(calendar_day(world.first), calendar_day(world.last)):
        tell(f"simulating {first:%Y-%m}")
        span = Span(ordinal(first), ordinal(last))
        for path, content in _draw_month(world, span, drawn, events).items():
            put(path, content)
    tell("writing orders, refunds, traffic and spend")
    books = {"shopify": join_books(drawn.books), "tmall": join_books(drawn.tmall_books)}
    counted = pl.concat(drawn.campaigns)
    start = calendar_day(since)
    for item in wanted:
        if item.stream == "products":
            day = calendar_day(item.span.first)
            put(item.path, export_shopify.products_bytes(item.folder, day, start))
        elif item.folder in books:
            put(item.path, _order_file(item, world, books[item.folder]))
        elif item.stream != "events":
            put(item.path, _ads_file(item, world, counted))
    drawn.site_orders = books["shopify"].orders
    earliest = min(item.span.begin for item in wanted)
    for shop, book in books.items():
        drawn.orders[shop] = book.orders.filter(pl.col("ordered") >= earliest).height
    return drawn
