"""Files of everything beside orders, traffic and spend, in plain columns.

Belongs here: layouts, which are the canonical columns of the feeds by their delivered names. What
is the same in every row of a source (platform, shop, currency) is left to the source.
"""

from __future__ import annotations

from collections.abc import Sequence

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


def _files(frame: pl.DataFrame, spans: Sequence[Span]) -> list[bytes]:
    """Return CSV of each file with all columns of the frame but `file`, which says whose row."""
    names = tuple(name for name in frame.columns if name != "file")
    return [text.encode() for text in csv_texts(frame, names, len(spans))]


def _instant(moment: str) -> pl.Expr:
    """Return an instant as local text."""
    return pl.from_epoch(moment, time_unit="s").dt.strftime(STAMP)


def _date(day: str) -> pl.Expr:
    """Return a day since 1970 as a date."""
    return pl.from_epoch(day, time_unit="d")


def _digits(day: str) -> pl.Expr:
    """Return a day since 1970 as eight digits."""
    return _date(day).dt.strftime("%Y%m%d")


def _signed(cents: str) -> pl.Expr:
    """Return cents of either sign as text in yuan."""
    sign = pl.when(pl.col(cents) < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    return pl.concat_str(sign, money(pl.col(cents).abs()))


def _snapshots(made: Operations, _: str, spans: Sequence[Span]) -> list[bytes]:
    frame = of_days(snapshots(made.stock), spans).select(
        "file",
        snapshot_date=_date("day"),
        product_id=picked(product_ids(), "product"),
        warehouse=picked(_CITIES, "shop"),
        on_hand="on_hand",
        in_transit="in_transit",
    )
    return _files(frame, spans)


def _movements(made: Operations, _: str, spans: Sequence[Span]) -> list[bytes]:
    warehouse, product = picked(_CITIES, "shop"), picked(product_ids(), "product")
    daily = pl.concat_str(
        pl.col("kind").str.head(1).str.to_uppercase(), _digits("day"), warehouse, product,
        separator="-",
    )  # fmt: skip
    receipt = pl.concat_str(pl.lit("R"), "po_id", pl.col("po_line").cast(pl.String), separator="-")
    is_receipt = pl.col("po_id").is_not_null()
    frame = of_days(movements(made.stock), spans).select(
        "file",
        movement_id=pl.when(is_receipt)
        .then(receipt)
        .when(pl.col("kind") == "return")
        .then(pl.concat_str(pl.lit("B"), daily.str.slice(1)))
        .otherwise(daily),
        moved_at=_instant("at"),
        product_id=product,
        warehouse=warehouse,
        kind="kind",
        quantity="quantity",
        po_id="po_id",
    )
    return _files(frame, spans)


def _purchase_orders(made: Operations, _: str, spans: Sequence[Span]) -> list[bytes]:
    came = pl.col("received") < pl.col("until")
    frame = touched(made.stock.lines, spans, ("ordered", "received")).select(
        "file",
        "po_id",
        "po_line",
        "supplier_id",
        product_id=picked(product_ids(), "product"),
        warehouse=picked(_CITIES, "shop"),
        ordered_at=stamp("ordered"),
        promised_at=_instant("promised"),
        received_at=stamp("received"),
        ordered_quantity="ordered_quantity",
        received_quantity=pl.when(came).then("received_quantity"),
        rejected_quantity=pl.when(came).then("rejected_quantity"),
        unit_cost=money("cost_cents"),
    )
    return _files(frame, spans)


def _shipments(made: Operations, shop: str, spans: Sequence[Span]) -> list[bytes]:
    frame = touched(made.shipments(shop), spans, ("shipped", "delivered")).select(
        "file",
        shipment_id=pl.concat_str(
            pl.lit("P"), "order_id", pl.lit("-"), pl.col("parcel").cast(pl.String)
        ),
        order_id="order_id",
        carrier=picked(_CARRIERS, "carrier"),
        shipped_at=stamp("shipped"),
        promised_at=_instant("promised"),
        delivered_at=stamp("delivered"),
        region=picked(_PROVINCES, "region"),
        cost=money("cost_cents"),
    )
    return _files(frame, spans)


def _tickets(made: Operations, shop: str, spans: Sequence[Span]) -> list[bytes]:
    frame = touched(made.tickets(shop), spans, ("opened", "answered", "solved")).select(
        "file",
        ticket_id=pl.concat_str(pl.lit("T"), "order_id"),
        opened_at=stamp("opened"),
        first_response_at=stamp("answered"),
        resolved_at=stamp("solved"),
        kind=picked(KINDS, "kind"),
        csat=pl.when(pl.col("solved") < pl.col("until")).then("csat"),
        order_id="order_id",
        product_id=picked(product_ids(), "main"),
    )
    return _files(frame, spans)


def _reviews(made: Operations, shop: str, spans: Sequence[Span]) -> list[bytes]:
    frame = touched(made.reviews(shop), spans, ("reviewed",)).select(
        "file",
        review_id=pl.concat_str(
            pl.lit("V"), "order_id", pl.lit("-"), pl.col("line").cast(pl.String)
        ),
        product_id=picked(product_ids(), "product"),
        rating="rating",
        reviewed_at=stamp("reviewed"),
        order_id="order_id",
    )
    return _files(frame, spans)


def _order_costs(made: Operations, shop: str, spans: Sequence[Span]) -> list[bytes]:
    frame = touched(made.order_costs(shop), spans, ("at",)).select(
        "file",
        order_id="order_id",
        cost_type="cost_type",
        booked_at=stamp("at"),
        amount=_signed("cents"),
    )
    return _files(frame, spans)


def _settlements(made: Operations, shop: str, spans: Sequence[Span]) -> list[bytes]:
    is_paid = pl.col("settled") < pl.col("until")
    frame = touched(made.settlements(shop), spans, ("owed", "settled")).select(
        "file",
        order_id="order_id",
        entry_id="entry",
        due_amount=_signed("due_cents"),
        settled_amount=pl.when(is_paid).then(_signed("settled_cents")).otherwise(pl.lit("0.00")),
        settled_at=stamp("settled"),
    )
    return _files(frame, spans)


def _platform_daily(made: Operations, shop: str, spans: Sequence[Span]) -> list[bytes]:
    frame = of_days(made.platform_daily(shop), spans).select(
        "file",
        report_date=_date("day"),
        paid_amount=money("paid_cents"),
        buyers="buyers",
        sub_orders="sub_orders",
        refund_amount=money("refund_cents"),
    )
    return _files(frame, spans)


def _coupons(made: Operations, shop: str, spans: Sequence[Span]) -> list[bytes]:
    frame = touched(made.coupon_redemptions(shop), spans, ("redeemed",)).select(
        "file", "customer_id", "coupon_id", redeemed_at=stamp("redeemed"), order_id="order_id"
    )
    return _files(frame, spans)


def _customers(made: Operations, shop: str, spans: Sequence[Span]) -> list[bytes]:
    first = members.known_since(made.since)
    wide = [Span(first, span.last) if span.first == made.since else span for span in spans]
    frame = touched(made.customers(shop), wide, ("registered",)).select(
        *("file", "customer_id", "email", "phone", "name"),
        _instant("registered").alias("registered_at"),
        *("birth_year", "gender", "region", "member_tier", "points"),
    )
    return _files(frame, wide)


def _exposures(made: Operations, _: str, spans: Sequence[Span]) -> list[bytes]:
    frame = touched(made.exposures, spans, ("at",)).select(
        "file",
        "experiment",
        "variant",
        visitor_id=pl.concat_str(
            pl.col("random").cast(pl.String), pl.col("birth").cast(pl.String), separator="."
        ),
        exposed_at=stamp("at"),
    )
    return _files(frame, spans)


def _live_sessions(made: Operations, _: str, spans: Sequence[Span]) -> list[bytes]:
    frame = of_days(made.live_sessions(), spans).select(
        "file",
        "live_room_id",
        _instant("started").alias("started_at"),
        _instant("ended").alias("ended_at"),
        *("host", "kind", "viewers", "product_clicks", "commission_rate", "slot_fee"),
    )
    return _files(frame, spans)


def _service_health(made: Operations, _: str, spans: Sequence[Span]) -> list[bytes]:
    frame = of_days(service.service_health(made.world), spans)
    return _files(
        frame.select("file", _instant("hour").alias("hour_start"), "metric", "value"), spans
    )


WRITERS: dict[str, Writer] = {
    "inventory_snapshots": _snapshots,
    "inventory_movements": _movements,
    "purchase_orders": _purchase_orders,
    "shipments": _shipments,
    "tickets": _tickets,
    "reviews": _reviews,
    "order_costs": _order_costs,
    "settlements": _settlements,
    "platform_daily": _platform_daily,
    "coupon_redemptions": _coupons,
    "customers": _customers,
    "exposures": _exposures,
    "live_sessions": _live_sessions,
    "service_health": _service_health,
    **PLANS,
}
