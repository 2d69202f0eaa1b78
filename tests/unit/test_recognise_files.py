"""What one file looks like from outside, and what the values of a column show."""

import gzip
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from ingestion.recognise.grouping import export_instant, group, pattern_of
from ingestion.recognise.outline import outline_of
from ingestion.recognise.values import column_of, number_style
from ingestion.recognise.words import hinted_feeds, is_personal, meanings, plain, tables
from tests.support.xls import xls

GERMAN = "Bestellnummer;Größe;Preis\n1;Groß, weiß;1,50\n2;Tür;2,00\n"
CHINESE = "订单编号,商品名称,金额\n1,青瓷碗,5.00\n2,白瓷杯,6.50\n"


def given(tmp_path: Path, content: bytes, name: str = "x.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("text", "encoding", "told", "delimiter"),
    [
        (GERMAN, "cp1252", "cp1252", ";"),
        (GERMAN, "utf-8", "utf-8", ";"),
        (GERMAN, "utf-8-sig", "utf-8", ";"),
        (CHINESE, "gb18030", "gb18030", ","),
        (CHINESE, "utf-16", "utf-16", ","),
        (CHINESE.replace(",", "\t"), "utf-8", "utf-8", "\t"),
        ("id|name|n\n1|a|2\n", "utf-16-le", "utf-16-le", "|"),
    ],
)
def test_encoding_and_separator(
    tmp_path: Path, text: str, encoding: str, told: str, delimiter: str
) -> None:
    seen = outline_of(given(tmp_path, text.encode(encoding)))
    assert (seen.trouble, seen.kind, seen.encoding, seen.delimiter) == ("", "csv", told, delimiter)
    assert seen.header[0] == text[: text.index(delimiter)]


def test_title_lines_totals_and_a_missing_line_end(tmp_path: Path) -> None:
    text = (
        'Report\n"May 1, 2026 - May 2, 2026"\nDay,Cost,Clicks\n2026-05-01,"1,200.50",3\nTotal,9,3'
    )
    seen = outline_of(given(tmp_path, text.encode()))
    assert (seen.title_lines, seen.header) == (2, ("Day", "Cost", "Clicks"))
    assert seen.footer and not seen.ends_whole
    assert seen.head["Cost"][0] == "1,200.50"


def test_marks_of_spreadsheets_are_taken_off_before_values_are_weighed(tmp_path: Path) -> None:
    seen = outline_of(given(tmp_path, b'id,n,sku\n="00123",1,\'77\n="00124",2,\'78\n'))
    assert set(seen.marks) == {"excel_text", "leading_quote"}
    assert seen.head["id"].to_list() == ["00123", "00124"]
    assert seen.head["sku"].to_list() == ["77", "78"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n \n", "blank lines"),
        (bytes(range(256)) * 20, "binary"),
        (b"%PDF-1.7 ...", "a PDF"),
        (b"1001,2026-01-02,A,5.00\n1002,2026-01-03,B,6.00\n", "no header"),
        (b"name\nx\n", "one column"),
        (b"id,id,n\n1,2,3\n", "twice"),
        (b'[{"id": 1}]', "JSON list"),
        (b"PAR1 this is none", "damaged Parquet"),
        (b"PK\x03\x04 nor a zip", "damaged zip"),
        (gzip.compress(CHINESE.encode(), mtime=0)[:20], "gzip"),
        (xls(["1001", "2026-01-02"], ["1002", "2026-01-03"]), "no header"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 100, "not a whole spreadsheet"),
    ],
)
def test_files_nothing_can_be_made_of_say_why_and_what_to_do(
    tmp_path: Path, content: bytes, words: str
) -> None:
    seen = outline_of(given(tmp_path, content))
    assert words in seen.trouble and seen.do_this


def test_packed_files_are_looked_into(tmp_path: Path) -> None:
    seen = outline_of(given(tmp_path, gzip.compress(CHINESE.encode()), "x.csv.gz"))
    assert (seen.trouble, seen.header) == ("", ("订单编号", "商品名称", "金额"))


