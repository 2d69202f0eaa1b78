"""Spreadsheets and archives: the same rows as the CSV, or a refusal that says what to do."""

import io
import zipfile
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from tests.support import exports
from tests.support.exports import HEADER, LINES, ORDERS, Shop, orders, with_read
from tests.support.xls import xls

HEAD = HEADER.strip().split(",")
AT = datetime(2026, 5, 1, 10, 0, 0)
LONG = "6917000000000000123"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def sheet_of(*rows: Any, name: str = "Orders", **more: Any) -> bytes:
    """A workbook; `more` are further sheets: name -> rows, hidden where the name begins with _."""
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"default_date_format": "yyyy-mm-dd hh:mm:ss"})
    for title, lines in {name: rows, **more}.items():
        sheet = book.add_worksheet(title)
        for number, line in enumerate(lines):
            for column, cell in enumerate(line):
                if cell is not None:
                    # Ids in text cells, as platforms write them.
                    write = sheet.write_string if isinstance(cell, str) else sheet.write
                    write(number, column, cell)
        if title.startswith("_"):
            sheet.hide()
    book.close()
    return content.getvalue()


def row(number: Any, at: Any = AT, amount: Any = 10) -> list[Any]:
    return [number, f"buyer{number}@example.com", at, at, "paid", amount]


def refused(shop: Shop, content: bytes, name: str = "orders.xlsx") -> str:
    return exports.refused(shop, content, name)


def test_an_old_workbook_lands_as_a_new_one_does(shop: Shop) -> None:
    shop.form = {**ORDERS, "read": {**ORDERS["read"], "kind": "xlsx"}}
    rows = [row(str(number), "2026-05-01 10:00:00") for number in range(1, 4)]
    landed = shop.land(xls(HEAD, *rows), "orders.xls")
    assert (landed.rows_read, landed.rows_landed) == (3, 3)
    assert shop.rows(landed)["order_amount"].to_list() == 3 * [Decimal("10.00")]


def test_a_spreadsheet_lands_as_the_csv_of_the_same_rows_does(shop: Shop) -> None:
    text = HEADER + orders(3)
    cells = [line.split(",") for line in text.splitlines()]
    expected = shop.rows(shop.land(text)).drop("_batch_id", "_source_file")
    found = shop.rows(shop.land(sheet_of(*cells), "orders.xlsx")).drop("_batch_id", "_source_file")
    assert found.equals(expected)


def test_dates_numbers_and_ids_are_what_excel_shows(shop: Shop) -> None:
    landed = shop.land(
        sheet_of(HEAD, row("0012", amount=0.1 + 0.2), row(123456789012345, amount=99999999999.99),
                 row(LONG, amount=12.5), row(7, amount=3)),
        "orders.xlsx",
    )  # fmt: skip
    rows = shop.rows(landed)
    assert rows["order_id"].to_list() == ["0012", "123456789012345", LONG, "7"]
    assert rows["order_amount"].to_list() == [
        Decimal("0.30"), Decimal("99999999999.99"), Decimal("12.50"), Decimal("3.00"),
    ]  # fmt: skip
    # 10:00 in Shanghai.
    assert rows["ordered_at"].to_list() == [datetime(2026, 5, 1, 2)] * 4


def test_dates_of_excel_are_read_whatever_form_the_format_has(shop: Shop) -> None:
    shop.form = {**ORDERS, "datetimes": ["%d/%m/%Y %H:%M"]}
    landed = shop.land(sheet_of(HEAD, row("1"), row("2", "01/05/2026 11:00")), "orders.xlsx")
    assert shop.rows(landed)["ordered_at"].dt.hour().to_list() == [2, 3]


def test_a_day_of_excel_is_a_day(tmp_path: Path) -> None:
    form = {"feeds": {"traffic_daily": {
        "columns": {"traffic_date": "日期", "visitors": "访客数"},
        "constants": {"grain": "shop", "segment": "all"}}}}  # fmt: skip
    shop = Shop(tmp_path, form)
    landed = shop.land(sheet_of(["日期", "访客数"], [date(2026, 5, 1), 1234]), "t.xlsx")
    rows = shop.rows(landed, "traffic_daily")
    assert rows.select("traffic_date", "visitors").row(0) == (date(2026, 5, 1), 1234)


