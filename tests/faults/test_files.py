"""Damaged, drifted and hostile export files: nothing is lost, nothing is guessed."""

import gzip
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from ingestion.errors import FileRejected
from tests.support.exports import HEADER, LINES, LINES_HEADER, ORDERS, Shop, order, orders


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def refused(shop: Shop, content: str | bytes, name: str = "orders.csv") -> str:
    """Land a file that must be refused as a whole; return what it says."""
    with pytest.raises(FileRejected) as error:
        shop.land(content, name)
    assert shop.landed_files == []
    assert name in str(error.value)
    return str(error.value)


def with_read(**read: object) -> dict[str, object]:
    return {**ORDERS, "read": {**ORDERS["read"], **read}}


# encodings -------------------------------------------------------------------------------------


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


# shape -----------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_a_file_cut_inside_a_character_lands_its_whole_rows(shop: Shop, encoding: str) -> None:
    shop.form = with_read(encoding=encoding)
    whole = (HEADER + orders(9)).encode(encoding)
    last = order("订单").encode(encoding)
    for end in range(1, len(last)):
        landed = shop.land(whole + last[:end])
        assert (landed.rows_landed, landed.rows_quarantined) == (9, 1), end
        assert shop.quarantined(landed)["reason"].to_list() == ["cut_row"]


def test_a_file_without_last_line_break_is_whole_where_the_format_says_so(shop: Shop) -> None:
    shop.form = with_read(final_newline="optional")
    assert shop.land((HEADER + orders(3)).rstrip("\n")).rows_landed == 3


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


def test_an_unclosed_quote_is_refused(shop: Shop) -> None:
    told = refused(shop, HEADER + orders(2) + '3,"open,x,x,paid,1\n' + orders(5, 4))
    assert "opened in line 4 and never closed" in told


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


def test_two_exports_glued_together_are_refused(shop: Shop) -> None:
    assert "twice" in refused(shop, HEADER + orders(2) + HEADER + orders(2, 3))


def test_a_doubled_column_is_refused(shop: Shop) -> None:
    head = HEADER.replace("buyer", "order_id")
    assert "`order_id` stands in the header twice" in refused(shop, head + orders(1))


def test_the_wrong_delimiter_is_refused(shop: Shop) -> None:
    told = refused(shop, (HEADER + orders(2)).replace(",", ";"))
    assert "is missing" in told
    assert "delimiter" in told


def test_an_empty_file_is_refused_but_a_header_alone_is_a_quiet_day(shop: Shop) -> None:
    assert "is empty" in refused(shop, "")
    assert "has no header" in refused(shop, "\n\n")
    landed = shop.land(HEADER)
    assert (landed.rows_read, landed.feeds) == (0, {"orders": 0})
    assert shop.rows(landed).height == 0


def test_blank_lines_are_no_rows(shop: Shop) -> None:
    assert shop.land(HEADER + "\n" + orders(2) + "\n\n").rows_read == 2


# columns ---------------------------------------------------------------------------------------


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


# values ----------------------------------------------------------------------------------------


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


# repeats ---------------------------------------------------------------------------------------


def test_a_repeated_key_lands_once_and_the_last_row_counts(shop: Shop) -> None:
    landed = shop.land(HEADER + order(1, "1.00") + order(2) + order(1, "3.00"))
    assert (landed.rows_landed, landed.rows_duplicate) == (2, 1)
    amounts = shop.rows(landed).sort("order_id")["order_amount"].to_list()
    assert amounts == [Decimal("3.00"), Decimal("10.00")]


def test_the_same_file_again_gives_the_same_bytes(shop: Shop) -> None:
    text = HEADER + orders(50) + order(51, "x")
    shop.land(text)
    before = {path: path.read_bytes() for path in shop.landed_files}
    shop.land(text)
    assert {path: path.read_bytes() for path in shop.landed_files} == before


def test_the_same_content_exported_later_is_a_later_statement(shop: Shop) -> None:
    # 10.00, then corrected to 12.00, then the correction is taken back: the third export counts.
    shop.form = {**ORDERS, "exported_at": {"file_name": r"_(\d{14})"}}
    landed = [
        shop.land(HEADER + order(1, amount), f"orders_202605{day}020000.csv")
        for day, amount in (("02", "10.00"), ("03", "12.00"), ("04", "10.00"))
    ]
    assert len({file.batch_id for file in landed}) == 3
    versions = [shop.rows(file)["_version_at"][0] for file in landed]
    assert versions == sorted(versions)
    again = shop.land(HEADER + order(1, "10.00"), "again/orders_20260504020000.csv")
    assert again.batch_id == landed[2].batch_id


