"""The golden shop's deliveries: 29 order rows of three platforms, as landing would hold them.

Amounts are chosen so that every mart can be worked out on paper; README.md does so. Times are
written in the reporting zone, Asia/Shanghai, and landed in UTC.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl

from tests.golden import finance, stock
from tests.support.raw import PROJECT, run_dbt, write_raw

PRICES = {"P1": "100.00", "P2": "50.00", "P3": "30.00", "GIFT-1": "25.00", "POST": "10.00"}
SHOPS = {"T": ("tmall", "t"), "S": ("shopify", "s"), "O": ("pos", "p")}

# order, customer, placed, paid, status, region, order amount, lines "product x quantity"
ORDERS = """
T1   A 2025-11-09 10:00 | 2025-11-09 10:05 | completed    | 浙江省 | 100.00 | P1x1
S1   B 2025-11-09 11:00 | 2025-11-09 11:00 | completed    |       |  50.00 | P2x1
T2   C 2025-11-12 12:00 | 2025-11-12 12:01 | completed    | 江苏省 |  60.00 | P3x2
T7   A 2026-10-25 20:00 | 2026-11-11 10:00 | paid         | 浙江省 | 200.00 | P1x2
T8   I 2026-10-25 21:00 |                  | deposit_paid | 浙江省 | 100.00 | P1x1
T3   A 2026-11-09 09:00 | 2026-11-09 09:00 | paid         | 浙江省 | 100.00 | P1x1
T4   D 2026-11-09 09:30 | 2026-11-09 09:31 | paid         | 江苏省 | 120.00 | P1x1 P2x1
T5   D 2026-11-09 10:00 | 2026-11-09 10:00 | shipped      | 江苏省 |  30.00 | P3x1
S2   E 2026-11-09 10:00 | 2026-11-09 10:00 | paid         |       | 100.00 | P1x1
S3   E 2026-11-09 11:00 | 2026-11-09 11:00 | paid         |       |  50.00 | P2x1
S4   - 2026-11-09 12:00 | 2026-11-09 12:00 | paid         |       |  30.00 | P3x1
S5   H 2026-11-10 12:00 |                  | unpaid       |       | 100.00 | P1x1
O1   F 2026-11-10 13:00 | 2026-11-10 13:00 | completed    |       | 100.00 | P1x1
O2   - 2026-11-10 14:00 | 2026-11-10 14:00 | completed    |       |  50.00 | P2x1
S6   B 2026-11-10 15:00 | 2026-11-10 15:00 | paid         |       |  50.00 | P2x1 GIFT-1x1
T6   G 2026-11-10 23:58 | 2026-11-11 00:03 | paid         | 浙江省 |  60.00 | P3x2
T9   J 2026-11-11 12:00 | 2026-11-11 12:00 | refunded     | 浙江省 | 100.00 | P1x1
S7   K 2026-11-11 16:00 | 2026-11-11 16:00 | paid         |       |  80.00 | P2x1 P3x1
S8   E 2026-11-11 16:30 | 2026-11-11 16:30 | paid         |       |  90.00 | P3x3
T10  M 2026-11-11 18:00 |                  | closed       | 浙江省 | 500.00 | P1x5
O3   F 2026-11-12 10:00 | 2026-11-12 10:00 | completed    |       |  20.00 | P3x1
T11  L 2026-11-12 11:00 | 2026-11-12 11:01 | paid         | 江苏省 |   0.00 | GIFT-1x1
T12  D 2026-11-13 08:00 | 2026-11-13 08:00 | paid         | 江苏省 |        | P1x1 POSTx1
O4   - 2026-11-13 09:00 | 2026-11-13 09:00 | completed    |       |  50.00 | P2x1
T13a A 2026-11-13 09:10 | 2026-11-13 09:12 | paid         | 浙江省 |  50.00 | P2x1
T13b A 2026-11-13 09:10 | 2026-11-13 09:12 | paid         | 浙江省 |  30.00 | P3x1
O5   F 2026-11-13 09:30 | 2026-11-13 09:30 | completed    |       | 100.00 | P1x1
S9   K 2026-11-13 10:00 | 2026-11-13 10:00 | paid         |       | 100.00 | P1x1
O6   F 2026-11-13 19:00 | 2026-11-13 19:00 | completed    |       | 100.00 | P1x1
"""
REFUNDS = """
R1 T9 2026-11-12 09:00 100.00 succeeded
R2 S7 2026-11-13 11:00  30.00 succeeded
R3 T1 2026-11-13 12:00  40.00 succeeded
R4 S2 2026-11-10 12:00 100.00 rejected
R5 T8 2026-11-12 12:00  20.00 succeeded
"""
# visitor, customer, begin, source/medium, device, region, order bought ten minutes later
SESSIONS = """
v9 - 2025-11-09 10:50 google/cpc            desktop 上海市 S1
v8 - 2025-11-09 15:00 (direct)/(none)       mobile  上海市 -
v1 E 2026-11-09 09:50 newsletter/email      mobile  上海市 S2
v2 E 2026-11-09 10:50 (direct)/(none)       desktop 上海市 S3
v3 - 2026-11-09 12:30 google/organic        mobile  北京市 -
v1 E 2026-11-10 14:40 tiktok/social         mobile  上海市 -
v4 - 2026-11-10 14:50 (direct)/(none)       desktop 广东省 S6
v4 - 2026-11-10 23:55 newsletter/email      desktop 广东省 -
v5 - 2026-11-11 15:50 facebook/paid_social  mobile  广东省 S7
v1 E 2026-11-11 16:20 newsletter/email      mobile  上海市 S8
v6 - 2026-11-11 20:00 (direct)/(none)       mobile  北京市 -
v3 - 2026-11-12 10:00 google/organic        mobile  北京市 -
v7 - 2026-11-12 11:00 partner.example/referral desktop 上海市 -
v0 - 2026-11-12 12:00 (direct)/(none)       mobile  北京市 -
v1 E 2026-11-13 09:00 newsletter/email      mobile  上海市 -
v5 - 2026-11-13 09:50 (direct)/(none)       mobile  广东省 S9
-  - 2026-11-13 12:00 (direct)/(none)       mobile  广东省 -
"""
TRAFFIC = """
2025-11-09 shop all 40
2025-11-12 shop all 20
2026-11-07 shop all 30
2026-11-09 shop all 50
2026-11-09 traffic_source 手淘搜索 35
2026-11-09 traffic_source 直通车 28
2026-11-10 shop all 30
2026-11-12 shop all 25
2026-11-13 shop all 45
"""


# parcel, order, carrier, region, left, promised, came, cost
PARCELS = """
1 S2 post 上海市 2026-11-09 20:00 | 2026-11-11 20:00 | 2026-11-11 08:00 | 8.00
2 S3 post 上海市 2026-11-10 21:00 | 2026-11-12 21:00 | 2026-11-13 09:00 | 8.00
3 S6 bike -      2026-11-11 15:00 | 2026-11-12 15:00 | 2026-11-12 03:00 | 5.00
4 S6 bike -      2026-11-12 15:00 | 2026-11-13 15:00 |                  |
"""
# ticket, order, opened, answered, solved, satisfaction
TICKETS = """
K1 T3 2026-11-10 10:00 | 2026-11-10 10:30 | 2026-11-10 12:30 | 4
K2 S2 2026-11-10 09:00 |                  |                  |
K3 -  2026-11-12 09:00 | 2026-11-12 10:00 |                  | 2
"""
# review, order, product, stars, given
REVIEWS = """
V1 T3 P1 5 2026-11-12 10:00
V2 S2 P1 1 2026-11-12 11:00
V3 T4 P2 2 2026-11-13 10:00
"""
# live session, begin, minutes, viewers, clicks
ROOMS = """
L1 2026-11-11 16:00 60 300 60
L2 2026-11-12 20:00 30 -   -
"""
# experiment, visitor, variant, seen
EXPOSURES = """
e1 v9 a 2025-11-09 10:55
e1 v8 b 2025-11-09 15:05
e2 v1 a 2026-11-11 16:25
e2 v4 a 2026-11-10 14:55
e2 v4 b 2026-11-10 23:56
"""
# orders sent to one house
HOUSE = ("S2", "S6", "S7", "S8")


def _utc(text: str) -> datetime | None:
    text = text.strip()
    return datetime.fromisoformat(text) - timedelta(hours=8) if text else None


def _value(text: str) -> str | None:
    return None if text.strip() in ("", "-") else text.strip()


def _order_cells(line: str) -> tuple[list[str], list[str]]:
    head, *rest = (cell.strip() for cell in line.split("|"))
    return head.split(maxsplit=2), rest


def orders() -> pl.DataFrame:
    """Rows of `raw.orders`."""
    rows = []
    for line in ORDERS.strip().splitlines():
        (order, customer, placed), (paid, status, region, amount, _) = _order_cells(line)
        platform, shop = SHOPS[order[0]]
        rows.append(
            {
                "source": platform,
                "order_id": order,
                "parent_order_id": "T13" if order.startswith("T13") else None,
                "platform": platform,
                "shop_id": shop,
                "customer_key": _value(customer),
                "ordered_at": _utc(placed),
                "paid_at": _utc(paid),
                "status": status,
                "currency": "CNY",
                "order_amount": Decimal(amount) if amount else None,
                "device": "mobile" if platform == "tmall" else None,
                "region": _value(region),
                "is_presale": order in ("T7", "T8"),
                "address_key": "house" if order in HOUSE else None,
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def order_items() -> pl.DataFrame:
    """Rows of `raw.order_items`; order O3 has its discount on the line."""
    rows = []
    for line in ORDERS.strip().splitlines():
        (order, _, _), (*_, lines) = _order_cells(line)
        for number, item in enumerate(lines.split(), start=1):
            product, quantity = item.rsplit("x", 1)
            rows.append(
                {
                    "source": SHOPS[order[0]][0],
                    "order_id": order,
                    "line_number": number,
                    "product_id": product,
                    "quantity": int(quantity),
                    "unit_price": Decimal(PRICES[product]),
                    "discount_amount": Decimal("10.00") if order == "O3" else None,
                    "is_gift": product.startswith("GIFT-"),
                    "is_goods": product != "POST",
                }
            )
    return pl.DataFrame(rows, infer_schema_length=None)


def refunds() -> pl.DataFrame:
    """Rows of `raw.refunds`."""
    rows = []
    for line in REFUNDS.strip().splitlines():
        refund, order, day, time, amount, status = line.split()
        rows.append(
            {
                "source": SHOPS[order[0]][0],
                "refund_id": refund,
                "order_id": order,
                "refunded_at": _utc(f"{day} {time}"),
                "amount": Decimal(amount),
                "kind": "return",
                "status": status,
            }
        )
    return pl.DataFrame(rows)


def events() -> pl.DataFrame:
    """Rows of `raw.events`: each session a page and, ten minutes later, a purchase or a page."""
    rows = []
    for number, line in enumerate(SESSIONS.strip().splitlines()):
        visitor, customer, day, time, utm, device, region, order = line.split()
        begin = _utc(f"{day} {time}")
        assert begin is not None
        for step in (0, 1):
            bought = _value(order) if step else None
            rows.append(
                {
                    "source": "shopify",
                    "event_id": f"e{number}-{step}",
                    "occurred_at": begin + timedelta(minutes=10 * step, seconds=5 * step),
                    "event_type": "purchase" if bought else "home",
                    "platform": "shopify",
                    "shop_id": "s",
                    "visitor_key": _value(visitor),
                    "customer_key": _value(customer),
                    "order_id": bought,
                    "live_room_id": "L1" if bought == "S8" else None,
                    "utm_source": utm.split("/")[0],
                    "utm_medium": utm.split("/")[1],
                    "device": device,
                    "region": region,
                }
            )
    return pl.DataFrame([*rows, *stock.views()], infer_schema_length=None)


def traffic_daily() -> pl.DataFrame:
    """Rows of `raw.traffic_daily`: totals of the marketplace and, overlapping, of two sources."""
    rows = []
    for line in TRAFFIC.strip().splitlines():
        day, grain, segment, visitors = line.split()
        rows.append(
            {
                "source": "tmall",
                "traffic_date": date.fromisoformat(day),
                "platform": "tmall",
                "shop_id": "t",
                "grain": grain,
                "segment": segment,
                "visitors": int(visitors),
            }
        )
    return pl.DataFrame(rows)


def shipments() -> pl.DataFrame:
    """Rows of `raw.shipments`; the site alone tells of parcels."""
    rows = []
    for line in PARCELS.strip().splitlines():
        head, promised, came, cost = (cell.strip() for cell in line.split("|"))
        parcel, order, carrier, region, left = head.split(maxsplit=4)
        rows.append(
            {
                "source": SHOPS[order[0]][0],
                "shipment_id": parcel,
                "order_id": order,
                "carrier": carrier,
                "region": _value(region),
                "shipped_at": _utc(left),
                "promised_at": _utc(promised),
                "delivered_at": _utc(came),
                "cost": Decimal(cost) if cost else None,
                "currency": "CNY",
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def tickets() -> pl.DataFrame:
    """Rows of `raw.tickets`; one of the marketplace names no order."""
    rows = []
    for line in TICKETS.strip().splitlines():
        head, answered, solved, csat = (cell.strip() for cell in line.split("|"))
        ticket, order, opened = head.split(maxsplit=2)
        rows.append(
            {
                "source": "shopify" if order.startswith("S") else "tmall",
                "ticket_id": ticket,
                "order_id": _value(order),
                "opened_at": _utc(opened),
                "first_response_at": _utc(answered),
                "resolved_at": _utc(solved),
                "kind": "quality",
                "csat": float(csat) if csat else None,
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def reviews() -> pl.DataFrame:
    """Rows of `raw.reviews`."""
    rows = []
    for line in REVIEWS.strip().splitlines():
        review, order, product, stars, given = line.split(maxsplit=4)
        rows.append(
            {
                "source": SHOPS[order[0]][0],
                "review_id": review,
                "order_id": order,
                "product_id": product,
                "rating": float(stars),
                "reviewed_at": _utc(given),
            }
        )
    return pl.DataFrame(rows)


def live_sessions() -> pl.DataFrame:
    """Rows of `raw.live_sessions`, the site's own."""
    rows = []
    for line in ROOMS.strip().splitlines():
        room, day, time, minutes, viewers, clicks = line.split()
        begin = _utc(f"{day} {time}")
        assert begin is not None
        rows.append(
            {
                "source": "shopify",
                "live_room_id": room,
                "platform": "shopify",
                "shop_id": "s",
                "started_at": begin,
                "ended_at": begin + timedelta(minutes=int(minutes)),
                "kind": "own",
                "currency": "CNY",
                "viewers": None if viewers == "-" else int(viewers),
                "product_clicks": None if clicks == "-" else int(clicks),
            }
        )
    return pl.DataFrame(rows)


