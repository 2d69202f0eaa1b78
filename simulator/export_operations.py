"""Files of everything beside orders, traffic and spend, in plain columns.

Belongs here: layouts, which are the canonical columns of the feeds by their delivered names. What
is the same in every row of a source (platform, shop, currency) is left to the source.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from simulator import members, service
from simulator.calendar import PLATFORMS
from simulator.company import PROVINCES
from simulator.export_plans import PLANS, Writer
from simulator.export_tmall import product_ids
from simulator.operations import Operations
from simulator.purchasing import WAREHOUSES
from simulator.service import KINDS
from simulator.shipping import CARRIERS
from simulator.stock import movements, snapshots
from simulator.tables import STAMP, Span, csv_texts, money, of_days, picked, stamp, touched

_CITIES = tuple(WAREHOUSES[shop] for shop in PLATFORMS)
_CARRIERS = tuple(item.name for item in CARRIERS)
_PROVINCES = tuple(name for name, _, _ in PROVINCES)


Rows = Callable[[Operations, str], pl.DataFrame]


def _files(frame: pl.DataFrame, columns: tuple[pl.Expr, ...], spans: Sequence[Span]) -> list[bytes]:
    """Return CSV of each file; the frame's `file` says whose a row is."""
    cells = frame.select("file", *columns)
    return [text.encode() for text in csv_texts(cells, tuple(cells.columns[1:]), len(spans))]


def _changing(rows: Rows, *moments: str, **columns: pl.Expr) -> Writer:
    """Return the writer of rows that stand in a file for each period one of their moments is in."""

    def write(made: Operations, shop: str, spans: Sequence[Span]) -> list[bytes]:
        return _files(touched(rows(made, shop), spans, moments), _named(columns), spans)

    return write


def _daily(rows: Rows, **columns: pl.Expr) -> Writer:
    """Return the writer of rows of days."""

    def write(made: Operations, shop: str, spans: Sequence[Span]) -> list[bytes]:
        return _files(of_days(rows(made, shop), spans), _named(columns), spans)

    return write


def _named(columns: dict[str, pl.Expr]) -> tuple[pl.Expr, ...]:
    return tuple(column.alias(name) for name, column in columns.items())


def _same(*names: str) -> dict[str, pl.Expr]:
    """Return columns that are told as they are."""
    return {name: pl.col(name) for name in names}


def _instant(moment: str) -> pl.Expr:
    """Return an instant as local text."""
    return pl.from_epoch(moment, time_unit="s").dt.strftime(STAMP)


def _date(day: str) -> pl.Expr:
    """Return a day since 1970 as a date."""
    return pl.from_epoch(day, time_unit="d")


