"""The golden shop's product list, warehouse and purchases, as landing would hold them.

Warehouse `erp` is worked out on paper in README.md. Warehouse `depot` is made by chance, for a
second reckoning of the same table: counts are missing, pieces vanish, stock runs out.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random

import polars as pl

CATEGORIES = {"P1": "hats", "P2": "shoes", "P3": "shoes"}
# product, day of November 2026, count or - where none was taken
COUNTS = """
P1 8 10
P1 9 7
P1 10 -
P1 11 3
P1 12 3
P1 13 4
P3 8 2
P3 9 0
"""
# product, day, kind, pieces
MOVES = """
P1 9 sale -3
P3 9 sale -2
P1 10 sale -1
P1 11 sale -3
P1 12 return 1
P1 13 sale -4
P1 13 receipt 5
"""
VIEWS = [("v1", "P1", 52), ("v1", "P2", 53), ("v2", "P2", 112)]
_LAST, _DAYS = date(2026, 11, 13), 70


def _rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.strip().splitlines()]


def products() -> pl.DataFrame:
    """Rows of `raw.products`: without costs, so that the purchase price is the cost."""
    return pl.DataFrame(
        {"source": source, "product_id": one, "name": one, "category_1": category,
         "valid_from": date(2026, 11, 9)}
        for source in ("tmall", "shopify", "pos")
        for one, category in CATEGORIES.items()
    )  # fmt: skip


def views() -> list[dict[str, object]]:
    """Rows of `raw.events`: pages of products seen on 9 November, minutes after nine."""
    nine = datetime(2026, 11, 9, 1)
    return [
        {"source": "shopify", "event_id": f"view{n}", "event_type": "product_view",
         "occurred_at": nine + timedelta(minutes=minute), "platform": "shopify", "shop_id": "s",
         "visitor_key": visitor, "product_id": product}
        for n, (visitor, product, minute) in enumerate(VIEWS)
    ]  # fmt: skip


def snapshots() -> pl.DataFrame:
    """Rows of `raw.inventory_snapshots`."""
    paper = [
        ("erp", one, "W", date(2026, 11, int(day)), int(count))
        for one, day, count in _rows(COUNTS)
        if count != "-"
    ]
    return _frame("snapshot_date", [*paper, *_depot()[0]], "on_hand")


def movements() -> pl.DataFrame:
    """Rows of `raw.inventory_movements`, at noon."""
    paper = [
        ("erp", one, "W", datetime(2026, 11, int(day), 4), int(pieces), kind)
        for one, day, kind, pieces in _rows(MOVES)
    ]
    frame = _frame("moved_at", [*paper, *_depot()[1]], "quantity", "kind")
    return frame.with_columns(movement_id=pl.int_range(pl.len()).cast(pl.String))


def purchase_orders() -> pl.DataFrame:
    """Rows of `raw.purchase_orders`: one late line of six pieces, of which one was refused."""
    line = {"po_line": "1", "supplier_id": "S1", "ordered_at": datetime(2026, 11, 1, 2),
            "promised_at": datetime(2026, 11, 10, 2), "ordered_quantity": 6}  # fmt: skip
    came = {"received_at": datetime(2026, 11, 13, 2), "received_quantity": 6,
            "rejected_quantity": 1}  # fmt: skip
    return pl.DataFrame(
        [
            {**line, **came, "source": "erp", "po_id": "po", "product_id": "P1", "unit_cost": 40.0},
            {
                **line,
                **came,
                "source": "depot",
                "po_id": "po",
                "product_id": "P1",
                "unit_cost": 35.5,
            },
        ]
    )


def _frame(when: str, rows: list[tuple], *rest: str) -> pl.DataFrame:  # type: ignore[type-arg]
    return pl.DataFrame(rows, ["source", "product_id", "warehouse", when, *rest], orient="row")


def _depot() -> tuple[list[tuple], list[tuple]]:  # type: ignore[type-arg]
    """Counts and movements of 70 days, of three products in two places."""
    random = Random(11)
    counts, moves = [], []
    for one in ("P1", "P2", "P3"):
        for place in ("north", "south"):
            there = 30
            for back in range(_DAYS, -1, -1):
                day = _LAST - timedelta(days=back)
                noon = datetime(day.year, day.month, day.day, 4)
                sold = min(there, random.choice([0, 1, 1, 2, 4]))
                put = random.choice([0] * 12 + [1])
                came = 25 if there < 2 and random.random() < 0.3 else 0
                taken = random.choice([0] * 20 + [-1]) if there > 3 else 0
                for kind, pieces in (("sale", -sold), ("return", put), ("receipt", came),
                                     ("adjustment", taken)):  # fmt: skip
                    if pieces:
                        moves.append(("depot", one, place, noon, pieces, kind))
                there += put + came + taken - sold
                there -= there > 5 and random.random() < 0.03  # gone without a word
                if random.random() > 0.06:
                    counts.append(("depot", one, place, day, int(there)))
    return counts, moves
