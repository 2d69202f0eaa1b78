"""Lines, refunds, spend and purchases are recounted from the landed files, as paid amounts are."""

from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from orchestration.build.audit import Recounted, _own_checks, reconciliation
from orchestration.ledger.state import State
from tests.support.landed import built
from tests.support.raw import read

SHOP = """
shop: {name: S, currency: EUR, timezone: Europe/Berlin}
sources:
  site:
    platform: site
    shop_id: site
    timezone: Europe/Berlin
    currency: EUR
    files:
      - {path: "site/orders.csv", format: plain_orders, daily: false}
      - {path: "site/lines_*.csv", format: plain_order_items, daily: false}
      - {path: "site/refunds.csv", format: plain_refunds, daily: false}
      - {path: "site/events_*.csv", format: plain_events, daily: false}
      - {path: "site/spend.csv", format: plain_campaign_spend, daily: false}
      - {path: "site/rates.csv", format: plain_fx_rates, daily: false}
"""
EVENTS = "event_id,visitor_id,occurred_at,event_type,order_id\n"
FILES = {
    # 1 of 30.00 EUR; 2 of 100 USD at .90, all of it paid an hour before midnight; 3 waits
    "site/orders.csv": "order_id,ordered_at,paid_at,status,order_amount,currency\n"
    "1,2026-04-06 09:05:00,2026-04-06 09:05:00,completed,30,EUR\n"
    "2,2026-04-06 23:00:00,2026-04-06 23:00:00,completed,100,USD\n"
    "3,2026-04-07 11:05:00,,unpaid,70,EUR\n",
    "site/rates.csv": "currency,rate_date,rate\nUSD,2026-04-03,0.90\nUSD,2026-04-08,0.80\n",
    "site/lines_20260409020000.csv": "order_id,product_id,quantity,unit_price\n"
    "1,CUP,1,20\n1,BOWL,1,10\n2,CUP,4,25\n3,CUP,1,70\n8,CUP,2,4.50\n",
    # of 1: 5.00; of 2: 10 USD at the .80 of their day and 10 USD at the .90 of before; 2.00 of an
    # order that waits; not: asked for only, of no order
    "site/refunds.csv": "refund_id,order_id,refunded_at,amount,kind,status\n"
    "r1,1,2026-04-07 09:00:00,5,refund_only,succeeded\n"
    "r2,2,2026-04-09 09:00:00,10,refund_only,succeeded\n"
    "r3,2,2026-04-07 09:00:00,10,refund_only,succeeded\n"
    "r4,1,2026-04-07 09:00:00,1,refund_only,requested\n"
    "r5,3,2026-04-07 09:00:00,2,refund_only,succeeded\n"
    "r6,9,2026-04-07 09:00:00,3,refund_only,succeeded\n",
    # e2 is said again, e4 is nobody's; the second export makes e5 a view and e6 a purchase
    "site/events_20260407020000.csv": EVENTS + "e1,v1,2026-04-06 09:05:00,purchase,1\n"
    "e2,v1,2026-04-06 09:15:00,purchase,1\n"
    "e3,v2,2026-04-06 23:30:00,purchase,2\n"
    "e4,,2026-04-06 10:00:00,purchase,5\n"
    "e5,v3,2026-04-06 10:00:00,purchase,6\n"
    "e6,v3,2026-04-06 10:00:00,home,\n",
    "site/events_20260408020000.csv": EVENTS + "e5,v3,2026-04-06 10:00:00,home,\n"
    "e6,v3,2026-04-06 10:00:00,purchase,7\n",
    "site/spend.csv": "spend_date,campaign,cost_kind,cost\n2026-04-06,brand,click,60\n"
    "2026-04-06,mystery,click,15.50\n2026-04-08,brand,click,2\n",
}
DAY, NEXT, LATER, LAST = (date(2026, 4, day) for day in (6, 7, 8, 9))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("reconciled"), SHOP, FILES)


