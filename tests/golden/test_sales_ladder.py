"""The sales ladder of the golden shop by hand, and what a late refund moves."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.golden.shop import deliveries
from tests.support.raw import build_all, read, write_raw

REFUNDED, ORDERED = "refund_date", "order_date"

# Zero rungs are left out.
BY_HAND = {
    # T7 (200) waits for its balance, T8 (100) for ever.
    (date(2026, 10, 25), REFUNDED): {
        "placed": 300, "deposit_pending": -100, "paid_on_another_day": -200,
    },
    # S5 (100) is not paid; T6 (60) is paid three minutes after midnight.
    (date(2026, 11, 10), REFUNDED): {
        "placed": 360, "awaiting_payment": -100, "paid_on_another_day": -60, "paid": 200,
        "net": 200,
    },
    # T9 100, S7 80, S8 90, T10 500 placed; T10 closed unpaid; T6 60 and T7 200 paid.
    (date(2026, 11, 11), REFUNDED): {
        "placed": 770, "unpaid_closed": -500, "paid_on_another_day": 260, "paid": 530, "net": 530,
    },
    # By order date the refunds of T9 (100) and S7 (30) stand here.
    (date(2026, 11, 11), ORDERED): {
        "placed": 770, "unpaid_closed": -500, "paid_on_another_day": 260, "paid": 530,
        "returned": -130, "net": 400,
    },
    (date(2026, 11, 13), REFUNDED): {"placed": 530, "paid": 530, "returned": -70, "net": 460},
    (date(2025, 11, 9), ORDERED): {"placed": 150, "paid": 150, "returned": -40, "net": 110},
}  # fmt: skip


@pytest.mark.parametrize(("day", "basis"), list(BY_HAND))
def test_rungs_by_hand(golden_build: Path, day: date, basis: str) -> None:
    rows = read(
        golden_build,
        "select rung, amount from marts.fct_sales_ladder_daily"
        f" where business_date = date '{day}' and refund_basis = '{basis}'",
    )
    assert rows.height == 10
    assert {rung: float(x) for rung, x in rows.rows() if x} == BY_HAND[day, basis]


def moved(before: Path, after: Path, table: str, columns: str) -> set[tuple[object, ...]]:
    """Rows of `after` that are not in `before`; both have the same keys."""
    with duckdb.connect() as con:
        con.execute(f"attach '{before}' as old (read_only); attach '{after}' as new (read_only)")
        rows = con.execute(f"select {columns} from (from new.{table} except from old.{table})")
        return set(rows.fetchall())


def test_a_refund_forty_days_late_moves_two_days_and_nothing_else(
    golden_build: Path, tmp_path: Path
) -> None:
    """10.00 of S1 (50.00, paid search, 2025-11-09) on 2025-12-19."""
    feeds = deliveries()
    late = {
        "source": "shopify", "refund_id": "R6", "order_id": "S1", "status": "succeeded",
        "refunded_at": datetime(2025, 12, 19, 3), "amount": Decimal("10.00"), "kind": "return",
    }  # fmt: skip
    feeds["refunds"] = pl.concat([feeds["refunds"], pl.DataFrame([late])], how="diagonal_relaxed")
    file = tmp_path / "working.duckdb"
    write_raw(file, feeds)
    build_all(file)

    ordered, refunded = date(2025, 11, 9), date(2025, 12, 19)
    segments = {("all", "all"), ("platform", "shopify"), ("shop", "s"), ("channel", "paid_search"),
                ("device", "desktop"), ("region", "上海市"), ("customer_type", "new")}  # fmt: skip
    key = "business_date, dimension, segment"
    assert moved(golden_build, file, "marts.fct_gmv_daily", key) == {
        (day, *segment) for day in (ordered, refunded) for segment in segments
    }
    amounts = "business_date, gmv, net_sales, net_sales_by_order_date"
    company = moved(golden_build, file, "marts.fct_gmv_daily", f"dimension, {amounts}")
    assert {row[1:] for row in company if row[0] == "all"} == {
        (ordered, 150, 150, 100),
        (refunded, 0, -10, 0),
    }
    assert moved(
        golden_build, file, "marts.fct_sales_ladder_daily",
        "business_date, refund_basis, rung, amount",
    ) == {
        (ordered, ORDERED, "returned", -50), (ordered, ORDERED, "net", 100),
        (refunded, REFUNDED, "returned", -10), (refunded, REFUNDED, "net", -10),
    }  # fmt: skip
    credits_moved = moved(
        golden_build, file, "marts.fct_attribution_daily",
        "business_date, channel, credited_orders, credited_revenue",
    )  # fmt: skip
    assert credits_moved == {(refunded, "paid_search", 0.0, -10.0)}
    lifetime = read(
        file,
        "select refund_basis, sum(amount) from marts.fct_sales_ladder_daily"
        " where rung = 'net' group by all",
    )
    assert {float(total) for _, total in lifetime.rows()} == {1740.0}