def test_an_id_that_excel_cut_to_15_digits_is_set_aside(shop: Shop) -> None:
    good = [row(f"{number}") for number in range(9)]
    landed = shop.land(sheet_of(HEAD, *good, row(6917000000000000123)), "orders.xlsx")
    assert (landed.rows_landed, landed.rows_quarantined) == (9, 1)
    told = shop.quarantined(landed)
    assert (told["reason"][0], told["line_number"][0]) == ("lost_digits", 11)
    assert "`order_id`" in told["message"][0]
    assert "Excel keeps 15" in landed.issues[0]


def test_a_text_that_ends_in_zeros_is_no_number(shop: Shop) -> None:
    landed = shop.land(sheet_of(HEAD, row("6917000000000000000")), "orders.xlsx")
    assert shop.rows(landed)["order_id"].to_list() == ["6917000000000000000"]


def test_a_long_number_in_a_column_nobody_reads_does_no_harm(shop: Shop) -> None:
    content = sheet_of([*HEAD, "barcode"], [*row("1"), 6917000000000000123])
    assert shop.land(content, "orders.xlsx").rows_landed == 1


def test_rows_are_numbered_as_in_the_sheet(shop: Shop) -> None:
    shop.form = with_read(title_lines=2, skip_after_header=1, footer="^Total")
    good = [row(f"{number}") for number in range(9)]
    lines = [[], ["Report"], [], HEAD, ["", "second header"], *good, [], row("x", amount="12,8o"),
             ["Total", None, None, None, None, 90]]  # fmt: skip
    landed = shop.land(sheet_of(*lines), "orders.xlsx")
    assert (landed.rows_read, landed.rows_landed) == (10, 9)
    told = shop.quarantined(landed)
    assert (told["row_number"][0], told["line_number"][0]) == (10, 16)
    assert told["byte_offset"].null_count() == told.height


def test_formulas_count_with_the_value_they_had(shop: Shop) -> None:
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, HEAD)
    sheet.write_row(1, 0, ["1", "b", "2026-05-01 10:00:00", "", "paid"])
    sheet.write_formula(1, 5, "=5*2.5", None, 12.5)
    book.close()
    assert shop.rows(shop.land(content.getvalue(), "a.xlsx"))["order_amount"][0] == Decimal("12.50")


def test_the_sheet_with_the_columns_is_found(shop: Shop) -> None:
    content = sheet_of(["read me"], name="Notes", Data=[HEAD, row("1")], _old=[HEAD, row("2")])
    assert shop.rows(shop.land(content, "orders.xlsx"))["order_id"].to_list() == ["1"]
    shop.form = with_read(sheet="_old")
    assert shop.rows(shop.land(content, "orders.xlsx"))["order_id"].to_list() == ["2"]


def test_two_sheets_with_the_columns_must_be_told_apart(shop: Shop) -> None:
    content = sheet_of(HEAD, row("1"), name="May", June=[HEAD, row("2")])
    told = refused(shop, content)
    assert "several sheets with these columns: May, June" in told
    assert "read.sheet" in told
    shop.form = with_read(sheet="July")
    assert "has no sheet `July`" in refused(shop, content)


def test_a_sheet_without_its_columns_is_refused_as_a_csv_is(shop: Shop) -> None:
    head = [name.replace("paid_amount", "paid_amounts") for name in HEAD]
    assert "`paid_amounts`: renamed?" in refused(shop, sheet_of(head, row("1")))
    assert "has no header" in refused(shop, sheet_of())
    assert "stands in the file twice" in refused(shop, sheet_of(HEAD, row("1"), HEAD))


def test_blank_cells_take_the_value_above_where_the_format_says_so(tmp_path: Path) -> None:
    shop = Shop(tmp_path, {**LINES, "read": {**LINES["read"], "fill_down": ["order_id"]}})
    lines = [["1", "A", 1, 5, AT, 10], [None, "B", 1, 5, None, None]]
    landed = shop.land(sheet_of(LINES["read"]["header"], *lines), "lines.xlsx")
    assert shop.rows(landed, "order_items")["order_id"].to_list() == ["1", "1"]


def test_a_format_may_take_nothing_but_spreadsheets(shop: Shop) -> None:
    shop.form = with_read(kind="xlsx")
    assert "is no spreadsheet" in refused(shop, (HEADER + orders(1)).encode(), "orders.csv")
    assert shop.land(sheet_of(HEAD, row("1")), "orders.bin").rows_landed == 1


