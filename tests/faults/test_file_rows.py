"""Cut, ragged and wrongly quoted rows: each is set aside with its reason, or the file refused."""

from decimal import Decimal

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
    with_read,
)


def test_a_file_cut_anywhere_in_its_last_row_lands_its_whole_rows(shop: Shop) -> None:
    text = HEADER + orders(9) + order(10, "123.45")
    start = len(HEADER + orders(9))
    for end in range(start + 1, len(text)):
        landed = shop.land(text[:end])
        assert landed.rows_read == 10, end
        assert landed.rows_landed == 9, end
        assert landed.rows_quarantined == 1, end
        assert shop.quarantined(landed)["reason"].to_list() == ["cut_row"]
        assert "the row is cut: the file ends in the middle of it" in landed.issues[0]
    assert shop.land(text).rows_landed == 10
    landed = shop.land(HEADER + order(1).rstrip("\n"))
    assert (landed.rows_read, landed.rows_landed, landed.rows_quarantined) == (1, 0, 1)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_a_file_cut_inside_a_character_lands_its_whole_rows(shop: Shop, encoding: str) -> None:
    shop.form = with_read(encoding=encoding)
    whole = (HEADER + orders(9)).encode(encoding)
    last = order("订单").encode(encoding)
    for end in range(1, len(last)):
        landed = shop.land(whole + last[:end])
        assert (landed.rows_landed, landed.rows_quarantined) == (9, 1), end
        assert shop.quarantined(landed)["reason"].to_list() == ["cut_row"]


def test_a_row_too_short_and_a_row_too_long_are_set_aside(shop: Shop) -> None:
    landed = shop.land(HEADER + orders(10) + "11,b,2026-05-01\n" + order(12, "1.00,extra"))
    assert (landed.rows_landed, landed.rows_quarantined) == (10, 2)
    told = shop.quarantined(landed)
    assert told["message"].to_list() == [
        "has 3 fields, the header has 6",
        "has 7 fields, the header has 6",
    ]
    assert told["line_number"].to_list() == [12, 13]
    assert told["byte_offset"].to_list() == [
        len(HEADER + orders(10)),
        len(HEADER + orders(10)) + len("11,b,2026-05-01\n"),
    ]


def test_quoted_delimiters_quotes_and_line_breaks_belong_to_their_cell(shop: Shop) -> None:
    rows = '1,"a,b ""c""\nd",2026-05-01 10:00:00,,unpaid,"1,234.50"\n' + order(2)
    landed = shop.land(HEADER + rows)
    assert landed.rows_landed == 2
    assert shop.rows(landed)["order_amount"].to_list() == [Decimal("1234.50"), Decimal("10.00")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HEADER + orders(2) + '3,"open,x,x,paid,1\n' + orders(5, 4),
         ["opened in line 4 and never closed"]),
        (HEADER + orders(2) + '3,"two\nlines",2026-05-01 10:00:00,,paid,1\n'
         '4,"open\nand on,x,x,paid,1\n', ["opened in line 6 and never closed"]),
        (HEADER + orders(2) + HEADER + orders(2, 3), ["twice"]),
        ((HEADER + orders(2)).replace(",", ";"), ["is missing", "delimiter"]),
        ("# exported by the till\n" + HEADER + orders(2), ["is missing"]),
        (HEADER + orders(3).replace("\n", ",\n"), ["has 7 fields, the header has 6"]),
        (HEADER + orders(3).replace(",", ";"), ["has 1 fields"]),
        ("", ["is empty"]),
        ("\n\n", ["has no header"]),
        ("  \n \n", ["has no header"]),
    ],
    ids=["unclosed quote", "unclosed quote after a cell of lines", "glued", "delimiter", "comment",
         "trailing delimiter of rows", "delimiter of rows", "empty", "blank", "spaces"],
)  # fmt: skip
def test_a_file_whose_rows_cannot_be_told_is_refused(
    shop: Shop, text: str, told: list[str]
) -> None:
    said = refused(shop, text)
    assert [words for words in told if words not in said] == []


@pytest.mark.parametrize(
    ("read", "text"),
    [
        ({"final_newline": "optional"}, (HEADER + orders(3)).rstrip("\n")),
        ({"title_lines": 1}, "# exported by the till\n" + HEADER + orders(3)),
        ({}, HEADER + "\n" + orders(3) + "\n\n"),
        ({}, (HEADER + orders(3)).replace("\n", ",\n")),  # an unnamed column
        *[({"delimiter": mark}, (HEADER + orders(3)).replace(",", mark)) for mark in ";\t|"],
    ],
    ids=["no last line break", "comment", "blank lines", "trailing delimiter", *";\t|"],
)
def test_what_a_format_may_say_of_its_rows(shop: Shop, read: dict[str, object], text: str) -> None:
    shop.form = with_read(**read)
    landed = shop.land(text)
    assert landed.rows_read == 3
    assert shop.rows(landed)["order_amount"].to_list() == [Decimal("10.00")] * 3


def test_a_header_alone_is_a_quiet_day(shop: Shop) -> None:
    landed = shop.land(HEADER)
    assert (landed.rows_read, landed.feeds) == (0, {"orders": 0})
    assert shop.rows(landed).height == 0


def test_a_quote_inside_a_bare_cell_sets_its_row_aside(shop: Shop) -> None:
    shop.settings = {"max_bad_share": 0.3}
    landed = shop.land(HEADER + orders(10) + order(11, buyer='5" x 7" frame')
                       + order(12, buyer='"a"b') + order(13, buyer='5" x 7,5"'))  # fmt: skip
    assert (landed.rows_landed, landed.rows_quarantined) == (10, 3)
    assert shop.quarantined(landed)["reason"].to_list() == ["stray_quote"] * 3


