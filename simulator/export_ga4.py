"""GA4 events in the layout of the BigQuery export: nested Parquet or gzipped JSON lines.

Belongs here: the layout. JSON carries 64-bit integers as strings, as BigQuery writes them.
"""

from __future__ import annotations

import gzip
import io
from functools import cache

import numpy as np
import polars as pl

from simulator.catalogue import products
from simulator.company import CHANNELS, DEVICES, PROVINCES, SITE
from simulator.draws import Ints, mix
from simulator.events import CART, CHECKOUT, NAMES, PURCHASE, VIEWED
from simulator.experiments import VARIANTS, exposures
from simulator.orderbook import OrderBook
from simulator.visits import Visits, visitor_text
from simulator.world import World

UTC_OFFSET = 8 * 3600
_PARAMETERS = 2  # ga_session_id and page_location
_CITIES = {name: city for name, city, _ in PROVINCES}


def _visit_columns(visits: Visits) -> pl.DataFrame:
    """Return what is the same in all events of a visit, one row a visit."""
    random, birth = visitor_text(visits.visitor)
    campaigns: list[list[str | None]] = [
        [name for name, _ in channel.campaigns] or [None] for channel in CHANNELS
    ]
    names = pl.Series([name for group in campaigns for name in group], dtype=pl.String)
    offsets = np.cumsum([0, *(len(group) for group in campaigns)])
    channel = pl.Series(visits.channel)
    source = pl.Series([item.source for item in CHANNELS]).gather(channel)
    medium = pl.Series([item.medium for item in CHANNELS]).gather(channel)
    device = pl.Series([name for name, _, _ in DEVICES]).gather(pl.Series(visits.device))
    region = pl.Series([name for name, _, _ in PROVINCES]).gather(pl.Series(visits.region))
    frame = pl.DataFrame(
        {
            "random": random,
            "birth": birth,
            "session": visits.start.astype(np.int64) - UTC_OFFSET,
            "member": mix(visits.visitor, 5),
            "logged_in": visits.logged_in,
            "category": device,
            "region": region,
            "city": region.replace_strict(_CITIES, return_dtype=pl.String),
            "campaign": names.gather(pl.Series(offsets[visits.channel] + visits.campaign)),
            "source": source,
            "medium": medium,
        }
    )
    text = pl.String
    click = pl.concat_str(pl.lit("Cj0"), pl.col("random").cast(text), pl.col("session").cast(text))
    return frame.select(
        "session",
        user_pseudo_id=pl.concat_str(
            pl.col("random").cast(text), pl.col("birth").cast(text), separator="."
        ),
        user_id=pl.when("logged_in").then(pl.concat_str(pl.lit("m"), pl.col("member").cast(text))),
        device=pl.struct(
            "category",
            operating_system=pl.when(pl.col("category") == "desktop")
            .then(pl.lit("Windows"))
            .otherwise(pl.lit("Android")),
        ),
        geo=pl.struct(pl.lit("China").alias("country"), "region", "city"),
        collected_traffic_source=pl.struct(
            manual_campaign_name="campaign",
            manual_source="source",
            manual_medium="medium",
            gclid=pl.when(pl.col("medium") == "cpc").then(click),
        ),
    )


@cache
def _addresses() -> pl.Series:
    """Return the page of each event name and product, products (and none) varying fastest."""
    items = products()
    texts = []
    for slot in range(len(NAMES)):
        for number in (-1, *range(len(items))):
            item = items[max(number, 0)]
            path = {
                0: "/",
                1: "/",
                2: f"/collections/{item.category[0]}",
                3: f"/search?q={item.category[0]}",
                CART: "/cart",
                CHECKOUT: "/checkout",
                PURCHASE: "/thank-you",
            }
            texts.append(SITE + path.get(slot, f"/products/{item.product_id}"))
    return pl.Series(texts)


def _pages(slot: Ints, product: Ints) -> pl.Series:
    """Return the address of each event's page."""
    return _addresses().gather(pl.Series(slot * (len(products()) + 1) + product + 1))