def test_damaged_and_protected_workbooks_are_refused(shop: Shop) -> None:
    whole = sheet_of(HEAD, *[row(f"{n}") for n in range(50)])
    assert "damaged" in refused(shop, whole[: len(whole) // 2])
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
    protected = ole + "EncryptedPackage".encode("utf-16-le") + bytes(512)
    assert "protected by a password" in refused(shop, protected)
    assert "is not a whole spreadsheet" in refused(shop, ole, "orders.xls")


def test_a_small_workbook_that_unpacks_to_a_huge_one_is_refused(shop: Shop) -> None:
    content = io.BytesIO(sheet_of(HEAD, row("1")))
    with zipfile.ZipFile(content, "a", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/worksheets/sheet9.xml", b"<c/>" * 8_000_000)
    assert "is larger than allowed" in refused(shop, content.getvalue())


def test_a_workbook_that_lies_about_its_size_is_refused(shop: Shop) -> None:
    data = bytearray(sheet_of(HEAD, row("1")))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as book:
        part = book.getinfo("xl/worksheets/sheet1.xml")
    # The directory entry says less than what is packed, with the checksum of that less.
    import struct
    import zlib

    with zipfile.ZipFile(io.BytesIO(bytes(data))) as book:
        less = book.read(part)[:-1]
    entry = data.rindex(b"xl/worksheets/sheet1.xml") - 46
    struct.pack_into("<I", data, entry + 16, zlib.crc32(less))
    struct.pack_into("<I", data, entry + 24, len(less))
    assert "not as large as it says" in refused(shop, bytes(data))


def test_cells_far_out_are_refused(shop: Shop) -> None:
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, HEAD)
    sheet.write_row(1, 0, ["1", "b", "2026-05-01 10:00:00", "", "paid", 1])
    sheet.write(1_048_575, 16_383, "x")
    book.close()
    assert "as far out as XFD1048576" in refused(shop, content.getvalue())


def test_times_alone_and_errors_are_no_instants(shop: Shop) -> None:
    good = [row(f"{number}") for number in range(9)]
    landed = shop.land(sheet_of(HEAD, *good, row("10", time(10, 30))), "orders.xlsx")
    assert landed.rows_quarantined == 1


# archives --------------------------------------------------------------------------------------


def zipped(**files: str | bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def test_a_zip_archive_of_one_file_is_read_as_that_file(shop: Shop) -> None:
    landed = shop.land(zipped(**{"ExportOrderList.csv": HEADER + orders(3)}), "orders.zip")
    assert landed.rows_landed == 3
    clutter = {"a.csv": HEADER + orders(2), "__MACOSX/._a.csv": "x", "folder/": ""}
    assert shop.land(zipped(**clutter), "more.zip").rows_landed == 2


def test_an_archive_of_several_files_or_none_is_refused(shop: Shop) -> None:
    several = zipped(**{"a.csv": HEADER + orders(1), "b.csv": HEADER + orders(1)})
    assert "is an archive of 2 files" in refused(shop, several, "orders.zip")
    assert "is an archive of 0 files" in refused(shop, zipped(**{"folder/": ""}), "orders.zip")


@pytest.mark.parametrize("name", ["../a.csv", "/etc/a.csv", "C:\\a.csv", "x/../../a.csv"])
def test_an_archive_whose_path_leads_elsewhere_is_refused(shop: Shop, name: str) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), HEADER + orders(1))
    assert "would be unpacked elsewhere" in refused(shop, content.getvalue(), "orders.zip")


def test_a_bomb_a_cut_and_a_protected_archive_are_refused(shop: Shop) -> None:
    shop.form = with_read(max_ratio=20)
    bomb = zipped(**{"a.csv": HEADER + " " * 40_000_000})
    assert "is larger than allowed" in refused(shop, bomb, "orders.zip")
    whole = zipped(**{"a.csv": HEADER + orders(500)})
    assert "damaged" in refused(shop, whole[:-40], "orders.zip")
    flipped = bytearray(whole)
    flipped[len(whole) // 3] ^= 0xFF
    assert "damaged" in refused(shop, bytes(flipped), "orders.zip")
    protected = bytearray(whole)
    protected[whole.rindex(b"PK\x01\x02") + 8] |= 1
    assert "protected by a password" in refused(shop, bytes(protected), "orders.zip")
