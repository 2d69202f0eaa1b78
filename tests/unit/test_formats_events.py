"""Web events; expected rows are worked out by hand."""

import gzip
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ingestion.rows.pseudonymise import pseudonyms
from tests.support.exports import KEY, Shop
from tests.support.samples import land_sample, rows, sample

CONTENT = ("occurred_at", "event_type", "product_id", "order_id", "utm_source", "utm_medium",
           "utm_campaign", "referrer", "device", "region")  # fmt: skip


def visitor(name: str) -> str:
    return str(pseudonyms(pl.Series([name]), KEY, "visitor_id\x1fshop")[0])


@pytest.mark.parametrize("form", ["ga4_events", "ga4_events_jsonl"])
def test_ga4_events(tmp_path: Path, form: str) -> None:
    home, landed = land_sample(tmp_path, form)
    assert (landed.rows_read, landed.rows_landed, landed.unknown_columns) == (5, 5, ())
    at = [datetime(2026, 5, 1, 1, 46, 40 + second) for second in range(5)]
    assert rows(home, landed, "events", *CONTENT) == [
        (at[0].replace(microsecond=1), "home", None, None, "newsletter", "email", "may", None,
         "mobile", "Zhejiang"),
        # A click id and no tags: an advertisement of Google's.
        (at[1], "home", None, None, "google", "cpc", None, "https://search.example/", "desktop",
         None),
        # The first of two items.
        (at[2], "product_view", "P1", None, None, None, None, None, "desktop", None),
        (at[3], "purchase", "P1", "100123", None, None, None, None, "desktop", None),
        (at[4], "other", None, None, None, None, None, None, "mobile", "Zhejiang"),
    ]  # fmt: skip
    found = home.rows(landed, "events")
    one, two = visitor("sample-visitor-1"), visitor("sample-visitor-2")
    assert found["visitor_key"].to_list() == [one, two, two, two, None]
    who = pseudonyms(pl.Series(["sample-customer-1"]), KEY, "shop")[0]
    assert found["customer_key"].to_list() == [None, None, None, who, None]
    assert found["event_id"].n_unique() == 5


def test_ga4_parquet_and_json_lines_land_alike_in_any_order(tmp_path: Path) -> None:
    landed = [land_sample(tmp_path / form, form) for form in ("ga4_events", "ga4_events_jsonl")]
    one, other = (home.rows(file, "events").drop("_batch_id", "_source_file")
                  for home, file in landed)  # fmt: skip
    assert_frame_equal(one, other)
    lines = sample("ga4_events_jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    home = Shop(tmp_path / "turned", "ga4_events_jsonl")
    turned = home.rows(home.land("".join(lines[::-1]), "events_20260501.json"), "events")
    assert set(turned["event_id"]) == set(one["event_id"])
    # Alike events are told apart, never dropped.
    text = gzip.compress("".join([*lines, lines[2]]).encode())
    more = home.rows(home.land(text, "events_20260501.json.gz"), "events")
    assert more["event_id"].n_unique() == 6


def test_plain_events_leave_bots_out_and_count_them(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "plain_events")
    assert (landed.rows_read, landed.rows_landed, landed.excluded) == (9, 6, {"bot": 3})
    assert rows(home, landed, "events", "event_id", *CONTENT, "live_room_id") == [
        ("E1", datetime(2026, 5, 1, 2), "home", None, None, "newsletter", "email", "may",
         "https://mail.example/", "mobile", "Zhejiang", None),
        ("E2", datetime(2026, 5, 1, 2, 0, 5, 250_000), "product_view", "P1", None, None, None,
         None, None, "mobile", "Zhejiang", None),
        ("E3", datetime(2026, 5, 1, 2, 1), "purchase", "P1", "100123", None, None, None, None,
         "mobile", "Zhejiang", "L7"),
        ("E4", datetime(2026, 5, 1, 2, 2), "home", None, None, None, None, None, None, "desktop",
         None, None),
        # Words that merely resemble a robot's: a browser's, and a maker's of telephones.
        ("E7", datetime(2026, 5, 1, 2, 5), "other", None, None, None, None, None, None, "tablet",
         None, None),
        ("E8", datetime(2026, 5, 1, 2, 6), "other", None, None, None, None, None, None, "mobile",
         None, None),
    ]  # fmt: skip
    found = home.rows(landed, "events")
    assert found["visitor_key"].to_list() == [
        *[visitor("sample-visitor-1")] * 3, None, *[visitor("sample-visitor-4")] * 2]  # fmt: skip
    assert found["platform"].unique().to_list() == ["web"]  # the source's, as the file has none
    assert "user_agent" not in found.columns


def test_a_page_of_the_same_site_is_where_the_visitor_was(tmp_path: Path) -> None:
    seen = {
        # referrer, page of the event, whether it stays
        ("https://shop.example/cart", "https://shop.example/"): False,
        ("https://www.Shop.example/a", "https://shop.example/b?x=1"): False,
        ("https://checkout.shop.example/", "https://www.shop.example:8443/thanks"): False,
        ("https://shop.example/", "https://m.shop.example/"): False,
        ("https://blog.example/shop.example", "https://shop.example/"): True,
        ("https://otto-shop.example/", "https://shop.example/"): True,
        ("https://shop.example/cart", "/cart"): True,  # its page has no host: nothing tells
        ("https://shop.example/cart", ""): True,
        ("", "https://shop.example/"): False,
    }
    text = "event_id,occurred_at,event_type,referrer,page\n" + "".join(
        f"e{number},2026-05-01 10:00:00,home,{referrer},{page}\n"
        for number, (referrer, page) in enumerate(seen)
    )
    home = Shop(tmp_path, "plain_events")
    found = home.rows(home.land(text, "events.csv"), "events").sort("event_id")
    assert found["referrer"].to_list() == [
        referrer if stays else None for (referrer, _), stays in seen.items()
    ]
    assert "page" not in found.columns


def test_plain_events_as_json_lines(tmp_path: Path) -> None:
    home, landed = land_sample(tmp_path, "plain_events_jsonl")
    assert (landed.rows_read, landed.rows_landed, landed.excluded) == (4, 3, {"bot": 1})
    csv_home, csv = land_sample(tmp_path / "csv", "plain_events")
    same = ("event_id", *CONTENT, "live_room_id", "visitor_key", "customer_key", "shop_id")
    assert rows(home, landed, "events", *same) == rows(csv_home, csv, "events", *same)[:3]


def test_plain_events_without_ids_get_them_from_their_content(tmp_path: Path) -> None:
    text = (
        "occurred_at,event_type,visitor_id\n"
        "2026-05-01 10:00:00,home,v\n2026-05-01 10:00:00,home,v\n2026-05-01 10:00:01,home,\n"
    )
    home = Shop(tmp_path, "plain_events")
    landed = home.land(text, "events.csv")
    assert landed.rows_landed == 3
    assert home.rows(landed, "events")["event_id"].n_unique() == 3
