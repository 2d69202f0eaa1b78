"""Columns that are new, missing, renamed, doubled or in another order."""

from decimal import Decimal

import pytest

from tests.support.exports import HEADER, Shop, order, orders, refused, with_read


def test_a_new_column_is_dropped_and_named(shop: Shop) -> None:
    head = HEADER.replace("\n", ",note\n")
    landed = shop.land(head + orders(2).replace("\n", ",secret\n"))
    assert landed.unknown_columns == ("note",)
    assert "note" not in shop.rows(landed).columns


def test_a_new_column_is_landed_as_text_when_it_is_kept(shop: Shop) -> None:
    shop.source = {"keep": ["note"]}
    head = HEADER.replace("\n", ",note\n")
    landed = shop.land(head + orders(2).replace("\n", ",007\n"))
    assert shop.rows(landed)["note"].to_list() == ["007", "007"]
    assert landed.unknown_columns == ()


def test_columns_in_another_order_are_read_by_name(shop: Shop) -> None:
    head = "paid_amount,status,paid_at,ordered_at,buyer,order_id\n"
    landed = shop.land(head + "5.00,paid,2026-05-01 10:00:00,2026-05-01 09:00:00,b,77\n")
    assert shop.rows(landed).select("order_id", "order_amount").row(0) == ("77", Decimal("5.00"))


def test_an_exact_header_accepts_no_other(shop: Shop) -> None:
    shop.form = with_read(exact_header=True)
    assert shop.land(HEADER + orders(1)).rows_landed == 1
    shop.root = shop.root / "again"
    head = HEADER.replace("\n", ",note\n")
    assert "`note`" in refused(shop, head + orders(1).replace("\n", ",x\n"))


def test_total_rows_at_the_end_are_no_data_and_in_the_middle_are_no_campaign(shop: Shop) -> None:
    shop.form = "google_ads_campaigns"
    head = 'Campaign report\n"May 1, 2026"\nDay,Campaign,Currency code,Impr.,Clicks,Cost\n'
    days = '2026-05-01,Brand,CNY,"1,204",30,"1,172.45"\n2026-05-02,Brand,CNY,10,2,8.00\n'
    total = 'Total: All campaigns,,CNY,"1,214",32,"1,180.45"\n'
    landed = shop.land(head + days + total, "campaigns_x_20260601020000.csv")
    assert landed.rows_read == 2
    spend = shop.rows(landed, "campaign_spend")
    assert spend["cost"].to_list() == [Decimal("1172.45"), Decimal("8.00")]
    assert spend["impressions"].to_list() == [1204, 10]
    shop.settings = {"max_bad_share": 0.5}
    middle = shop.land(head + total + days + total, "campaigns_x_20260601020000.csv")
    assert (middle.rows_landed, middle.rows_quarantined) == (2, 1)


def swapped(text: str, one: str, other: str) -> str:
    return text.replace(one, "\0").replace(other, one).replace("\0", other)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HEADER.replace(",status", "") + "1,b,x,x,1\n", ["`status` is missing"]),
        (HEADER.replace("paid_amount", "paid_amounts") + orders(1),
         ["`paid_amount` is missing", "`paid_amounts`: renamed?"]),
        (HEADER + "".join(order(n, f"CNY {n}") for n in range(1, 6)),
         ['order_amount (paid_amount) "CNY 1" is not a number', "5 of 5 rows are bad"]),
        (HEADER + "".join(order(n, at="1 May 2026", paid="") for n in range(5)),
         ['ordered_at "1 May 2026" is not a date and time']),
        (HEADER + "".join(order(n, at="", paid="") for n in range(5)), ["ordered_at is empty"]),
        (swapped(HEADER, "ordered_at", "status") + orders(5), ["is not"]),
        (HEADER.replace("buyer", "order_id") + orders(1),
         ["`order_id` stands in the header twice"]),
        (HEADER.replace("\n", ",note,note\n") + orders(2).replace("\n", ",a,b\n"),
         ["`note` stands in the header twice"]),  # though nobody reads it
        ("sku,stock\nA,1\n", ["is missing", "check delimiter and format"]),
    ],
    ids=["missing", "renamed", "another type", "another form of dates", "run empty", "swapped",
         "doubled", "doubled, not read", "another export"],
)  # fmt: skip
def test_columns_that_do_not_fit_refuse_the_file(shop: Shop, text: str, told: list[str]) -> None:
    said = refused(shop, text)
    assert [words for words in told if words not in said] == []


def test_a_name_without_export_instant_is_refused(shop: Shop) -> None:
    shop.form = "refunds"
    head = (
        "refund_id,order_id,product_id,requested_at,refunded_at,amount,quantity,kind,reason,status"
    )
    assert "no export instant" in refused(shop, head + "\n", "refunds.csv")


@pytest.mark.parametrize("name", ["Status", " status ", "STATUS", "status\u200b", '"status"'])
def test_how_a_name_may_differ(shop: Shop, name: str) -> None:
    text = HEADER.replace("status", name) + orders(2)
    if name.strip('" \u200b') == "status":
        assert shop.land(text).rows_landed == 2
    else:
        assert "`status` is missing" in refused(shop, text)


def test_drift_from_one_file_to_the_next_keeps_what_landed_before(shop: Shop) -> None:
    first = shop.land(HEADER + orders(2), "one.csv")
    before = {path: path.read_bytes() for path in shop.landed_files}
    refused(shop, HEADER.replace("paid_amount", "amount") + orders(2, 3), "two.csv")
    wider = shop.land(HEADER.replace("\n", ",note\n") + order(9).replace("\n", ",x\n"), "three.csv")
    assert {path: path.read_bytes() for path in before} == before
    assert shop.rows(first).columns == shop.rows(wider).columns
