"""Cells that are not what they should be: set aside one by one, never bent into shape."""

import polars as pl
import pytest

from tests.support.exports import HEADER, ORDERS, Shop, order, orders, refused


def test_ids_keep_their_leading_zeros(shop: Shop) -> None:
    assert shop.rows(shop.land(HEADER + order("000123")))["order_id"].to_list() == ["000123"]


def test_text_in_a_number_column_says_file_row_column_and_count(shop: Shop) -> None:
    bad = "".join(order(number, '"12,8o"') for number in range(1042, 1079))
    landed = shop.land(HEADER + orders(1041) + bad)
    assert landed.rows_quarantined == 37
    assert landed.issues == (
        'orders.csv row 1042: order_amount (paid_amount) "12,8o" is not a number. '
        "37 rows like this.",
    )


@pytest.mark.parametrize(
    "amount", ["NaN", "inf", "-inf", "1e300", "1e3", "-1.00", "0x10", "1.2.3", "12,34.5", "十"]
)
def test_what_is_no_amount_is_set_aside(shop: Shop, amount: str) -> None:
    landed = shop.land(HEADER + orders(9) + order(10, f'"{amount}"'))
    assert (landed.rows_landed, landed.rows_quarantined) == (9, 1)
    assert shop.quarantined(landed)["column"].str.starts_with("order_amount").all()


def test_an_amount_too_large_for_its_column_is_set_aside(shop: Shop) -> None:
    rows = order(19, "9999999999999999") + order(20, "99999999999999999999")
    landed = shop.land(HEADER + orders(18) + rows)
    assert (landed.rows_landed, landed.rows_quarantined) == (18, 2)


def test_a_status_nobody_mapped_is_set_aside_and_shown(shop: Shop) -> None:
    landed = shop.land(HEADER + orders(9) + order(10, status="lost"))
    assert landed.rows_quarantined == 1
    assert '"lost" is not one of' in landed.issues[0]


@pytest.mark.parametrize(
    "at", ["2026-02-30 10:00:00", "01/05/2026", "yesterday", "1066-10-14 09:00:00"]
)
def test_what_is_no_instant_is_set_aside(shop: Shop, at: str) -> None:
    assert shop.land(HEADER + orders(9) + order(10, at=at, paid="")).rows_quarantined == 1


def test_an_empty_required_cell_is_set_aside(shop: Shop) -> None:
    landed = shop.land(HEADER + orders(9) + order("", buyer="b"))
    assert landed.issues == ("orders.csv row 10: order_id is empty. 1 row like this.",)


def test_a_currency_without_rate_is_set_aside(shop: Shop) -> None:
    shop.form = {
        **ORDERS,
        "read": {"header": [*ORDERS["read"]["header"], "currency"]},
        "feeds": {"orders": {"columns": {**ORDERS["feeds"]["orders"]["columns"],
                                         "currency": "currency"}}},
    }  # fmt: skip
    text = HEADER.replace("\n", ",currency\n") + orders(9).replace("\n", ",CNY\n")
    landed = shop.land(text + order(10).replace("\n", ",USD\n"))
    assert (landed.rows_landed, landed.rows_quarantined) == (9, 1)
    assert 'currency "USD" has no rate to CNY' in landed.issues[0]


def test_too_many_bad_rows_refuse_the_file(shop: Shop) -> None:
    told = refused(shop, HEADER + orders(7) + "".join(order(n, "x") for n in (8, 9, 10)))
    assert 'row 8: order_amount (paid_amount) "x" is not a number. 3 rows like this.' in told
    assert "3 of 10 rows are bad; nothing was landed." in told


def test_one_bad_row_refuses_a_file_that_must_be_clean(shop: Shop) -> None:
    shop.settings = {"on_bad_rows": "reject_file"}
    refused(shop, HEADER + orders(99) + order(100, "x"))


def test_quarantine_holds_nothing_personal(shop: Shop) -> None:
    # The cells are shifted: the buyer's address and phone stand where amount and status belong.
    rows = [
        "11,b,2026-05-01 10:00:00,,paid,anna@example.com\n",
        "12,b,2026-05-01 10:00:00,,138 0013 8000,1.00\n",
        "13,anna@example.com,2026-05-01 10:00:00,,paid,x\n",
    ]
    landed = shop.land(HEADER + orders(30) + "".join(rows))
    assert landed.rows_quarantined == 3
    for path in shop.landed_files:
        content = path.read_bytes()
        told = pl.read_parquet(path, hive_partitioning=False).write_json()
        for secret in ("example.com", "anna", "8000"):
            assert secret not in told
            assert secret.encode() not in content
    assert "anna" not in " ".join(landed.issues)
