"""Cells that are not what they should be: set aside one by one, never bent into shape."""

from decimal import Decimal

import polars as pl
import pytest

from tests.support.exports import (
    HEADER,
    LINES,
    LINES_HEADER,
    ORDERS,
    Shop,
    one_bad_row,
    order,
    orders,
    refused,
)


@pytest.mark.parametrize("number", ["000123", "1E10", "12E45", "E+12", "A-7E+18"])
def test_an_id_is_the_text_it_is(shop: Shop, number: str) -> None:
    assert shop.rows(shop.land(HEADER + order(number)))["order_id"].to_list() == [number]


def test_text_in_a_number_column_says_file_row_column_and_count(shop: Shop) -> None:
    bad = "".join(order(number, '"12,8o"') for number in range(1042, 1079))
    landed = shop.land(HEADER + orders(1041) + bad)
    assert landed.rows_quarantined == 37
    assert landed.issues == (
        'orders.csv row 1042: order_amount (paid_amount) "12,8o" is not a number. '
        "37 rows like this.",
    )


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        *[(cell, "not_readable") for cell in (
            "NaN", "inf", "-inf", "1e300", "1e3", "0x10", "1.2.3", "12,34.5", "十", "12%", "1,2,3",
            "12.", "--1", "(12.00)", "12 yuan", "１２.５０", "1'204.50")],
        ("-1.00", "out_of_domain"),
    ],
)  # fmt: skip
def test_what_is_no_amount_is_set_aside(shop: Shop, amount: str, reason: str) -> None:
    assert "order_amount" in one_bad_row(shop, order(10, f'"{amount}"'), reason)


def test_an_amount_too_large_for_its_column_is_set_aside(shop: Shop) -> None:
    rows = order(19, "9999999999999999") + order(20, "99999999999999999999")
    landed = shop.land(HEADER + orders(18) + rows)
    assert (landed.rows_landed, landed.rows_quarantined) == (18, 2)


def test_a_status_nobody_mapped_is_set_aside_and_shown(shop: Shop) -> None:
    landed = shop.land(HEADER + orders(9) + order(10, status="lost"))
    assert landed.rows_quarantined == 1
    assert '"lost" is not one of' in landed.issues[0]


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
    assert 'currency "2026-05-01 USD" has no rate to CNY' in landed.issues[0]


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


# more values -----------------------------------------------------------------------------------


def test_text_late_in_a_number_column_sets_its_own_row_aside(shop: Shop) -> None:
    landed = shop.land(HEADER + orders(3000) + order(3001, "n/a") + orders(99, 3002))
    assert (landed.rows_read, landed.rows_landed, landed.rows_quarantined) == (3100, 3099, 1)
    assert shop.quarantined(landed)["row_number"].to_list() == [3001]


@pytest.mark.parametrize("number", ["6.91743E+18", "6.9E+18", "7E+18"])
def test_an_id_in_scientific_notation_has_lost_its_digits(shop: Shop, number: str) -> None:
    # A spreadsheet opened the file and saved it: two orders would have the same number.
    told = one_bad_row(shop, order(number), "precision_lost")
    assert f'order_id "{number}"' in told
    assert "spreadsheet" in told


def test_ids_rounded_to_fifteen_digits_by_a_spreadsheet_refuse_the_file(shop: Shop) -> None:
    ids = [6917430123456780000, 6917430123456790000, 6917430123999990000, 6917430123456800000]
    told = refused(shop, HEADER + "".join(order(n) for n in ids))
    assert "rounded to 15 digits" in told
    # One of them may end in zeros by itself, and so does none of these.
    kept = shop.land(HEADER + "".join(order(n) for n in (ids[0], ids[1] + 1234, ids[2] + 77)))
    assert kept.rows_landed == 3


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ("1,204.50", "1204.50"),
        ("¥1,204.50", "1204.50"),
        ("￥ 12.00", "12.00"),
        ("+3.10", "3.10"),
        (".5", "0.50"),
        ("0.005", "0.01"),
        ("12.344999999999999", "12.34"),
        ("1 204.50", "1204.50"),
        ("0001.00", "1.00"),
    ],
)
def test_how_amounts_may_be_written(shop: Shop, cell: str, amount: str) -> None:
    landed = shop.land(HEADER + order(1, f'"{cell}"'))
    assert shop.rows(landed)["order_amount"].to_list() == [Decimal(amount)]


def test_decimal_commas_are_read_where_declared_and_bad_where_not(shop: Shop) -> None:
    one_bad_row(shop, order(10, '"1234,50"'), "not_readable")
    shop.form = {**ORDERS, "numbers": {"thousands": ".", "decimal": ","}}
    landed = shop.land(HEADER + order(1, '"1.234,50"') + order(2, '"7,00"') + order(3, "8"))
    amounts = shop.rows(landed)["order_amount"].to_list()
    assert amounts == [Decimal("1234.50"), Decimal("7.00"), Decimal("8.00")]


def test_letters_without_width_are_no_part_of_an_id(shop: Shop) -> None:
    landed = shop.land(HEADER + order("10\u200b01") + order("\u200e1001\u202c") + order("\ufeff7"))
    assert shop.rows(landed)["order_id"].to_list() == ["1001", "7"]
    assert landed.rows_duplicate == 1


def test_space_of_every_kind_around_a_cell_is_taken_off(shop: Shop) -> None:
    landed = shop.land(HEADER + order("\u3000 1001\u00a0\t", "\u00a010.00 "))
    assert shop.rows(landed).select("order_id", "order_amount").row(0) == ("1001", Decimal("10.00"))


def line(qty: str = "1", price: str = "5.00", gift: str = "") -> str:
    return f"7,A,{qty},{price},2026-05-01 10:00:00,10.00,{gift}\n"


GIFTS = {
    **LINES,
    "read": {"header": [*LINES["read"]["header"], "gift"]},
    "feeds": {
        **LINES["feeds"],
        "order_items": {"columns": {**LINES["feeds"]["order_items"]["columns"], "is_gift": "gift"}},
    },
}
GIFTS_HEADER = LINES_HEADER.replace("\n", ",gift\n")


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"qty": "-1"}, "negative_order"),
        ({"qty": "1.5"}, "not_readable"),
        ({"qty": "99999999999999999999"}, "not_readable"),
        ({"price": "-5.00"}, "negative_order"),
        ({"qty": "-1", "price": "0.00"}, "negative_order"),  # written off
        ({"gift": "maybe"}, "not_readable"),
        ({"qty": ""}, "missing"),
    ],
)
def test_a_line_that_cannot_be_sets_its_order_aside(
    shop: Shop, cells: dict[str, str], reason: str
) -> None:
    shop.form = GIFTS
    good = "".join(line().replace("7,", f"{n},", 1) for n in range(10, 19))
    one_bad_row(shop, line(**cells), reason, GIFTS_HEADER, good)


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("true", True),
        ("YES", True),
        ("是", True),
        ("1", True),
        ("No", False),
        ("否", False),
        ("", False),
    ],
)
def test_words_for_yes_and_no(shop: Shop, word: str, meaning: bool) -> None:
    shop.form = GIFTS
    landed = shop.land(GIFTS_HEADER + line(gift=word))
    assert shop.rows(landed, "order_items")["is_gift"].to_list() == [meaning]


def test_whole_numbers_may_have_a_decimal_point(shop: Shop) -> None:
    shop.form = GIFTS
    landed = shop.land(GIFTS_HEADER + line(qty="2.0"))
    assert shop.rows(landed, "order_items")["quantity"].to_list() == [2]