def test_a_second_header_line_is_no_row_and_lines_keep_their_numbers(shop: Shop) -> None:
    shop.form = with_read(skip_after_header=1, title_lines=1)
    landed = shop.land("title\n" + HEADER + " , ,when,,,in + out\n" + orders(10) + order(11, "x"))
    assert (landed.rows_read, landed.rows_landed) == (11, 10)
    told = shop.quarantined(landed)
    assert (told["row_number"].to_list(), told["line_number"].to_list()) == ([11], [14])


def line(number: int, sku: str = "A", qty: str = "1", head: bool = True) -> str:
    return f"{number},{sku},{qty},5.00,{'2026-05-01 10:00:00,10.00' if head else ','}\n"


def test_a_bad_line_takes_its_whole_order_along(shop: Shop) -> None:
    shop.form = LINES
    good = "".join(line(n) + line(n, "B", head=False) for n in range(1, 11))
    landed = shop.land(LINES_HEADER + good + line(11) + line(11, "B", "x", head=False))
    assert (landed.rows_read, landed.rows_landed, landed.rows_quarantined) == (22, 20, 2)
    assert "11" not in shop.rows(landed)["order_id"].to_list()
    assert "11" not in shop.rows(landed, "order_items")["order_id"].to_list()
    reasons = shop.quarantined(landed).select("row_number", "reason").rows()
    assert reasons == [(21, "order_incomplete"), (22, "not_readable")]


def test_a_bad_cell_of_the_order_takes_all_its_lines_along(shop: Shop) -> None:
    shop.form = LINES
    good = "".join(line(n) for n in range(1, 11))
    bad = "11,A,1,5.00,2026-05-01 10:00:00,ten\n11,B,1,5.00,,\n"
    landed = shop.land(LINES_HEADER + good + bad)
    assert (landed.rows_landed, landed.rows_quarantined) == (10, 2)


def test_an_order_cut_by_the_end_of_the_file_does_not_land_in_part(shop: Shop) -> None:
    shop.form = LINES
    whole = "".join(line(n) for n in range(1, 11)) + line(11)
    second = line(11, "B", head=False)
    for end in range(1, len(second)):
        landed = shop.land(LINES_HEADER + whole + second[:end])
        assert landed.rows_quarantined == 2, second[:end]
        assert "11" not in shop.rows(landed)["order_id"].to_list()


def test_an_expression_that_compares_text_with_a_number_is_explained(shop: Shop) -> None:
    shop.form = {**ORDERS, "filter": "CAST(paid_amount AS BIGINT) > status + 1"}
    told = refused(shop, HEADER + orders(2))
    assert "an expression of its mapping fails" in told
    assert "TRY_CAST" in told


# more shapes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.1, 0.33, 0.5, 0.77, 0.9])
def test_a_file_cut_at_any_byte_lands_only_whole_rows(shop: Shop, share: float) -> None:
    text = HEADER + orders(40)
    kept = text[: int(len(text) * share)]
    landed = shop.land(kept)
    whole = kept.count("\n") - 1
    assert landed.rows_landed == whole
    assert landed.rows_quarantined == int(not kept.endswith("\n"))
    assert shop.rows(landed)["order_id"].to_list() == [str(n) for n in range(1, whole + 1)]


def test_a_file_cut_inside_a_quoted_cell_is_told(shop: Shop) -> None:
    assert "cut" in one_bad_row(shop, '10,"buyer with, a com', "cut_row")


def test_a_cell_with_line_breaks_keeps_the_line_numbers_right(shop: Shop) -> None:
    long = order(1, buyer='"a\nb\nc"')
    landed = shop.land(HEADER + long + orders(8, 2) + order(10, "x"))
    told = shop.quarantined(landed).row(0, named=True)
    assert (told["row_number"], told["line_number"]) == (10, 13)
    assert told["byte_offset"] == len(HEADER + long + orders(8, 2))


def test_doubled_quotes_are_one_quote(shop: Shop) -> None:
    landed = shop.land(HEADER + '"5"" frame",b,2026-05-01 10:00:00,,unpaid,1\n')
    assert shop.rows(landed)["order_id"].to_list() == ['5" frame']


def test_a_comment_line_among_the_rows_is_set_aside(shop: Shop) -> None:
    assert "has 1 fields" in one_bad_row(shop, "# end of page 1\n", "field_count")


def test_a_very_long_cell_and_a_very_wide_file_are_read(shop: Shop) -> None:
    wide = ",".join(f"c{n}" for n in range(2_000))
    text = HEADER.replace("\n", f",{wide}\n") + order(1, buyer="x" * 5_000_000).replace(
        "\n", "," * 2_000 + "\n"
    )
    landed = shop.land(text)
    assert landed.rows_landed == 1
    assert len(landed.unknown_columns) == 2_000


def test_a_file_of_one_column_is_read(shop: Shop) -> None:
    shop.form = {
        "updated_at": "day",
        "read": {"header": ["day"]},
        "feeds": {"traffic_daily": {"columns": {"traffic_date": "day"},
                                    "constants": {"grain": "shop", "segment": "all",
                                                  "visitors": 1}}},
        "datetimes": ["%Y-%m-%d"],
    }  # fmt: skip
    landed = shop.land("day\n2026-05-01\n2026-05-02\n")
    assert (landed.rows_read, landed.rows_landed) == (2, 2)


def test_rows_of_blanks_alone_are_no_orders(shop: Shop) -> None:
    one_bad_row(shop, ",,,,,\n", "missing")


def test_a_header_without_line_break_is_a_cut_file_or_a_quiet_day(shop: Shop) -> None:
    landed = shop.land(HEADER.rstrip("\n"))
    assert (landed.rows_read, landed.rows_landed) == (0, 0)
    assert "is missing" in refused(shop, HEADER[:-10])