def _seen(visits: Visits, visit: Ints, slot: Ints) -> pl.DataFrame:
    """Return experiment and variant of the events that tell them: the starts of sessions.

    Returns:
        Columns row (of the event), experiment_id, variant.
    """
    row = np.nonzero(slot == 0)[0]
    names, which, arm = exposures(visits.day[visit[row]], visits.visitor[visit[row]])
    seen = which >= 0
    return pl.DataFrame(
        {
            "row": row[seen],
            "experiment_id": pl.Series(names, dtype=pl.String).gather(pl.Series(which[seen])),
            "variant": pl.Series(VARIANTS).gather(pl.Series(arm[seen])),
        }
    )


def _parameters(session: pl.Series, page: pl.Series, seen: pl.DataFrame) -> pl.Series:
    """Return the list of key and value of each event.

    Args:
        session: session number of each event.
        page: address of each event.
        seen: rows of `_seen`.
    """
    rows, told = len(session), seen.get_column("row").to_numpy()
    sizes = np.full(rows, _PARAMETERS)
    sizes[told] += 2
    key = np.repeat(np.arange(4), [rows, rows, len(told), len(told)])
    texts = (seen.get_column("experiment_id"), seen.get_column("variant"))
    long = pl.DataFrame(
        {
            "key": pl.Series(("ga_session_id", "page_location", "experiment_id", "variant")).gather(
                pl.Series(key)
            ),
            "string_value": pl.concat([_nulls(pl.String, rows), page, *texts]),
            "int_value": pl.concat([session, _nulls(pl.Int64, rows + 2 * len(told))]),
            "float_value": _nulls(pl.Float64, 2 * rows + 2 * len(told)),
            "double_value": _nulls(pl.Float64, 2 * rows + 2 * len(told)),
        }
    ).select(
        p=pl.struct(
            "key", value=pl.struct("string_value", "int_value", "float_value", "double_value")
        )
    )
    # each event's parameters one after the other
    owner = np.concatenate([np.arange(rows), np.arange(rows), told, told])
    flat = long.get_column("p").gather(pl.Series(np.argsort(owner, kind="stable")))
    if not len(told):
        return flat.reshape((rows, _PARAMETERS)).arr.to_list()
    return (
        pl.DataFrame({"owner": np.repeat(np.arange(rows), sizes), "p": flat})
        .group_by("owner", maintain_order=True)
        .agg("p")
        .get_column("p")
    )


def _nulls(dtype: type[pl.DataType], rows: int) -> pl.Series:
    """Return a column without values."""
    return pl.Series([None], dtype=dtype).new_from_index(0, rows)


def _items(events: pl.DataFrame, book: OrderBook, prices: Ints, day: Ints) -> pl.Series:
    """Return the list of products of each event: the one looked at, or all of a purchase."""
    number = events.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    product = events.get_column("product").to_numpy()
    cents = prices[day, np.maximum(product, 0)]
    single = number.with_columns(unit=pl.Series(cents), quantity=pl.lit(1, pl.Int64)).filter(
        (pl.col("slot") >= VIEWED) & (pl.col("order") < 0)
    )
    keys = book.orders.select("key", order=pl.int_range(pl.len(), dtype=pl.Int64))
    lines = book.lines.filter(pl.col("unit") > 0).join(keys, on="key")
    bought = (
        number.filter(pl.col("order") >= 0)
        .select("row", "order")
        .join(lines.select("order", "product", "unit", "quantity", "line"), on="order")
    )
    identity = pl.Series([item.product_id for item in products()])
    name = pl.Series([item.names[0] for item in products()])
    rows = pl.concat(
        [
            single.select("row", "product", "unit", "quantity", line=pl.lit(1, pl.Int64)),
            bought.select("row", "product", "unit", "quantity", "line"),
        ]
    ).sort("row", "line")
    lists = (
        rows.with_columns(
            item_id=identity.gather(rows.get_column("product")),
            item_name=name.gather(rows.get_column("product")),
            price=pl.col("unit") / 100,
        )
        .group_by("row", maintain_order=True)
        .agg(items=pl.struct("item_id", "item_name", "price", "quantity"))
    )
    joined = number.select("row").join(lists, on="row", how="left", maintain_order="left")
    return joined.select(pl.col("items").fill_null([])).get_column("items")


