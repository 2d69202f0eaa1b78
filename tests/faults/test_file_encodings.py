"""Files in another encoding than declared: refused with the place, never approximated."""

from decimal import Decimal

import pytest

from tests.support.exports import HEADER, Shop, order, orders, refused, with_read


def test_gbk_read_as_utf8_is_refused_with_the_place_and_the_remedy(shop: Shop) -> None:
    text = HEADER + order(1, buyer="买家")
    told = refused(shop, text.encode("gb18030"))
    assert "is not utf-8" in told
    assert "line 2" in told
    assert "gb18030" in told


def test_gbk_lands_when_the_format_says_so(shop: Shop) -> None:
    shop.form = with_read(encoding="gb18030")
    landed = shop.land((HEADER + order("订单1")).encode("gb18030"))
    assert shop.rows(landed)["order_id"].to_list() == ["订单1"]


def test_utf8_read_as_gb18030_is_refused_where_it_does_not_fit(shop: Shop) -> None:
    shop.form = with_read(encoding="gb18030")
    assert "is not gb18030" in refused(
        shop, (HEADER + order("订单编号一")).encode() + b"\xff\xff\n"
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_utf16_read_as_utf8_is_refused(shop: Shop, encoding: str) -> None:
    told = refused(shop, (HEADER + orders(2)).encode(encoding))
    assert "NUL" in told or "is not utf-8" in told


def test_utf16_lands_when_the_format_says_so(shop: Shop) -> None:
    shop.form = with_read(encoding="utf-16")
    assert shop.land((HEADER + orders(2)).encode("utf-16")).rows_landed == 2


def test_a_byte_order_mark_is_no_part_of_the_first_column(shop: Shop) -> None:
    assert shop.land((HEADER + orders(2)).encode("utf-8-sig")).rows_landed == 2


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_line_ends_make_no_difference(shop: Shop, end: str) -> None:
    landed = shop.land((HEADER + orders(3)).replace("\n", end))
    assert shop.rows(landed)["order_amount"].to_list() == [Decimal("10.00")] * 3


def test_nul_characters_are_refused(shop: Shop) -> None:
    assert "line 3 has a NUL" in refused(shop, HEADER + orders(1) + "2,\0,x,x,paid,1\n")
