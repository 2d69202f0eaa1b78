"""The simulation as a whole: decide what is missing, draw what it needs, write it.

Belongs here: order of the steps and writing of files. Months are drawn one after another so that
memory stays that of a month of events.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from ingestion.simulator import export_ads, export_ga4, export_shopify, export_tmall, tmall
from ingestion.simulator.calendar import months
from ingestion.simulator.demand import calendar_day, ordinal
from ingestion.simulator.events import make_events, make_timeline, site_orders
from ingestion.simulator.incidents import Incident, schedule
from ingestion.simulator.orders import OrderBook, join_books, make_orders
from ingestion.simulator.plan import Export, exports, missing
from ingestion.simulator.tables import Span, refunds_text
from ingestion.simulator.traffic import make_visits
from ingestion.simulator.world import ORDER_DAYS, World, make_world

_WINDOW_DAYS = 800
_DAILY_DAYS = 21
_MICROS = 1_000_000


@dataclass(frozen=True)
class Simulation:
    """What a data folder was simulated with; see `load_simulation`."""

    seed: int
    start: date
    history_until: date
    as_of: date
    scale: float = 1.0


@dataclass(frozen=True)
class SimulationReport:
    """What one call of `simulate` did.

    Attributes:
        written: paths below the data folder, in order of writing.
        kept: number of files that were there already.
        incidents: planted incidents begun by the last day.
        sessions: site sessions drawn for event files of this call, lost ones included.
        events: events written by this call.
        orders: orders placed in the periods of the files of this call, by shop.
    """

    written: tuple[Path, ...]
    kept: int
    incidents: tuple[Incident, ...]
    sessions: int
    events: int
    orders: dict[str, int]


@dataclass
class _Drawn:
    """What has been drawn so far."""

    books: list[OrderBook] = field(default_factory=list)
    tmall_books: list[OrderBook] = field(default_factory=list)
    campaigns: list[pl.DataFrame] = field(default_factory=list)
    leftover: pl.DataFrame | None = None
    sessions: int = 0
    events: int = 0


def default_window(as_of: date) -> tuple[date, date]:
    """Return (start, history_until) of a demo: about 800 days, the last 3 to 7 weeks as days."""
    start = (as_of - timedelta(days=_WINDOW_DAYS)).replace(day=1)
    history_until = as_of.replace(day=1) - timedelta(days=1)
    if (as_of - history_until).days < _DAILY_DAYS:
        history_until = history_until.replace(day=1) - timedelta(days=1)
    return start, history_until


def load_simulation(root: Path) -> Simulation | None:
    """Return what the data folder was simulated with, or None if it was not simulated."""
    path = root / "truth" / "simulation.json"
    if not path.exists():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    return Simulation(
        seed=int(found["seed"]),
        start=date.fromisoformat(found["start"]),
        history_until=date.fromisoformat(found["history_until"]),
        as_of=date.fromisoformat(found["as_of"]),
        scale=float(found.get("scale", 1.0)),
    )


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that nobody ever sees a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def planted(seed: int, start: date, history_until: date, as_of: date) -> tuple[Incident, ...]:
    """Return the incidents begun by a day; a late file exists only where files are daily."""
    return tuple(
        item
        for item in schedule(seed, start, as_of)
        if item.kind != "late_source_file" or item.start_date > history_until
    )


def _write_truth(root: Path, made: Simulation, incidents: tuple[Incident, ...]) -> None:
    """Write what was planted; unlike exports these files are rewritten as days are added."""
    known = load_simulation(root)
    if known is not None and known.as_of > made.as_of:
        return
    facts = {
        "seed": made.seed,
        "start": made.start.isoformat(),
        "history_until": made.history_until.isoformat(),
        "as_of": made.as_of.isoformat(),
        "scale": made.scale,
    }
    names = (
        "incident_id",
        "kind",
        "start_date",
        "end_date",
        "platform",
        "dimension",
        "segment",
        "metric",
        "factor",
    )
    rows = {name: [getattr(item, name) for item in incidents] for name in names}
    types = dict.fromkeys(names, pl.String) | {
        "start_date": pl.Date,
        "end_date": pl.Date,
        "factor": pl.Float64,
    }
    table = pl.DataFrame(rows, schema=types).write_csv()
    write_atomically(root / "truth" / "incidents.csv", table.encode())
    write_atomically(root / "truth" / "simulation.json", (json.dumps(facts) + "\n").encode())


def _draw_month(world: World, span: Span, drawn: _Drawn, events: list[Export]) -> dict[Path, bytes]:
    """Draw one month of both shops; return those of the event files that lie in it."""
    visits = make_visits(world, span.first, span.last)
    line = make_timeline(world, visits)
    made = site_orders(visits, line)
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
    prices = world.shop_prices("shopify")
    raw = make_events(visits, line, made, book)
    begin = min(item.span.begin for item in events)
    raw = raw.filter(pl.col("at") >= begin * _MICROS)
    frame = export_ga4.export_frame(raw, visits, book, prices, world.first)
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


def _content(
    item: Export, world: World, start: date, books: dict[str, OrderBook], counted: pl.DataFrame
) -> bytes:
    """Return the bytes of one export other than events."""
    span, book = item.span, books.get(item.folder)
    if item.stream == "products":
        return export_shopify.products_bytes(item.folder, calendar_day(span.first), start)
    if book is None:
        rows = export_ads.spend(world, item.folder, span, counted)
        is_google = item.folder == export_ads.GOOGLE
        return export_ads.google_bytes(rows, span) if is_google else export_ads.meta_bytes(rows)
    if item.stream == "refunds":
        return refunds_text(book.refunds, span, export_tmall.product_ids()).encode()
    if item.stream == "orders_export":
        return export_shopify.orders_bytes(book, span)
    if item.stream == "ExportOrderList":
        return export_tmall.orders_bytes(book, span)
    if item.stream == "ExportOrderDetailList":
        return export_tmall.details_bytes(book, span)
    totals = tmall.daily_totals(world, span.first, span.last, book.orders)
    if item.stream == "shop_traffic":
        return export_tmall.traffic_bytes(totals)
    return export_tmall.sources_bytes(totals)


def simulate(
    root: Path,
    *,
    seed: int = 7,
    start: date,
    history_until: date,
    as_of: date,
    scale: float = 1.0,
    progress: Callable[[str], None] | None = None,
) -> SimulationReport:
    """Write the demo company's exports below a data folder, as they stand after a day.

    Files that are there already are left alone and nothing is drawn for them, so adding a day is
    cheap. Each file depends on the arguments and its own period only: a later `as_of` adds files.

    Args:
        root: the data folder; files go to root/inbox and root/truth.
        seed: seed of all random numbers.
        start: first day of the data.
        history_until: last day of the monthly files, the last day of a month.
        as_of: last day exported.
        scale: multiple of sessions, visitors and orders.
        progress: told in words what is being drawn.

    Returns:
        What was written.

    Raises:
        ValueError: if the dates are out of order, or history does not end with a month.
    """
    if as_of < max(start, history_until):
        raise ValueError(
            f"as_of {as_of} lies before start {start} or history_until {history_until}"
        )
    if (history_until + timedelta(days=1)).day != 1:
        raise ValueError(f"history_until {history_until} is not the last day of a month")
    tell = progress or (lambda _: None)
    incidents = planted(seed, start, history_until, as_of)
    files = exports(start, history_until, as_of, incidents)
    todo = missing(root, files)
    drawn = _Drawn()
    written: list[Path] = []
    orders: dict[str, int] = {}
    if todo:
        begin = min(item.span.first for item in todo)
        # whole months, so that a month is drawn from the same day on whatever is missing
        earlier = calendar_day(begin - ORDER_DAYS).replace(day=1)
        world = make_world(seed, scale, max(start, earlier), as_of)
        written, orders = _write_all(root, todo, world, start, drawn, tell)
    _write_truth(root, Simulation(seed, start, history_until, as_of, scale), incidents)
    return SimulationReport(
        written=tuple(written),
        kept=len(files) - len(todo),
        incidents=incidents,
        sessions=drawn.sessions,
        events=drawn.events,
        orders=orders,
    )


def _write_all(
    root: Path,
    todo: list[Export],
    world: World,
    start: date,
    drawn: _Drawn,
    tell: Callable[[str], None],
) -> tuple[list[Path], dict[str, int]]:
    """Draw month by month and write what is to be written."""
    written = []
    first_day, last_day = calendar_day(world.first), calendar_day(world.last)
    events = [item for item in todo if item.stream == "events"]
    for first, last in months(first_day, last_day):
        tell(f"simulating {first:%Y-%m}")
        span = Span(ordinal(first), ordinal(last))
        for path, content in _draw_month(world, span, drawn, events).items():
            write_atomically(root / path, content)
            written.append(path)
    tell("writing orders, refunds, traffic and spend")
    books = {"shopify": join_books(drawn.books), "tmall": join_books(drawn.tmall_books)}
    counted = pl.concat(drawn.campaigns)
    for item in todo:
        if item.stream != "events":
            write_atomically(root / item.path, _content(item, world, start, books, counted))
            written.append(item.path)
    earliest = Span(min(item.span.first for item in todo), 0).begin
    orders = {
        shop: book.orders.filter(pl.col("ordered") >= earliest).height
        for shop, book in books.items()
    }
    return written, orders
