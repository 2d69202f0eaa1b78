"""Instants that are ambiguous, impossible, swapped, or in the future."""

from datetime import date, datetime
from decimal import Decimal

import polars as pl
import pytest

from ingestion.errors import MappingError
from ingestion.landing.reconcile import landed_totals
from tests.support.exports import HEADER, ORDERS, Shop, one_bad_row, order, orders, refused

NEW_YORK = {"timezone": "America/New_York"}


def placed(shop: Shop, *cells: str) -> list[datetime]:
    rows = "".join(order(n, at=cell, paid="") for n, cell in enumerate(cells, start=1))
    return shop.rows(shop.land(HEADER + rows))["ordered_at"].to_list()


def test_local_times_before_and_after_a_clock_change(shop: Shop) -> None:
    shop.source = NEW_YORK
    assert placed(shop, "2026-03-08 01:59:59", "2026-03-08 03:00:00") == [
        datetime(2026, 3, 8, 6, 59, 59),
        datetime(2026, 3, 8, 7, 0, 0),
    ]


@pytest.mark.parametrize("at", ["2026-03-08 02:00:00", "2026-03-08 02:30:00"])
def test_a_local_time_that_never_was_is_set_aside(shop: Shop, at: str) -> None:
    shop.source = NEW_YORK
    told = one_bad_row(shop, order(10, at=at, paid=""), "not_readable")
    assert "a clock change skipped" in told


def test_a_local_time_that_was_twice_is_the_earlier(shop: Shop) -> None:
    shop.source = NEW_YORK
    assert placed(shop, "2026-11-01 01:30:00") == [datetime(2026, 11, 1, 5, 30)]


def test_two_instants_of_one_local_time_stay_two_where_the_offset_is_given(shop: Shop) -> None:
    shop.source = NEW_YORK
    shop.form = {**ORDERS, "datetimes": ["%Y-%m-%d %H:%M:%S %z"]}
    assert placed(shop, "2026-11-01 01:30:00 -0400", "2026-11-01 01:30:00 -0500") == [
        datetime(2026, 11, 1, 5, 30),
        datetime(2026, 11, 1, 6, 30),
    ]


def test_the_reporting_zone_says_which_day_a_payment_belongs_to(shop: Shop) -> None:
    shop.form = {**ORDERS, "zone": "UTC"}
    rows = order(1, "1.00", at="2026-01-01 15:59:59") + order(2, "2.00", at="2026-01-01 16:00:00")
    landed = shop.land(HEADER + rows)
    totals = landed_totals(shop.root / "landing", [landed.batch_id], "Asia/Shanghai")
    assert totals.select("business_date", "landed_amount").rows() == [
        (date(2026, 1, 1), Decimal("1.00")),
        (date(2026, 1, 2), Decimal("2.00")),
    ]


@pytest.mark.parametrize(
    "at",
    [
        *("45413.5", "1777600000"),  # a spreadsheet's day number, seconds since 1970
        *("2026-02-29 10:00:00", "2026-02-30 10:00:00", "2026-05-01 24:00:00"),
        *("2026-05-01 10:61:00", "2026-05-01", "2026-5-1 下午3:00", "01/05/2026", "yesterday"),
        *("0000-00-00 00:00:00", "9999-12-31 00:00:00", "0001-01-01 00:00:00"),
        *("1066-10-14 09:00:00", "null"),
    ],
)
def test_what_is_no_instant_of_this_format_is_set_aside(shop: Shop, at: str) -> None:
    landed = shop.land(HEADER + orders(9) + order(10, at=at, paid=""))
    assert (landed.rows_landed, landed.rows_quarantined) == (9, 1)
    assert shop.quarantined(landed)["column"].str.starts_with("ordered_at").all()


@pytest.mark.parametrize(
    ("unit", "cell"),
    [
        ("epoch_s", "1777600000000"),  # milliseconds
        ("epoch_ms", "1777600000"),  # seconds: January 1970
        ("epoch_s", "18446745851309"),  # times a million it is past the end of 64 bits, 2026 again
        ("epoch_s", "-1"),
        ("epoch_s", "1777600000.5.1"),
    ],
)
def test_an_epoch_in_another_unit_is_set_aside(shop: Shop, unit: str, cell: str) -> None:
    shop.form = {**ORDERS, "datetimes": [unit]}
    factor = {"epoch_s": 1, "epoch_ms": 1000}[unit]
    good = "".join(order(n, at=str((1777600000 + n) * factor), paid="") for n in range(9))
    landed = shop.land(HEADER + good + order(10, at=cell, paid=""))
    assert (landed.rows_landed, landed.rows_quarantined) == (9, 1)


