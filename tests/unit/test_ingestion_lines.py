"""Lines that are no ordinary sale: left out and counted, landed, or set aside and told."""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.exports import SHOP
from tests.support.homes import Home

LINES = {
    "feeds": {"order_items": {"columns": {"order_id": "o", "product_id": "p", "quantity": "q",
                                          "unit_price": "price", "discount_amount": "off"}}},
    "exported_at": {"file_name": r"_(\d{14})"},
    "gift": {"zero_price": True},
}  # fmt: skip
GOOD = "".join(f"g{n},A,1,9.00,\n" for n in range(30))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    files = [{"path": "*.csv", "format": LINES}]
    return Home(tmp_path / "home", {"shop": {**SHOP, "files": files}})


def land(home: Home, rows: str) -> dict[str, int]:
    home.put(f"o,p,q,price,off\n{GOOD}{rows}", "lines_20260520020000.csv")
    return home.land()


def test_lines_below_zero_land_where_their_order_is_not(home: Home) -> None:
    assert land(home, "1,A,1,110.00,\n1,B,-1,100.00,\n2,A,2,15.00,1.00\n2,LOYAL,1,-29.00,\n"
                )["rows_landed"] == 34  # fmt: skip
    rows = home.rows("order_items").filter(~home.rows("order_items")["order_id"].str.contains("g"))
    assert rows.select("order_id", "quantity", "unit_price").rows() == [
        ("1", 1, Decimal(110)),
        ("1", -1, Decimal(100)),
        ("2", 2, Decimal(15)),
        ("2", 1, Decimal(-29)),
    ]


def test_an_order_of_less_than_nothing_is_set_aside_whole(home: Home) -> None:
    counts = land(home, "1,A,1,10.00,\n1,B,-1,10.01,\n")
    assert (counts["rows_landed"], counts["rows_quarantined"]) == (30, 2)
    assert "what is paid back or written off is no sale" in home.state.files()[0]["message"]


def test_a_line_of_nothing_is_left_out_and_its_order_lands(home: Home) -> None:
    counts = land(home, "1,A,0,10.00,\n1,B,1,10.00,\n1,C,0,10.00,0.00\n")
    assert (counts["rows_landed"], counts["rows_excluded"]) == (31, 2)
    assert counts["rows_quarantined"] == 0


def test_a_line_of_no_pieces_that_holds_money_is_not_left_out(home: Home) -> None:
    counts = land(home, "1,A,0,10.00,3.00\n1,B,1,10.00,\n")
    assert (counts["rows_excluded"], counts["rows_quarantined"]) == (0, 2)
    assert "is 0 although there is a discount" in home.state.files()[0]["message"]


def test_a_refund_whose_parts_are_not_its_amount_is_set_aside(tmp_path: Path) -> None:
    columns = {"refund_id": "r", "order_id": "o", "refunded_at": "at", "amount": "v",
               "goods_amount": "goods", "other_amount": "rest"}  # fmt: skip
    form = {"feeds": {"refunds": {
        "columns": columns, "constants": {"kind": "return", "status": "succeeded"}}}}  # fmt: skip
    files = [{"path": "*.csv", "format": form, "max_bad_share": 0.9}]
    home = Home(tmp_path / "home", {"shop": {**SHOP, "files": files}})
    at = "1,2026-05-05 09:00:00,10.00"
    home.put(
        f"r,o,at,v,goods,rest\na,{at},7.00,3.00\nb,{at},7.00,\nc,{at},,3.00\nd,{at},,\n"
        f"wrong,{at},7.00,2.99\nmore,{at},10.01,\nbelow,{at},-1.00,\n",
        "refunds.csv",
    )
    assert home.land()["rows_quarantined"] == 3
    assert home.rows("refunds")["refund_id"].sort().to_list() == ["a", "b", "c", "d"]