@pytest.mark.parametrize(
    ("values", "families"),
    [
        (["2026-05-01 10:00:00"], {"year first": ("%Y-%m-%d %H:%M:%S",)}),
        (["2026-05-01T10:00:00Z"], {"year first": ("%Y-%m-%dT%H:%M:%S%#z",)}),
        (["2026-05-01 10:00:00 +0800"], {"year first": ("%Y-%m-%d %H:%M:%S %#z",)}),
        (["13.02.2026", "01.02.2026"], {"day first": ("%d.%m.%Y",)}),
        (["2/13/26 8:26", "1/2/26 18:05"], {"month first": ("%m/%d/%y %H:%M",)}),
        (["20260501", "20260502"], {"year first": ("%Y%m%d",)}),
        (["2026年5月1日"], {"year first": ("%Y年%m月%d日",)}),
        (["May 1, 2026", "Dec 31, 2025"], {"named month": ("%b %d, %Y",)}),
        (["1767225600000", "1767312000000"], {"epoch": ("epoch_ms",)}),
        (
            ["03/04/2026", "05/06/2026"],
            {"day first": ("%d/%m/%Y",), "month first": ("%m/%d/%Y",)},
        ),
        (["1001", "1002"], {}),
        (["99/99/2026"], {}),
    ],
)
def test_forms_of_dates(values: list[str], families: dict[str, tuple[str, ...]]) -> None:
    assert column_of("when", pl.Series(values)).families == families


def test_one_day_above_twelve_in_a_long_column_decides() -> None:
    open_days = [f"{a:02}/{b:02}/2026" for a in range(1, 13) for b in range(1, 13)]
    # 31 April does not exist: one bad cell in 146 does not hide that days come first.
    cells = pl.Series([*open_days, "31/04/2026", "30/04/2026"])
    assert list(column_of("when", cells).families) == ["day first"]
    both = column_of("when", pl.Series(open_days)).families
    assert list(both) == ["day first", "month first"]


@pytest.mark.parametrize(
    ("values", "decimal", "sure", "proven"),
    [
        (["1,204.50", "3.10"], ".", True, True),
        (["1.204,50", "3,10"], ",", True, True),
        (["12", "7"], ".", True, False),
        (["1,204", "3,500"], ".", False, False),
        (["1.5", "2,5"], ".", False, False),
        (["¥1,204.50"], ".", True, True),
        (["1 234,56"], ",", True, True),
    ],
)
def test_marks_of_numbers(values: list[str], decimal: str, sure: bool, proven: bool) -> None:
    style = number_style(pl.DataFrame({"n": values}))
    assert (style.decimal, style.sure, style.proven) == (decimal, sure, proven)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["a@example.org", "b@example.com"], "email"),
        (["13800000001", "13900000002"], "phone"),
        (["+49 30 1234567", "+49 89 7654321"], "phone"),
        (["USD", "EUR"], "currency"),
        (["true", "false"], "flag"),
        (["https://x.example/a"], "url"),
        (["", "-", "null"], "empty"),
        (["red", "12"], "text"),
    ],
)
def test_kinds_of_values(values: list[str], kind: str) -> None:
    assert column_of("c", pl.Series(values)).kind == kind


def test_values_that_may_be_people_are_not_kept() -> None:
    assert column_of("c", pl.Series(["a@example.org"])).values == ()
    assert column_of("c", pl.Series(["paid", "call 030 1234567"])).values == ()
    assert column_of("c", pl.Series(["paid", "open"])).values == ("open", "paid")


@pytest.mark.parametrize(
    ("path", "glob"),
    [
        ("tmall/ExportOrderList_20260901_20260902030000.csv", "tmall/ExportOrderList_*.csv"),
        ("ga4/events_202609.parquet", "ga4/events_*.parquet"),
        ("orders.csv", "orders.csv"),
        ("orders_export (1).csv", "orders_export (*).csv"),
        ("2026/09/sales-2026-09-01.csv", "*/*/sales-*.csv"),
        ("report20260901.csv", "report*.csv"),
        ("a[1].csv", "a[[]*[]].csv"),
    ],
)
def test_patterns_of_names(path: str, glob: str) -> None:
    assert pattern_of(path) == glob