def exposures() -> pl.DataFrame:
    """Rows of `raw.exposures`."""
    rows = []
    for line in EXPOSURES.strip().splitlines():
        experiment, visitor, variant, seen = line.split(maxsplit=3)
        rows.append(
            {
                "source": "shopify",
                "experiment": experiment,
                "visitor_key": visitor,
                "variant": variant,
                "exposed_at": _utc(seen),
            }
        )
    return pl.DataFrame(rows)


def deliveries() -> dict[str, pl.DataFrame]:
    """All feeds of the golden shop."""
    return {
        "orders": orders(),
        "order_items": order_items(),
        "refunds": refunds(),
        "events": events(),
        "traffic_daily": traffic_daily(),
        "shipments": shipments(),
        "tickets": tickets(),
        "reviews": reviews(),
        "live_sessions": live_sessions(),
        "exposures": exposures(),
        "products": stock.products(),
        "inventory_snapshots": stock.snapshots(),
        "inventory_movements": stock.movements(),
        "purchase_orders": stock.purchase_orders(),
        "order_costs": finance.order_costs(),
        "targets": finance.targets(),
    }


def build(folder: Path) -> Path:
    """Build file with every table of the golden shop, all dbt tests passed."""
    file = folder / "working.duckdb"
    write_raw(file, deliveries(), closed=finance.CLOSED)
    run_dbt(PROJECT, file, "build", "--full-refresh", vars={"cost_rates": finance.RATES})
    return file
