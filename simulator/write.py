"""Drawing and writing of what is missing.

Belongs here: order of the steps, and sharing them out to processes.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import polars as pl

from simulator import export_ads, export_shopify, export_tmall, tmall
from simulator.demand import calendar_day, ordinal
from simulator.export_operations import WRITERS
from simulator.files import write_atomically
from simulator.months import Drawn, Stretch, draw_stretch, split_months
from simulator.operations import Operations
from simulator.orderbook import DAY, OrderBook, join_books
from simulator.plan import Export
from simulator.tables import Span, refunds_texts
from simulator.truth import Simulation
from simulator.world import ORDER_DAYS, World, make_world

_ORDER_STREAMS = {
    "orders_export": export_shopify.orders_bytes,
    "ExportOrderList": export_tmall.orders_bytes,
    "ExportOrderDetailList": export_tmall.details_bytes,
}


@dataclass(frozen=True)
class Whole:
    """All that was drawn, and what follows from it day by day.

    Attributes:
        books: the orders, by shop.
        totals: the Tmall shop's totals by day.
        spend: what each advertising account reports, by day and campaign.
        operations: what is kept beside orders, traffic and spend.
        since: first day of the data, since 1970.
    """

    books: dict[str, OrderBook]
    totals: pl.DataFrame
    spend: dict[str, pl.DataFrame]
    operations: Operations
    since: int


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        paths: paths below the data folder, in order of writing within a process.
        sessions: visits drawn for the event files.
        events: events written.
        orders: orders placed from the first day of the files on, by shop.
        site_orders: the orders of the site, as in the order book.
    """

    paths: tuple[Path, ...] = ()
    sessions: int = 0
    events: int = 0
    orders: dict[str, int] = field(default_factory=dict)
    site_orders: pl.DataFrame | None = None


def _contents(folder: str, stream: str, spans: list[Span], whole: Whole) -> list[bytes]:
    """Return the bytes of all files of a stream; events have their own way."""
    if stream == "products":
        since = calendar_day(whole.since)
        return [
            export_shopify.products_bytes(folder, calendar_day(span.first), since) for span in spans
        ]
    if stream in WRITERS:
        return WRITERS[stream](whole.operations, folder, spans)
    if stream in _ORDER_STREAMS:
        return _ORDER_STREAMS[stream](whole.books[folder], spans)
    if stream == "refunds":
        refunds = whole.books[folder].refunds
        texts = refunds_texts(refunds, spans, export_tmall.product_ids())
        return [text.encode() for text in texts]
    if folder in whole.spend:
        report = export_ads.google_bytes if folder == export_ads.GOOGLE else export_ads.meta_bytes
        return report(whole.spend[folder], spans)
    is_shop = stream == "shop_traffic"
    totals = export_tmall.traffic_bytes if is_shop else export_tmall.sources_bytes
    return totals(whole.totals, spans)


def _draw(stretches: list[Stretch]) -> list[Drawn]:
    """Draw stretches of months, each in a process of its own if there are several."""
    if len(stretches) == 1:
        return [draw_stretch(stretches[0])]
    # spawned, because a fork of a process with threads may hang
    with ProcessPoolExecutor(len(stretches), mp_context=get_context("spawn")) as pool:
        return list(pool.map(draw_stretch, stretches))


def _together(world: World, parts: list[Drawn], since: int) -> Whole:
    """Put together what was drawn of stretches of months."""
    books = {shop: join_books([part.books[shop] for part in parts]) for shop in parts[0].books}
    counted = pl.concat([part.campaigns for part in parts])
    return Whole(
        books=books,
        totals=tmall.daily_totals(world, world.first, world.last, books["tmall"].orders),
        spend={
            account: export_ads.spend(world, account, counted)
            for account in (export_ads.GOOGLE, export_ads.META)
        },
        operations=Operations(world, books, pl.concat([part.seen for part in parts]), since),
        since=since,
    )


def write_exports(
    root: Path, made: Simulation, wanted: list[Export], workers: int, tell: Callable[[str], None]
) -> Written:
    """Draw what the files need and write them.

    Args:
        root: the data folder.
        made: the simulation.
        wanted: files to write, at least one.
        workers: number of processes that draw; the files do not depend on it.
        tell: told in words what is being done.

    Returns:
        What was drawn and written.
    """
    begin = min(item.span.first for item in wanted)
    # whole months, so that a month is drawn from the same day on whatever is missing
    earlier = calendar_day(begin - ORDER_DAYS).replace(day=1)
    span = max(made.start, earlier), made.as_of
    world = make_world(made.seed, made.scale, *span)
    events = tuple(item for item in wanted if item.stream == "events")
    tell(f"simulating {span[0]:%Y-%m} to {span[1]:%Y-%m}")
    parts = _draw(
        [
            Stretch(root, made.seed, made.scale, span, months, events)
            for months in split_months(world, workers)
        ]
    )
    tell("writing orders, refunds, traffic, spend and operations")
    whole = _together(world, parts, ordinal(made.start))
    written = [path for part in parts for path in part.written]
    streams: dict[tuple[str, str], list[Export]] = {}
    for item in wanted:
        if item.stream != "events":
            streams.setdefault((item.folder, item.stream), []).append(item)
    for (folder, stream), items in streams.items():
        contents = _contents(folder, stream, [item.span for item in items], whole)
        for item, content in zip(items, contents, strict=True):
            write_atomically(root / item.path, content)
            written.append(item.path)
    earliest = begin * DAY
    placed = {
        shop: book.orders.filter(pl.col("ordered") >= earliest).height
        for shop, book in whole.books.items()
    }
    return Written(
        paths=tuple(written),
        sessions=sum(part.sessions for part in parts),
        events=sum(part.events for part in parts),
        orders=placed,
        site_orders=whole.books["shopify"].orders,
    )