def _dates(at: Ints) -> pl.Series:
    """Return the local date of each instant as text."""
    if not len(at):
        return pl.Series(dtype=pl.String)
    day = at // 86_400_000_000
    first = int(day.min())
    names = pl.from_epoch(pl.Series(np.arange(first, int(day.max()) + 1)), time_unit="d")
    return names.dt.strftime("%Y%m%d").gather(pl.Series(day - first))


def export_frame(
    events: pl.DataFrame, visits: Visits, book: OrderBook, world: World
) -> pl.DataFrame:
    """Return events in the nested layout of the export, in the order given.

    Args:
        events: rows of `make_events`.
        visits: the visits they refer to.
        book: the orders they refer to.
        world: the simulation's fixed part.
    """
    visit = events.get_column("visit")
    day = visits.day[visit.to_numpy()] - world.first
    slot = events.get_column("slot").to_numpy()
    common = _visit_columns(visits)[visit]
    page = _pages(slot, events.get_column("product").to_numpy())
    seen = _seen(visits, visit.to_numpy(), slot)
    orders = book.orders.select(
        "order_id", revenue=(pl.col("goods_cents") - pl.col("discount_cents")) / 100
    )
    order = events.select(order=pl.when(pl.col("order") >= 0).then("order")).get_column("order")
    is_purchase = events.get_column("slot") == PURCHASE
    return (
        pl.DataFrame(
            {
                "event_date": _dates(events.get_column("at").to_numpy()),
                "event_timestamp": events.get_column("at") - UTC_OFFSET * 1_000_000,
                "event_name": pl.Series(NAMES).gather(events.get_column("slot")),
                "event_params": _parameters(common.get_column("session"), page, seen),
                "is_purchase": is_purchase,
                "transaction_id": orders.get_column("order_id").gather(order),
                "purchase_revenue": orders.get_column("revenue").gather(order),
                "items": _items(events, book, world.shop_prices("shopify"), day),
            }
        )
        .hstack(common.drop("session"))
        .select(
            "event_date",
            "event_timestamp",
            "event_name",
            "event_params",
            "user_pseudo_id",
            "user_id",
            "device",
            "geo",
            "collected_traffic_source",
            ecommerce=pl.when("is_purchase").then(pl.struct("transaction_id", "purchase_revenue")),
            items="items",
        )
    )


def as_parquet(frame: pl.DataFrame) -> bytes:
    """Return one Parquet file of an export."""
    buffer = io.BytesIO()
    # the layout of a file must not depend on the pieces it was put together from
    frame.rechunk().write_parquet(buffer, compression="snappy", statistics=False)
    return buffer.getvalue()


def as_json_lines(frame: pl.DataFrame) -> bytes:
    """Return one gzipped JSON lines file of an export; the same bytes for the same rows."""
    value = pl.element().struct.field("value")
    fields = ("string_value", "int_value", "float_value", "double_value")
    text = frame.with_columns(
        pl.col("event_timestamp").cast(pl.String),
        event_params=pl.col("event_params").list.eval(
            pl.struct(
                pl.element().struct.field("key"),
                value=pl.struct(
                    *(
                        value.struct.field(name).cast(pl.String)
                        if name == "int_value"
                        else value.struct.field(name)
                        for name in fields
                    )
                ),
            )
        ),
        items=pl.col("items").list.eval(
            pl.element().struct.with_fields(pl.field("quantity").cast(pl.String))
        ),
    )
    return gzip.compress(text.write_ndjson().encode(), compresslevel=1, mtime=0)
