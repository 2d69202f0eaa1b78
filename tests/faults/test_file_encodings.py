"""Files in another encoding than declared: refused with the place, never approximated."""

import codecs
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


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encodings_land_when_the_format_says_so(shop: Shop, encoding: str) -> None:
    shop.form = with_read(encoding=encoding)
    landed = shop.land((HEADER + order("订单") + orders(2)).encode(encoding))
    assert shop.rows(landed)["order_id"].to_list() == ["订单", "1", "2"]


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE])
def test_the_mark_of_utf16_tells_its_byte_order(shop: Shop, mark: bytes) -> None:
    shop.form = with_read(encoding="utf-16")
    order_of_bytes = "utf-16-be" if mark == codecs.BOM_UTF16_BE else "utf-16-le"
    landed = shop.land(mark + (HEADER + order("订单")).encode(order_of_bytes))
    assert shop.rows(landed)["order_id"].to_list() == ["订单"]


def test_utf16_of_the_other_byte_order_is_refused(shop: Shop) -> None:
    shop.form = with_read(encoding="utf-16-le")
    refused(shop, (HEADER + orders(2)).encode("utf-16-be"))


def test_utf16_cut_inside_a_character_sets_its_last_row_aside(shop: Shop) -> None:
    shop.form = with_read(encoding="utf-16-le")
    landed = shop.land((HEADER + orders(10)).encode("utf-16-le")[:-5])
    assert (landed.rows_landed, landed.rows_quarantined) == (9, 1)


def test_rare_characters_of_gb18030_survive(shop: Shop) -> None:
    # U+3400 and U+20000 take four bytes and are in GB18030 alone, U+9FA5 ends plain GBK.
    shop.form = with_read(encoding="gb18030")
    names = ["\u3400", "\U00020000", "\u9fa5", "€"]
    landed = shop.land((HEADER + "".join(order(name) for name in names)).encode("gb18030"))
    assert shop.rows(landed)["order_id"].to_list() == names


def test_rare_characters_do_not_fit_plain_gbk(shop: Shop) -> None:
    shop.form = with_read(encoding="gbk")
    told = refused(shop, (HEADER + order("\U00020000")).encode("gb18030"))
    assert "is not gbk" in told
    assert "line 2" in told


def test_latin1_read_as_utf8_is_refused(shop: Shop) -> None:
    told = refused(shop, (HEADER + order("Café")).encode("latin-1"))
    assert "is not utf-8" in told
    assert "line 2" in told


def test_latin1_lands_when_the_format_says_so(shop: Shop) -> None:
    shop.form = with_read(encoding="latin-1")
    landed = shop.land((HEADER + order("Café")).encode("latin-1"))
    assert shop.rows(landed)["order_id"].to_list() == ["Café"]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "gb18030"])
def test_utf8_declared_as_what_decodes_every_byte_is_refused(shop: Shop, encoding: str) -> None:
    # Each of these reads the bytes without complaint: as "è®¢å•" or as "璁㈠崟".
    shop.form = with_read(encoding=encoding)
    text = HEADER + "".join(order(f"订单编号{n}") for n in range(4))
    told = refused(shop, text.encode())
    assert f"is not {codecs.lookup(encoding).name}" in told
    assert "utf-8" in told


def test_few_bytes_that_would_also_be_utf8_are_what_was_declared(shop: Shop) -> None:
    # The bytes of this name in GBK happen to be valid UTF-8, which proves nothing.
    shop.form = with_read(encoding="gb18030")
    assert "模邪".encode("gb18030").decode() == "\u0123\u0430"
    landed = shop.land((HEADER + order("模邪")).encode("gb18030"))
    assert shop.rows(landed)["order_id"].to_list() == ["模邪"]


def test_a_byte_order_mark_in_the_middle_is_no_part_of_a_cell(shop: Shop) -> None:
    # Two files were glued together, the second with its mark.
    landed = shop.land((HEADER + orders(1)).encode() + codecs.BOM_UTF8 + order(2).encode())
    assert shop.rows(landed)["order_id"].to_list() == ["1", "2"]


def test_mixed_line_ends_make_no_difference(shop: Shop) -> None:
    text = HEADER.replace("\n", "\r\n") + order(1) + order(2).replace("\n", "\r\n") + order(3)
    assert shop.rows(shop.land(text))["order_amount"].to_list() == [Decimal("10.00")] * 3


def test_a_file_of_another_kind_is_refused(shop: Shop) -> None:
    kinds = (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", b"<html>login</html>\n", b"\x89PNG\r\n\x1a\n\0")
    for content in (*kinds, b"\xd0\xcf\x11\xe0" + bytes(60)):
        refused(shop, content)