def _signed(cents: str) -> pl.Expr:
    """Return cents of either sign as text in yuan."""
    sign = pl.when(pl.col(cents) < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    return pl.concat_str(sign, money(pl.col(cents).abs()))


def _movement_id() -> pl.Expr:
    """Return the line of a purchase order, or kind, day, warehouse and product."""
    day = _date("day").dt.strftime("%Y%m%d")
    place = day, picked(_CITIES, "shop"), picked(product_ids(), "product")
    daily = pl.concat_str(pl.col("kind").str.head(1).str.to_uppercase(), *place, separator="-")
    receipt = pl.concat_str(pl.lit("R"), "po_id", pl.col("po_line").cast(pl.String), separator="-")
    back = pl.concat_str(pl.lit("B"), daily.str.slice(1))
    is_receipt = pl.col("po_id").is_not_null()
    return (
        pl.when(is_receipt)
        .then(receipt)
        .when(pl.col("kind") == "return")
        .then(back)
        .otherwise(daily)
    )


def _numbered(letter: str, number: str) -> pl.Expr:
    """Return the id of a numbered part of an order."""
    return pl.concat_str(pl.lit(letter), "order_id", pl.lit("-"), pl.col(number).cast(pl.String))


def _if_by_then(moment: str, value: str) -> pl.Expr:
    """Return what is known only from a moment on."""
    return pl.when(pl.col(moment) < pl.col("until")).then(value)


def _customers(made: Operations, shop: str, spans: Sequence[Span]) -> list[bytes]:
    """Return the list of members; its first file goes back to the first who is known."""
    first = members.known_since(made.since)
    wide = [Span(first, span.last) if span.first == made.since else span for span in spans]
    columns = _same("customer_id", "email", "phone", "name")
    columns |= {"registered_at": _instant("registered")}
    columns |= _same("birth_year", "gender", "region", "member_tier", "points")
    return _changing(lambda made, shop: made.customers(shop), "registered", **columns)(
        made, shop, wide
    )


WRITERS: dict[str, Writer] = {
    "inventory_snapshots": _daily(
        lambda made, _: snapshots(made.stock),
        snapshot_date=_date("day"),
        product_id=picked(product_ids(), "product"),
        warehouse=picked(_CITIES, "shop"),
        **_same("on_hand", "in_transit"),
    ),
    "inventory_movements": _daily(
        lambda made, _: movements(made.stock),
        movement_id=_movement_id(),
        moved_at=_instant("at"),
        product_id=picked(product_ids(), "product"),
        warehouse=picked(_CITIES, "shop"),
        **_same("kind", "quantity", "po_id"),
    ),
    "purchase_orders": _changing(
        lambda made, _: made.stock.lines, "ordered", "received",
        **_same("po_id", "po_line", "supplier_id"),
        product_id=picked(product_ids(), "product"),
        warehouse=picked(_CITIES, "shop"),
        ordered_at=stamp("ordered"),
        promised_at=_instant("promised"),
        received_at=stamp("received"),
        **_same("ordered_quantity"),
        received_quantity=_if_by_then("received", "received_quantity"),
        rejected_quantity=_if_by_then("received", "rejected_quantity"),
        unit_cost=money("cost_cents"),
    ),
    "shipments": _changing(
        lambda made, shop: made.shipments(shop), "shipped", "delivered",
        shipment_id=_numbered("P", "parcel"),
        **_same("order_id"),
        carrier=picked(_CARRIERS, "carrier"),
        shipped_at=stamp("shipped"),
        promised_at=_instant("promised"),
        delivered_at=stamp("delivered"),
        region=picked(_PROVINCES, "region"),
        cost=money("cost_cents"),
    ),
    "tickets": _changing(
        lambda made, shop: made.tickets(shop), "opened", "answered", "solved",
        ticket_id=pl.concat_str(pl.lit("T"), "order_id"),
        opened_at=stamp("opened"),
        first_response_at=stamp("answered"),
        resolved_at=stamp("solved"),
        kind=picked(KINDS, "kind"),
        csat=_if_by_then("solved", "csat"),
        **_same("order_id"),
        product_id=picked(product_ids(), "main"),
    ),
    "reviews": _changing(
        lambda made, shop: made.reviews(shop), "reviewed",
        review_id=_numbered("V", "line"),
        product_id=picked(product_ids(), "product"),
        **_same("rating"),
        reviewed_at=stamp("reviewed"),
        **_same("order_id"),
    ),
    "order_costs": _changing(
        lambda made, shop: made.order_costs(shop), "at",
        **_same("order_id", "cost_type"), booked_at=stamp("at"), amount=_signed("cents"),
    ),
    "settlements": _changing(
        lambda made, shop: made.settlements(shop), "owed", "settled",
        **_same("order_id"),
        entry_id=pl.col("entry"),
        due_amount=_signed("due_cents"),
        settled_amount=pl.when(pl.col("settled") < pl.col("until"))
        .then(_signed("settled_cents"))
        .otherwise(pl.lit("0.00")),
        settled_at=stamp("settled"),
    ),
    "platform_daily": _daily(
        lambda made, shop: made.platform_daily(shop),
        report_date=_date("day"),
        paid_amount=money("paid_cents"),
        **_same("buyers", "sub_orders"),
        refund_amount=money("refund_cents"),
    ),
    "coupon_redemptions": _changing(
        lambda made, shop: made.coupon_redemptions(shop), "redeemed",
        **_same("customer_id", "coupon_id"), redeemed_at=stamp("redeemed"), **_same("order_id"),
    ),
    "customers": _customers,
    "exposures": _changing(
        lambda made, _: made.exposures, "at",
        **_same("experiment", "variant"),
        visitor_id=pl.concat_str(
            pl.col("random").cast(pl.String), pl.col("birth").cast(pl.String), separator="."
        ),
        exposed_at=stamp("at"),
    ),
    "live_sessions": _daily(
        lambda made, _: made.live_sessions(),
        **_same("live_room_id"),
        started_at=_instant("started"),
        ended_at=_instant("ended"),
        **_same("host", "kind", "viewers", "product_clicks", "commission_rate", "slot_fee"),
    ),
    "service_health": _daily(
        lambda made, _: service.service_health(made.world),
        hour_start=_instant("hour"), **_same("metric", "value"),
    ),
    **PLANS,
}  # fmt: skip
