"""Drawing of months: both shops' orders, and the event files, which are written on the way.

Belongs here: work that can be done for one stretch of months without the others, so in a process of
its own. A month at a time is in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from simulator import export_ads, export_ga4, tmall
from simulator.calendar import months
from simulator.demand import calendar_day, ordinal
from simulator.events import SiteOrders, Timeline, make_events, make_timeline, site_orders
from simulator.files import write_atomically
from simulator.operations import first_seen
from simulator.orderbook import OrderBook, join_books
from simulator.orders import make_orders
from simulator.plan import Export
from simulator.tables import Span
from simulator.traffic import make_visits
from simulator.visits import Visits
from simulator.world import World, make_world

_MICROS = 1_000_000


@dataclass(frozen=True)
class Stretch:
    """Consecutive months to draw.

    Attributes:
        root: the data folder.
        seed: seed of the simulation.
        scale: multiple of everything.
        world: first and last day of the whole simulation.
        months: first and last day of each month.
        events: the event files wanted; those of other months are left alone.
    """

    root: Path
    seed: int
    scale: float
    world: tuple[date, date]
    months: tuple[tuple[date, date], ...]
    events: tuple[Export, ...]


@dataclass
class Drawn:
    """What has been drawn of a stretch of months.

    Attributes:
        books: the orders, by shop.
        campaigns: sessions and orders of paid campaigns, by day.
        seen: first visits of each month to experiments.
        sessions: visits drawn for the event files written.
        events: events written.
        written: paths written, in order.
    """

    books: dict[str, OrderBook]
    campaigns: pl.DataFrame
    seen: pl.DataFrame
    sessions: int = 0
    events: int = 0
    written: list[Path] = field(default_factory=list)


@dataclass(frozen=True)
class _Site:
    """The site in a span of days."""

    visits: Visits
    line: Timeline
    made: SiteOrders
    book: OrderBook


def _draw_site(world: World, first: int, last: int) -> _Site:
    """Draw the site's visits and orders of days first..last."""
    visits = make_visits(world, first, last)
    line = make_timeline(world, visits)
    made = site_orders(world, visits, line)
    return _Site(visits, line, made, make_orders(world, "shopify", made.placed))


def _event_frame(world: World, site: _Site, begin: int) -> tuple[pl.DataFrame, np.ndarray]:
    """Return events from an instant on in the layout of the export, and their instants."""
    raw = make_events(site.visits, site.line, site.made, site.book)
    raw = raw.filter(pl.col("at") >= begin * _MICROS)
    frame = export_ga4.export_frame(raw, site.visits, site.book, world)
    return frame, raw.get_column("at").to_numpy()


def _after_midnight(world: World, day: int) -> pl.DataFrame:
    """Return what the visits of the day before do on a day."""
    return _event_frame(world, _draw_site(world, day - 1, day - 1), day * 86400)[0]


def _event_files(
    world: World, site: _Site, wanted: list[Export], leftover: pl.DataFrame | None, drawn: Drawn
) -> tuple[dict[Path, bytes], pl.DataFrame]:
    """Return the event files of one month, and the events its visits leave for the next."""
    frame, at = _event_frame(world, site, wanted[0].span.begin)
    files = {}
    for item in wanted:
        first, last = np.searchsorted(at, [item.span.begin * _MICROS, item.span.end * _MICROS])
        part = frame[first:last]
        if leftover is not None and item is wanted[0]:
            part = pl.concat([leftover, part])
        drawn.events += len(part)
        day = site.visits.day
        drawn.sessions += int(((day >= item.span.first) & (day <= item.span.last)).sum())
        files[item.path] = (
            export_ga4.as_parquet(part) if item.is_history else export_ga4.as_json_lines(part)
        )
    end = (int(site.visits.day[-1]) + 1) * 86400
    return files, frame[int(np.searchsorted(at, end * _MICROS)) :]


def draw_stretch(stretch: Stretch) -> Drawn:
    """Draw consecutive months of both shops and write those of the event files that lie in them."""
    world = make_world(stretch.seed, stretch.scale, *stretch.world)
    parts: list[tuple[OrderBook, OrderBook, pl.DataFrame, pl.DataFrame]] = []
    drawn = Drawn({}, pl.DataFrame(), pl.DataFrame())
    leftover: pl.DataFrame | None = None
    for first, last in stretch.months:
        span = Span(ordinal(first), ordinal(last))
        site = _draw_site(world, span.first, span.last)
        campaigns = export_ads.campaign_days(site.visits, site.made.visit, site.book)
        placed = tmall.place_orders(world, span.first, span.last)
        marketplace = make_orders(world, "tmall", placed)
        parts.append((site.book, marketplace, campaigns, first_seen(site.visits)))
        wanted = [item for item in stretch.events if span.first <= item.span.first <= span.last]
        if not wanted:
            leftover = None
            continue
        begin = wanted[0].span.first
        if begin > span.first:
            leftover = None  # what came before is in the month's own events
        elif leftover is None and begin > world.first:
            leftover = _after_midnight(world, begin)
        files, leftover = _event_files(world, site, wanted, leftover, drawn)
        for path, content in files.items():
            write_atomically(stretch.root / path, content)
            drawn.written.append(path)
    site_books, marketplaces, counted, seen = zip(*parts, strict=True)
    drawn.books = {"shopify": join_books([*site_books]), "tmall": join_books([*marketplaces])}
    drawn.campaigns, drawn.seen = pl.concat(counted), pl.concat(seen)
    return drawn


def split_months(world: World, pieces: int) -> list[tuple[tuple[date, date], ...]]:
    """Return the months of the world as so many stretches of about equal length, none empty."""
    spans = list(months(calendar_day(world.first), calendar_day(world.last)))
    cuts = np.array_split(np.arange(len(spans)), min(pieces, len(spans)))
    return [tuple(spans[i] for i in cut) for cut in cuts]
