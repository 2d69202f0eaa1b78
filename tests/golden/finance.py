"""Costs, plans and a closed month of the golden shop, as landing and the state would hold them.

The site alone tells costs, and only some: the others are shares of sales, as shop.yml tells them.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl

# order, kind, day of November 2026, amount
COSTS = """
S2 payment_fee 9  2.00
S2 freight     9  8.00
S3 payment_fee 9  1.00
S3 freight     10 8.00
S7 payment_fee 11 1.60
S7 freight     11 6.00
S9 payment_fee 13 2.00
"""
RATES = [
    ["shopify", "(all)", "goods_cost", 0.4],
    ["shopify", "(all)", "platform_fee", 0.02],
    ["shopify", "(all)", "creator_commission", 0.0],
    ["shopify", "(all)", "freight_insurance", 0.0],
    ["shopify", "(all)", "advertising", 0.1],
]
# the site's November of 2025 was closed before S1's price was corrected by 5.00
CLOSED = [
    {"month_start": "2025-11-01", "platform": "shopify", "close_date": "2025-12-05",
     "gmv": "45.00", "merchant_receivable_amount": "45.00", "refunded_amount": "0.00",
     "cm1_amount": "27.00", "cm2_amount": None, "cm3_amount": None,
     "closed_refunded_amount": "0.00"}
]  # fmt: skip
# period, its first day of November 2026, platform, orders
TARGETS = """
month 1  -     68
day   11 -     10
month 1  tmall 30
"""


def order_costs() -> pl.DataFrame:
    """Rows of `raw.order_costs`, booked at noon."""
    cells = [line.split() for line in COSTS.strip().splitlines()]
    return pl.DataFrame(
        {"source": "shopify", "order_id": order, "cost_type": kind, "amount": float(amount),
         "booked_at": datetime(2026, 11, 1, 4) + timedelta(days=int(day) - 1)}
        for order, kind, day, amount in cells
    )  # fmt: skip


def targets() -> pl.DataFrame:
    """Rows of `raw.targets`, of the number of orders."""
    cells = [line.split() for line in TARGETS.strip().splitlines()]
    return pl.DataFrame(
        {"source": "erp", "period": period, "period_start": date(2026, 11, int(day)),
         "metric": "orders", "value": float(value),
         "dimension": None if platform == "-" else "platform",
         "segment": None if platform == "-" else platform}
        for period, day, platform, value in cells
    )  # fmt: skip