def test_no_two_patterns_claim_one_file(tmp_path: Path) -> None:
    for name in ("refunds_20260101.csv", "refunds_eu_20260101.csv", "refunds_eu_20260102.csv"):
        given(tmp_path, b"refund_id,amount\n1,2\n", name)
    groups = group([outline_of(p) for p in sorted(tmp_path.iterdir())], tmp_path)
    claimed = [p.name for one in groups for p in tmp_path.glob(one.glob)]
    assert sorted(claimed) == sorted(p.name for p in tmp_path.iterdir())
    assert len(groups) == 2


def test_files_of_one_name_and_two_layouts_are_told_apart(tmp_path: Path) -> None:
    given(tmp_path, b"order_id,amount\n1,2\n", "export_1.csv")
    given(tmp_path, b"sku,stock,place\n1,2,x\n", "export_2.csv")
    groups = group([outline_of(p) for p in sorted(tmp_path.iterdir())], tmp_path)
    assert [one.glob for one in groups] == ["export_1.csv", "export_2.csv"]


def test_the_instant_of_export_in_names() -> None:
    assert export_instant(["a_20260131093000.csv"]) == (r"(?<!\d)(\d{14})(?!\d)", "%Y%m%d%H%M%S")
    found = export_instant(["a_20260131-093000.csv", "a_20260201-093000.csv"])
    assert found is not None
    assert datetime.strptime("20260131-093000", found[1]) == datetime(2026, 1, 31, 9, 30)
    assert export_instant(["a_20260131093000.csv", "b.csv"]) is None


@pytest.mark.parametrize(
    ("name", "feed", "column", "weak"),
    [
        ("Order ID", "orders", "order_id", False),
        ("订单编号", "orders", "order_id", False),
        ("InvoiceNo", "order_items", "order_id", False),
        ("Bestell-Nr.", "orders", "order_id", False),
        ("Amount spent (EUR)", "campaign_spend", "cost", False),
        ("created_at", "orders", "ordered_at", True),
        ("status", "orders", "status", True),
        ("Household_ID", "coupon_redemptions", "customer_id", False),
    ],
)
def test_names_of_columns(name: str, feed: str, column: str, weak: bool) -> None:
    found = meanings(name, feed)[0]
    assert (found.column, found.is_weak) == (column, weak)


def test_a_millionth_is_not_the_cost() -> None:
    assert meanings("cost_micros", "campaign_spend") == ()


def test_personal_names_in_three_languages() -> None:
    names = ["收货人姓名", "E-Mail-Adresse", "Billing Phone", "customer_email", "prénom", "Vorname"]
    assert [name for name in names if not is_personal(name)] == []
    assert not is_personal("Order ID")


def test_file_names_hint_at_feeds() -> None:
    assert hinted_feeds("x/refunds_2026.csv")[0] == "refunds"
    assert hinted_feeds("库存_2026.csv")[0] == "inventory_snapshots"
    assert hinted_feeds("data.csv") == []


def test_every_word_belongs_to_a_column_there_is_and_to_a_source_that_is_named() -> None:
    from ingestion.feeds import FEEDS

    words = tables()
    everywhere = {column for feed in FEEDS.values() for column in feed.delivered}
    assert set(words["shared"]) <= everywhere
    for feed, table in words["feeds"].items():
        assert set(table["columns"]) <= set(FEEDS[feed].delivered), feed
    tables_of = [*words["shared"].values(), words["personal"]]
    tables_of += [column for f in words["feeds"].values() for column in f["columns"].values()]
    origins = {origin for table in tables_of for origin in table}
    assert origins - {"weak_other"} <= set(words["sources"])
    for key, table in words["values"].items():
        feed, column = key.split(".")
        (allowed,) = [c.allowed for c in FEEDS[feed].given if c.name == column]
        assert set(table) <= set(allowed), key
        spelt = [word for words in table.values() for word in {plain(str(w)) for w in words}]
        assert len(spelt) == len(set(spelt)), key
