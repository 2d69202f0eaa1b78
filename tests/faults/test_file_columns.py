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


def test_a_missing_column_is_refused(shop: Shop) -> None:
    assert "`status` is missing" in refused(shop, HEADER.replace(",status", "") + "1,b,x,x,1\n")


def test_a_renamed_column_is_refused_with_the_new_name(shop: Shop) -> None:
    told = refused(shop, HEADER.replace("paid_amount", "paid_amounts") + orders(1))
    assert "`paid_amount` is missing" in told
    assert "`paid_amounts`: renamed?" in told


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


def test_a_name_without_export_instant_is_refused(shop: Shop) -> None:
    shop.form = "refunds"
    head = (
        "refund_id,order_id,product_id,requested_at,refunded_at,amount,quantity,kind,reason,status"
    )
    assert "no export instant" in refused(shop, head + "\n", "refunds.csv")


# drift -----------------------------------------------------------------------------------------


def test_a_column_that_changes_its_type_is_refused_with_the_first_cell(shop: Shop) -> None:
    told = refused(shop, HEADER + "".join(order(n, f"CNY {n}") for n in range(1, 6)))
    assert 'order_amount (paid_amount) "CNY 1" is not a number' in told
    assert "5 of 5 rows are bad" in told


def test_a_column_of_dates_in_another_form_is_refused(shop: Shop) -> None:
    told = refused(shop, HEADER + "".join(order(n, at="1 May 2026", paid="") for n in range(5)))
    assert 'ordered_at "1 May 2026" is not a date and time' in told


def test_a_column_that_has_run_empty_is_refused_where_it_is_needed(shop: Shop) -> None:
    assert "ordered_at is empty" in refused(
        shop, HEADER + "".join(order(n, at="", paid="") for n in range(5))
    )


@pytest.mark.parametrize("name", ["Status", " status ", "STATUS", "status\u200b", '"status"'])
def test_how_a_name_may_differ(shop: Shop, name: str) -> None:
    text = HEADER.replace("status", name) + orders(2)
    if name.strip('" \u200b') == "status":
        assert shop.land(text).rows_landed == 2
    else:
        assert "`status` is missing" in refused(shop, text)


def test_two_columns_that_change_places_under_their_names_are_told_by_their_values(
    shop: Shop,
) -> None:
    head = HEADER.replace("ordered_at", "x").replace("status", "ordered_at").replace("x", "status")
    assert "is not" in refused(shop, head + orders(5))


def test_a_doubled_column_nobody_reads_is_refused_too(shop: Shop) -> None:
    text = HEADER.replace("\n", ",note,note\n") + orders(2).replace("\n", ",a,b\n")
    assert "`note` stands in the header twice" in refused(shop, text)


def test_another_export_altogether_is_refused(shop: Shop) -> None:
    told = refused(shop, "sku,stock\nA,1\n")
    assert "is missing" in told
    assert "check delimiter and format" in told


def test_drift_from_one_file_to_the_next_keeps_what_landed_before(shop: Shop) -> None:
    first = shop.land(HEADER + orders(2), "one.csv")
    before = {path: path.read_bytes() for path in shop.landed_files}
    refused(shop, HEADER.replace("paid_amount", "amount") + orders(2, 3), "two.csv")
    wider = shop.land(HEADER.replace("\n", ",note\n") + order(9).replace("\n", ",x\n"), "three.csv")
    assert {path: path.read_bytes() for path in before} == before
    assert shop.rows(first).columns == shop.rows(wider).columns