def test_a_left_over_draft_of_a_killed_run_is_replaced(shop: Shop) -> None:
    landed = shop.land(HEADER + orders(2))
    folder = shop.root / "landing/orders" / f"batch={landed.batch_id}"
    (folder / ".data.parquet.tmp").write_bytes(b"half a file")
    shop.land(HEADER + orders(2))
    assert [path.name for path in folder.iterdir()] == ["data.parquet"]


# orders of several lines -----------------------------------------------------------------------


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


# totals and footers ----------------------------------------------------------------------------


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


# compressed and hostile ------------------------------------------------------------------------


def test_a_compressed_file_lands_and_a_cut_one_is_refused(shop: Shop) -> None:
    data = gzip.compress((HEADER + orders(200)).encode())
    assert "damaged or cut short" in refused(shop, data[:-30], "orders.csv.gz")
    assert "damaged or cut short" in refused(shop, data[:20] + b"\0\1" + data[22:], "orders.csv.gz")
    assert shop.land(data, "orders.csv.gz").rows_landed == 200


def test_a_compression_bomb_is_refused_before_it_is_unpacked(shop: Shop) -> None:
    bomb = gzip.compress(b"0" * 64 * 1024**2)
    assert len(bomb) < 100_000
    assert "larger than allowed" in refused(shop, bomb, "orders.csv.gz")


def test_a_file_over_the_size_limit_is_refused(shop: Shop) -> None:
    shop.form = with_read(max_bytes=100)
    assert "larger than allowed" in refused(shop, HEADER + orders(10))


def test_links_and_ways_out_of_the_inbox_are_refused(shop: Shop) -> None:
    shop.put(HEADER)
    secret = shop.root / "secret.csv"
    secret.write_text(HEADER + orders(1))
    link = shop.inbox / "link.csv"
    link.symlink_to(secret)
    for path in (secret, shop.inbox / "../secret.csv", link, shop.inbox, shop.inbox / "gone.csv"):
        with pytest.raises(FileRejected):
            shop.land(path)
    assert shop.landed_files == []


def test_formulas_and_markup_are_landed_as_the_text_they_are(shop: Shop) -> None:
    names = ["=HYPERLINK(1)", "<script>alert(1)</script>", "'; drop table x; --", "../../etc"]
    landed = shop.land(HEADER + "".join(order(name) for name in names))
    assert shop.rows(landed)["order_id"].to_list() == names


# nested files ----------------------------------------------------------------------------------


def event(number: int) -> str:
    return (
        f'{{"event_timestamp":"17776000{number:02d}000000","event_name":"view_item",'
        f'"user_pseudo_id":"v{number}","items":[{{"item_id":"P1"}}]}}\n'
    )


def test_a_cut_json_line_lands_the_whole_ones(shop: Shop) -> None:
    shop.form = "ga4_events_jsonl"
    text = "".join(event(n) for n in range(10))
    landed = shop.land(gzip.compress(text[:-20].encode()), "events_20260501.json.gz")
    assert (landed.rows_landed, landed.rows_quarantined) == (9, 1)
    assert shop.quarantined(landed)["reason"].to_list() == ["cut_row"]


def test_lines_that_are_no_json_are_set_aside_one_by_one(shop: Shop) -> None:
    shop.form = "ga4_events_jsonl"
    lines = [event(n) for n in range(20)]
    lines[3], lines[11], lines[17] = "hello\n", '{"event_name": oops}\n', "[1,2]\n"
    landed = shop.land("".join(lines), "events_20260501.json")
    assert (landed.rows_landed, landed.rows_quarantined) == (17, 3)
    assert shop.quarantined(landed)["row_number"].to_list() == [4, 12, 18]


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.99])
def test_a_cut_parquet_file_is_refused(shop: Shop, keep: float) -> None:
    shop.form = "ga4_events"
    path = shop.put(b"", "events_202605.parquet")
    pl.DataFrame(
        {"event_timestamp": [1], "event_name": ["x"], "user_pseudo_id": ["v"]}
    ).write_parquet(path)
    data = path.read_bytes()
    told = refused(shop, data[: int(len(data) * keep)] or b"PAR1", "events_202605.parquet")
    assert "is not a whole Parquet file" in told


def test_a_parquet_file_without_a_needed_column_is_refused(shop: Shop) -> None:
    shop.form = "ga4_events"
    path = shop.put(b"", "events_202605.parquet")
    pl.DataFrame({"event_timestamp": [1], "user_pseudo_id": ["v"]}).write_parquet(path)
    assert "`event_name` is missing" in refused(shop, path.read_bytes(), "events_202605.parquet")
