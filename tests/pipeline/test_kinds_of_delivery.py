"""Late, repeated, corrected, moved and withdrawn rows, from files to marts, worked out by hand.

The first build knows two exports; the second adds all that comes later to it. Shipments, a feed no
table is made of yet, are judged by the day like any other that is delivered daily.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.build.raw import create_raw
from orchestration.ledger.manifests import missing_files
from tests.support.delivered import Home
from tests.support.exports import LINES, LINES_HEADER
from tests.support.raw import PROJECT, read, run_dbt

AS_OF = date(2026, 5, 3)
FIRST = AS_OF - timedelta(days=35)
STAMP = {"file_name": r"_(\d{14})"}
TABLES = ("fct_orders", "fct_order_items", "fct_gmv_daily", "fct_channel_daily",
          "source_watermarks")  # fmt: skip
SHIPMENTS: dict[str, Any] = {
    "exported_at": STAMP,
    "feeds": {"shipments": {
        "columns": {"shipment_id": "id", "order_id": "order", "shipped_at": "at"},
        "constants": {"carrier": "fast"}}},
}  # fmt: skip
TRAFFIC: dict[str, Any] = {
    "exported_at": STAMP,
    "feeds": {"traffic_daily": {
        "columns": {"traffic_date": "day", "segment": "source", "visitors": "visitors"},
        "constants": {"grain": "traffic_source"}}},
}  # fmt: skip
SOURCES = {
    "shop": {
        "files": [
            {"path": "shop/orders*.csv", "format": {**LINES, "exported_at": STAMP}},
            {"path": "shop/shipments*.csv", "format": SHIPMENTS, "daily": True},
            {"path": "shop/traffic*.csv", "format": TRAFFIC, "delivery": "snapshot:traffic_date"},
        ]
    }
}


def orders(*rows: tuple[int, str, str]) -> str:
    """Orders of one line: number, local time in May 2026, amount."""
    return LINES_HEADER + "".join(
        f"{number},P1,1,{amount},2026-05-{at}:00,{amount}\n" for number, at, amount in rows
    )


def days() -> list[date]:
    return [FIRST + timedelta(days=number) for number in range((AS_OF - FIRST).days + 1)]


def shipments(*late: str) -> str:
    """Six a day, none on 2 May."""
    rows = [
        f"{day:%m%d}-{number},{number},{day} 1{number}:00:00\n"
        for day in days()
        for number in range(6)
        if day != date(2026, 5, 2)
    ]
    return "id,order,at\n" + "".join([*rows, *late])


def traffic(*rows: str) -> str:
    return "day,source,visitors\n" + "".join(f"{row}\n" for row in rows)


def build(home: Home) -> Path:
    """Land what has come and build; adds to what an earlier call built."""
    home.land()
    file = home.root / "data/build/working.duckdb"
    ledger = home.state.files()
    missing = missing_files(home.settings, home.state, ledger)
    with duckdb.connect(file) as con:
        landing = home.settings.paths.landing
        create_raw(con, landing, ledger, home.settings.sources, AS_OF, missing)
    selected = [f"+{table}" for table in TABLES]
    run_dbt(PROJECT, file, "build", "--select", *selected, "--exclude-resource-type", "test",
            "unit_test")  # fmt: skip
    return file


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = Home(tmp_path_factory.mktemp("kinds") / "home", SOURCES)
    put: Callable[[str, str], Path] = home.put
    first = orders((1, "01 10:00", "100.00"), (2, "01 11:00", "50.00"), (3, "01 12:00", "30.00"))
    put("shop/orders_20260502020000.csv", first)
    put("shop/orders_20260503020000.csv", orders((4, "02 09:00", "20.00")))
    put("shop/traffic_20260503020000.csv", traffic(
        *(f"{day},search,10" for day in days()[:-1]), "2026-05-01,live,5",
    ))  # fmt: skip
    put("shop/shipments_20260504020000.csv", shipments("x,9,2026-05-02 12:00:00\n"))
    file = build(home)
    assert sales(file) == [
        (date(2026, 5, 1), 3, Decimal("180.00")),
        (date(2026, 5, 2), 1, Decimal("20.00")),
    ]
    # Repeated, under another name.
    put("shop/orders_copy_20260502020000.csv", first)
    # Late: order 5 of two days before. Order 6 is of its day.
    put("shop/orders_20260504020000.csv",
        orders((5, "01 15:00", "70.00"), (6, "03 08:00", "10.00")))  # fmt: skip
    # Corrected: order 1. Moved: order 2, to the next day.
    put("shop/orders_20260505020000.csv",
        orders((1, "01 10:00", "80.00"), (2, "02 23:30", "50.00")))  # fmt: skip
    # An older export that comes after the newer ones says nothing new.
    put("shop/orders_20260501235900.csv", orders((1, "01 10:00", "999.00")))
    # Withdrawn by a newer file of the day, and (order 7) by a person.
    put("shop/traffic_20260504020000.csv", traffic("2026-05-01,search,12"))
    put("shop/orders_20260506020000.csv", orders((7, "02 10:00", "500.00")))
    home.land()
    [batch] = [f["batch_id"] for f in home.state.files() if "0506" in f["source_file"]]
    assert home.state.reject(batch)
    # Moved: the only shipment of 2 May was of the day before.
    put("shop/shipments_20260505020000.csv", "id,order,at\nx,9,2026-05-01 12:00:00\n")
    put("shop/manifest.csv", "file,first_date\norders_20260507020000.csv,2026-05-03\n")
    return build(home)


def sales(file: Path) -> list[tuple[Any, ...]]:
    return read(
        file,
        "select business_date, orders, gmv from marts.fct_gmv_daily where dimension = 'all'"
        " and gmv > 0 order by all",
    ).rows()


def test_every_order_counts_once_on_its_day_with_its_last_amount(built: Path) -> None:
    found = read(
        built, "select order_id, business_date, paid_amount from marts.fct_orders order by all"
    )
    assert found.rows() == [
        ("1", date(2026, 5, 1), Decimal("80.00")),
        ("2", date(2026, 5, 2), Decimal("50.00")),
        ("3", date(2026, 5, 1), Decimal("30.00")),
        ("4", date(2026, 5, 2), Decimal("20.00")),
        ("5", date(2026, 5, 1), Decimal("70.00")),
        ("6", date(2026, 5, 3), Decimal("10.00")),
    ]
    items = read(built, "select count(*), sum(paid_amount) from marts.fct_order_items").rows()
    assert items == [(6, Decimal("260.00"))]


def test_the_days_hold_what_their_orders_sum_to(built: Path) -> None:
    assert sales(built) == [
        (date(2026, 5, 1), 3, Decimal("180.00")),
        (date(2026, 5, 2), 2, Decimal("70.00")),
        (date(2026, 5, 3), 1, Decimal("10.00")),
    ]


def test_a_row_that_is_gone_from_a_newer_file_of_its_day_is_withdrawn(built: Path) -> None:
    rows = read(
        built,
        "select traffic_date, segment, visitors from staging.stg_raw__traffic_daily"
        " where traffic_date >= date '2026-05-01' order by all",
    ).rows()
    assert rows == [(date(2026, 5, 1), "search", 12), (date(2026, 5, 2), "search", 10)]


def test_days_of_a_feed_without_tables_are_judged_too(built: Path) -> None:
    rows = read(
        built,
        "select business_date, expected_rows, arrived_rows, reason"
        " from quality.source_completeness_daily"
        " where feed = 'shipments' and business_date >= date '2026-04-30' order by all",
    ).rows()
    assert rows == [
        (date(2026, 4, 30), 6.0, 6, "ok"),
        (date(2026, 5, 1), 6.0, 7, "ok"),
        (date(2026, 5, 2), 6.0, 0, "no_rows"),
        # The holiday goes on, and the day before had none.
        (date(2026, 5, 3), 0.0, 6, "not_expected"),
    ]


def test_watermarks_stop_before_the_gap_of_each_feed(built: Path) -> None:
    rows = read(
        built,
        "select feed, complete_until_date, lag_days, reason, last_file"
        " from quality.source_watermarks order by all",
    ).rows()
    assert rows == [
        ("all", date(2026, 5, 1), 2, "no_rows", "shop/shipments_20260505020000.csv"),
        # The announced file is one of orders and their lines: 3 May may miss some of both.
        ("order_items", date(2026, 5, 2), 1, "file_missing", "shop/orders_20260505020000.csv"),
        ("orders", date(2026, 5, 2), 1, "file_missing", "shop/orders_20260505020000.csv"),
        ("shipments", date(2026, 5, 1), 2, "no_rows", "shop/shipments_20260505020000.csv"),
        ("traffic_daily", date(2026, 5, 2), 1, "no_rows", "shop/traffic_20260504020000.csv"),
    ]
    told = read(built, "select source_file, status from raw.ingest_files where status <> 'landed'")
    assert sorted(told.rows()) == [
        ("shop/orders_20260506020000.csv", "rejected"),
        ("shop/orders_20260507020000.csv", "missing"),
    ]
