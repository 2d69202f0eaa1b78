"""Damaged JSON lines and Parquet."""

import gzip
import io
from datetime import datetime
from decimal import Decimal

import polars as pl
import pytest

from tests.support.exports import Shop, refused


def event(number: int) -> str:
    return (
        f'{{"event_timestamp":"17776000{number:02d}000000","event_name":"view_item",'
        f'"user_pseudo_id":"v{number}","items":[{{"item_id":"P1"}}]}}\n'
    )


def parquet(**columns: object) -> bytes:
    content = io.BytesIO()
    pl.DataFrame(columns).write_parquet(content)
    return content.getvalue()


def orders_of(**columns: object) -> dict[str, object]:
    """A format of Parquet files of orders."""
    return {
        "read": {"kind": "parquet"},
        "zone": "UTC",
        "datetimes": ["%Y-%m-%d %H:%M:%S"],
        "feeds": {"orders": {"columns": {"order_id": "id", "ordered_at": "at", **columns},
                             "constants": {"status": "unpaid"}}},
    }  # fmt: skip


def test_a_cut_json_line_lands_the_whole_ones(shop: Shop) -> None:
    shop.form = "ga4_events_jsonl"
    text = "".join(event(n) for n in range(10))
    landed = shop.land(gzip.compress(text[:-20].encode()), "events_20260501.json.gz")
    assert (landed.rows_landed, landed.rows_quarantined) == (9, 1)
    assert shop.quarantined(landed)["reason"].to_list() == ["cut_row"]


def test_lines_that_are_no_json_are_set_aside_one_by_one(shop: Shop) -> None:
    shop.form = "ga4_events_jsonl"
    lines = [event(n) for n in range(20)]
    lines[3], lines[11], lines[17] = "hello\n", '{"event_name": oops}\n', "[1,2]\n"
    landed = shop.land("".join(lines), "events_20260501.json")
    assert (landed.rows_landed, landed.rows_quarantined) == (17, 3)
    assert shop.quarantined(landed)["row_number"].to_list() == [4, 12, 18]


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.99])
def test_a_cut_parquet_file_is_refused(shop: Shop, keep: float) -> None:
    shop.form = "ga4_events"
    data = parquet(event_timestamp=[1], event_name=["x"], user_pseudo_id=["v"])
    told = refused(shop, data[: int(len(data) * keep)] or b"PAR1", "events_202605.parquet")
    assert "is not a whole Parquet file" in told


def test_a_parquet_file_without_a_needed_column_is_refused(shop: Shop) -> None:
    shop.form = "ga4_events"
    data = parquet(event_timestamp=[1], user_pseudo_id=["v"])
    assert "`event_name` is missing" in refused(shop, data, "events_202605.parquet")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", None),
        ("null\n", "not_json"),
        ('{"event_name":"x"\n', "not_json"),
        ('{"event_timestamp":"soon","event_name":"view_item"}\n', "not_readable"),
        ('{"event_timestamp":1e3,"event_name":"view_item"}\n', None),
    ],
)
def test_an_odd_line_among_good_ones(shop: Shop, line: str, reason: str | None) -> None:
    shop.form = "ga4_events_jsonl"
    landed = shop.land("".join(event(n) for n in range(9)) + line, "events_20260501.json")
    if reason:
        assert (landed.rows_landed, landed.rows_quarantined) == (9, 1)
        assert shop.quarantined(landed)["reason"].to_list() == [reason]
    else:
        assert landed.rows_landed >= 9


def test_parquet_keeps_its_own_types(shop: Shop) -> None:
    shop.form = orders_of(order_amount="amount", is_presale="early")
    at = [datetime(2026, 5, 1, 10, 0, 0, 123456), datetime(2026, 5, 2)]
    amounts, early = [Decimal("1234567.89"), Decimal("0.10")], [True, None]
    data = parquet(id=[31356100258, 7], at=at, amount=amounts, early=early)
    rows = shop.rows(shop.land(data, "orders.parquet"))
    assert rows["order_id"].to_list() == ["31356100258", "7"]
    assert rows["ordered_at"].to_list() == at
    assert rows["order_amount"].to_list() == amounts
    assert rows["is_presale"].to_list() == early


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
def test_instants_of_parquet_in_any_unit_and_zone(shop: Shop, unit: str, zone: str | None) -> None:
    shop.form = orders_of()
    at = pl.Series([datetime(2026, 5, 1, 10)]).dt.cast_time_unit(unit)
    if zone:
        at = at.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    landed = shop.land(parquet(id=["1"], at=at), "orders.parquet")
    assert shop.rows(landed)["ordered_at"].to_list() == [datetime(2026, 5, 1, 10)]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300, -1.0, None])
def test_floats_of_parquet_that_are_no_amounts(shop: Shop, value: float | None) -> None:
    shop.form = orders_of(order_amount="amount")
    amounts = [float(n) + 0.1 for n in range(9)] + [value]
    data = parquet(id=range(10), at=["2026-05-01 10:00:00"] * 10, amount=amounts)
    landed = shop.land(data, "orders.parquet")
    found = shop.rows(landed)["order_amount"].to_list()[:3]
    assert found == [Decimal("0.10"), Decimal("1.10"), Decimal("2.10")]
    assert landed.rows_quarantined == (value is not None)