def reconciled(file: Path, of: Path | None = None, known: Recounted | None = None) -> pl.DataFrame:
    """The table of a build file; what landed is that of the folder of `of`."""
    data = (of or file).parent.parent
    batches = [f["batch_id"] for f in State(data / "state").files()]
    return reconciliation(
        lambda sql: read(file, sql), data / "landing", batches, "Europe/Berlin", "EUR", known
    )


def test_every_measure_is_recounted_from_the_files(file: Path) -> None:
    found = reconciled(file).select(
        "measure", "business_date", "source", "landed_amount", "landed_rows", "mart_amount",
        "mart_rows", "difference", "row_difference",
    )  # fmt: skip
    zero, euro = Decimal("0.00"), Decimal
    assert found.sort("measure", "business_date").rows() == [
        ("lines", DAY, "site", euro("120.00"), 3, euro("120.00"), 3, zero, 0),
        ("paid", DAY, "site", euro("120.00"), 2, euro("120.00"), 2, zero, 0),
        ("purchases", DAY, "site", None, 4, None, 4, None, 0),
        ("refunds", NEXT, "site", euro("16.00"), 3, euro("16.00"), 3, zero, 0),
        ("refunds", LAST, "site", euro("8.00"), 1, euro("8.00"), 1, zero, 0),
        ("spend", DAY, "site", euro("75.50"), 2, euro("75.50"), None, zero, None),
        ("spend", LATER, "site", euro("2.00"), 1, euro("2.00"), None, zero, None),
    ]


@pytest.mark.parametrize(
    ("measure", "slip", "told"),
    [
        ("lines", "delete from marts.fct_order_items where product_id = 'BOWL'", ("-10.00", -1)),
        ("refunds", "delete from marts.fct_refunds where refund_id = 'r1'", ("-5.00", -1)),
        ("spend", "delete from marts.fct_channel_daily where cost = 2", ("-2.00", None)),
        ("purchases", "delete from staging.stg_raw__events where event_id = 'e3'", (None, -1)),
    ],
)  # fmt: skip
def test_a_slip_of_any_measure_blocks_the_run(
    file: Path, tmp_path: Path, measure: str, slip: str, told: tuple[str | None, int | None]
) -> None:
    broken = Path(shutil.copy(file, tmp_path))
    with duckdb.connect(broken) as con:
        con.execute(slip)
    totals = reconciled(broken, file)
    wrong = totals.filter((pl.col("difference") != 0) | (pl.col("row_difference") != 0))
    amount = None if told[0] is None else Decimal(told[0])
    assert wrong.select("measure", "difference", "row_difference").rows() == [
        (measure, amount, told[1])
    ]
    ledger = pl.DataFrame(schema={
        "source_file": pl.String, "status": pl.String, "rows_read": pl.Int64,
        "rows_landed": pl.Int64, "rows_quarantined": pl.Int64, "rows_duplicate": pl.Int64,
        "rows_excluded": pl.Int64,
    })  # fmt: skip
    check = next(iter(_own_checks(ledger, totals)))
    assert check[:1] + check[3:6] == ("landed_equals_marts", "error", "failed", "1")


def test_purchases_of_batches_before_need_not_be_counted_again(file: Path) -> None:
    """Of the day 4 in all, 1 of them in the second export alone; of another day 2 were known."""
    landed = State(file.parent.parent / "state").files()
    [second] = [f["batch_id"] for f in landed if "events_20260408" in f["source_file"]]
    purchases = pl.DataFrame(
        {"business_date": [DAY, NEXT], "source": "site", "landed_rows": [3, 2]}
    )
    found = reconciled(file, known=Recounted(purchases, [second]))
    whole = reconciled(file)
    is_of_next = (pl.col("measure") == "purchases") & (pl.col("business_date") == NEXT)
    assert found.filter(~is_of_next).equals(whole)
    assert found.filter(is_of_next).select("landed_rows", "mart_rows", "row_difference").rows() == [
        (2, 0, -2)
    ]