# day and month ---------------------------------------------------------------------------------

DAYS_FIRST = {**ORDERS, "datetimes": ["%d/%m/%Y %H:%M"]}


def test_the_declared_pattern_alone_says_what_3_4_means(shop: Shop) -> None:
    shop.form = DAYS_FIRST
    assert placed(shop, "03/04/2026 09:00", "13/04/2026 09:00") == [
        datetime(2026, 4, 3, 1, 0),
        datetime(2026, 4, 13, 1, 0),
    ]


def test_patterns_that_would_guess_day_and_month_are_refused(shop: Shop) -> None:
    shop.form = {**ORDERS, "datetimes": ["%d/%m/%Y", "%m/%d/%Y %H:%M"]}
    with pytest.raises(MappingError, match="would be guessed"):
        shop.land(HEADER)
    shop.form = {**ORDERS, "datetimes": ["%d/%m/%Y", "%d/%m/%Y %H:%M", "%Y-%m-%d"]}
    assert shop.land(HEADER).rows_read == 0


def test_a_month_beyond_twelve_is_set_aside(shop: Shop) -> None:
    shop.form = DAYS_FIRST
    good = "".join(order(n, at=f"{n:02d}/04/2026 09:00", paid="") for n in range(1, 10))
    one_bad_row(shop, order(10, at="04/13/2026 09:00", paid=""), "not_readable", good=good)


def test_a_month_of_exports_with_day_and_month_swapped_is_refused(shop: Shop) -> None:
    shop.form = DAYS_FIRST
    rows = "".join(order(n, at=f"04/{n:02d}/2026 09:00", paid="") for n in range(1, 31))
    assert "18 of 30 rows are bad" in refused(shop, HEADER + rows)


def test_swapped_days_that_fit_fall_behind_the_export_and_are_set_aside(shop: Shop) -> None:
    # 1 to 9 May, written month first and read day first: 5 January to 5 September. What had not
    # happened when the file was exported cannot be right.
    shop.form = {**DAYS_FIRST, "exported_at": {"file_name": r"_(\d{14})"}}
    shop.settings = {"max_bad_share": 1.0}
    rows = "".join(order(n, at=f"05/{n:02d}/2026 09:00", paid="") for n in range(1, 10))
    landed = shop.land(HEADER + rows, "orders_20260510020000.csv")
    assert (landed.rows_landed, landed.rows_quarantined) == (5, 4)
    assert set(shop.quarantined(landed)["reason"]) == {"after_export"}
    assert "lies after the export of its file" in landed.issues[0]
    shop.settings = {}
    shop.root = shop.root / "again"
    refused(shop, HEADER + rows, "orders_20260510020000.csv")


def test_a_clock_that_is_hours_ahead_is_no_fault(shop: Shop) -> None:
    shop.form = {**ORDERS, "exported_at": {"file_name": r"_(\d{14})"}}
    rows = order(1, at="2026-05-10 23:00:00") + order(2, at="2026-05-11 01:59:59")
    assert shop.land(HEADER + rows, "orders_20260510020000.csv").rows_landed == 2


def test_a_payment_after_the_export_sets_its_row_aside(shop: Shop) -> None:
    shop.form = {**ORDERS, "exported_at": {"file_name": r"_(\d{14})"}}
    good = "".join(order(n, at="2026-05-01 10:00:00") for n in range(9))
    landed = shop.land(
        HEADER + good + order(10, paid="2027-05-01 10:00:00"), "orders_20260510020000.csv"
    )
    assert shop.quarantined(landed).select("column", "reason").rows() == [
        ("paid_at", "after_export")
    ]


def test_a_row_without_instant_keeps_its_other_instants(shop: Shop) -> None:
    rows = shop.rows(shop.land(HEADER + order(1, paid="")))
    assert rows.select(pl.col("paid_at").is_null(), pl.col("ordered_at").is_null()).row(0) == (
        True,
        False,
    )
