"""Files in another encoding than declared: refused with the place, never approximated."""

import codecs
from decimal import Decimal

import pytest

from tests.support.exports import HEADER, Shop, order, orders, refused, with_read


def encoded(encoding: str, *names: str) -> bytes:
    """A file of orders of these numbers."""
    return (HEADER + "".join(order(name) for name in names)).encode(encoding)


@pytest.mark.parametrize(
    ("declared", "content", "told"),
    [
        ("utf-8", (HEADER + order(1, buyer="买家")).encode("gb18030"),
         ["is not utf-8", "line 2", "gb18030"]),
        ("utf-8", encoded("latin-1", "Café"), ["is not utf-8", "line 2"]),
        ("gb18030", encoded("utf-8", "订单编号一") + b"\xff\xff\n", ["is not gb18030"]),
        ("gbk", encoded("gb18030", "\U00020000"), ["is not gbk", "line 2"]),
        ("utf-16-le", encoded("utf-16-be", "1", "2"), []),
        ("utf-8", HEADER + orders(1) + "2,\0,x,x,paid,1\n", ["line 3 has a NUL"]),
    ],
    ids=["gbk as utf-8", "latin-1 as utf-8", "utf-8 as gb18030", "four bytes as gbk",
         "the other byte order", "nul"],
)  # fmt: skip
def test_bytes_that_do_not_fit_are_refused_with_the_place_and_the_remedy(
    shop: Shop, declared: str, content: str | bytes, told: list[str]
) -> None:
    shop.form = with_read(encoding=declared)
    said = refused(shop, content)
    assert [words for words in told if words not in said] == []


@pytest.mark.parametrize(
    ("declared", "names"),
    [
        ("gb18030", ["订单1"]),
        # U+3400 and U+20000 take four bytes and are in GB18030 alone, U+9FA5 ends plain GBK.
        ("gb18030", ["\u3400", "\U00020000", "\u9fa5", "€"]),
        # The bytes of this name in GBK happen to be valid UTF-8, which proves nothing.
        ("gb18030", ["模邪"]),
        ("utf-16", ["1", "2"]),
        ("utf-16-le", ["订单", "1"]),
        ("utf-16-be", ["订单", "1"]),
        ("utf-32", ["订单", "1"]),
        ("latin-1", ["Café"]),
    ],
)
def test_an_encoding_lands_when_the_format_says_so(
    shop: Shop, declared: str, names: list[str]
) -> None:
    shop.form = with_read(encoding=declared)
    assert shop.rows(shop.land(encoded(declared, *names)))["order_id"].to_list() == names


@pytest.mark.parametrize("order_of_bytes", ["utf-16-be", "utf-16-le"])
def test_the_mark_of_utf16_tells_its_byte_order(shop: Shop, order_of_bytes: str) -> None:
    shop.form = with_read(encoding="utf-16")
    mark = "\ufeff".encode(order_of_bytes)
    landed = shop.land(mark + encoded(order_of_bytes, "订单"))
    assert shop.rows(landed)["order_id"].to_list() == ["订单"]


@pytest.mark.parametrize(
    "content",
    [
        (HEADER + orders(3)).encode("utf-8-sig"),
        (HEADER + orders(3)).replace("\n", "\r\n"),
        (HEADER + orders(3)).replace("\n", "\r"),
        HEADER.replace("\n", "\r\n") + order(1) + order(2).replace("\n", "\r\n") + order(3),
        # Two files were glued together, the second with its mark.
        (HEADER + orders(1)).encode() + codecs.BOM_UTF8 + orders(2, 2).encode(),
    ],
    ids=["mark", "crlf", "cr", "mixed", "mark in the middle"],
)
def test_marks_and_line_ends_make_no_difference(shop: Shop, content: str | bytes) -> None:
    rows = shop.rows(shop.land(content))
    assert rows["order_id"].to_list() == ["1", "2", "3"]
    assert rows["order_amount"].to_list() == [Decimal("10.00")] * 3


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_utf16_read_as_utf8_is_refused(shop: Shop, encoding: str) -> None:
    told = refused(shop, (HEADER + orders(2)).encode(encoding))
    assert "NUL" in told or "is not utf-8" in told


def test_utf16_cut_inside_a_character_sets_its_last_row_aside(shop: Shop) -> None:
    shop.form = with_read(encoding="utf-16-le")
    landed = shop.land((HEADER + orders(10)).encode("utf-16-le")[:-5])
    assert (landed.rows_landed, landed.rows_quarantined) == (9, 1)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "gb18030"])
def test_utf8_declared_as_what_decodes_every_byte_is_refused(shop: Shop, encoding: str) -> None:
    # Each of these reads the bytes without complaint: as "è®¢å•" or as "璁㈠崟".
    shop.form = with_read(encoding=encoding)
    text = HEADER + "".join(order(f"订单编号{n}") for n in range(4))
    told = refused(shop, text.encode())
    assert f"is not {codecs.lookup(encoding).name}" in told
    assert "utf-8" in told


def test_a_file_of_another_kind_is_refused(shop: Shop) -> None:
    kinds = (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", b"<html>login</html>\n", b"\x89PNG\r\n\x1a\n\0")
    for content in (*kinds, b"\xd0\xcf\x11\xe0" + bytes(60)):
        refused(shop, content)
