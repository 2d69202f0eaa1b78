"""Files that are odd from outside: each is read rightly, or said to be what it is."""

from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
import yaml

from ingestion.errors import FileRejected
from ingestion.landing.deliveries import unmatched_files
from ingestion.mapping.sources import parse_sources
from ingestion.reading.guess import encoding_of_words
from ingestion.recognise import FILL_IN, Told, propose_shop, write
from ingestion.recognise.grouping import export_number
from tests.support.exports import HEADER, ORDERS, SHOP, Shop, land_all, order
from tests.support.recognised import GIVEN, only_form, proposed

HEAD = "Order ID,Order Date,SKU,Qty,Unit Price,Order Status\n"
ROWS = "1,2026-01-20 10:00:00,A,1,5.00,paid\n2,2026-01-21 10:00:00,B,2,6.50,paid\n"
ADS = "Reporting starts,Reporting ends,Campaign name,Amount spent (USD),Impressions,Link clicks\n"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def put(folder: Path, name: str, content: str | bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def unread(folder: Path) -> str:
    """Why the one file of a folder is not read."""
    (one,) = propose_shop(folder, GIVEN).unread
    return f"{one.why}. {one.do_this}"


# encodings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "encoding", "told"),
    [
        ("Größe;Preis\nweiß;1,50\nTür;2,00\n", "cp1252", "cp1252"),
        ("Situação;Preço\nConcluído;Ação\n", "cp1252", "cp1252"),
        ("买家已付款，等待卖家发货\n浙江省 杭州市\n", "gb18030", "gb18030"),
        ("注文番号,商品名\n1,青磁の茶碗\n2,コップ セット\n", "cp932", "cp932"),
        ("Номер заказа;Дата\n1;Москва\n", "cp1251", "cp1251"),
        ("주문번호,상품명,수량\n1,청자 그릇\n2,백자 컵 세트\n", "euc_kr", "euc_kr"),
        ("Größe\n", "utf-8", "utf-8"),
        # None of those that are looked for: better no word than a wrong one.
        ("訂單編號,商品名稱\n1,青瓷碗\n", "big5", ""),
        ("Zamówienie;Złoty\nŁódź;ż\n", "cp1250", ""),
        ("Größe;Preis\nweiß\n", "cp437", ""),
        ("Größe;Café crème\nweiß;Tür\n", "mac_roman", ""),
        ("L’été à Noël;«Œuvre»;20\u00a0€;n°\n", "cp1252", "cp1252"),
        ("¿Cuándo?;1.ª;Señor – Peñón\n", "cp1252", "cp1252"),
    ],
)
def test_an_encoding_is_named_only_if_the_text_then_reads_as_words(
    text: str, encoding: str, told: str
) -> None:
    assert encoding_of_words(text.encode(encoding), whole=True) == told


@pytest.mark.parametrize(
    ("name", "encoding", "hint"),
    [("青磁の茶碗", "cp932", "to cp932"), ("Café crème", "cp1252", "to cp1252"),
     ("青瓷茶碗", "big5", "to what the platform writes")],
)  # fmt: skip
def test_a_refused_file_is_told_the_encoding_it_reads_in(
    shop: Shop, name: str, encoding: str, hint: str
) -> None:
    text = HEADER + order(1, buyer=name) + order(2, buyer=name)
    with pytest.raises(FileRejected) as told:
        shop.land(text.encode(encoding))
    assert f"Set read.encoding {hint}" in str(told.value)
    assert "gb18030" not in str(told.value)


def test_japanese_rows_are_read_as_japanese(tmp_path: Path) -> None:
    text = "注文番号,注文日時,商品コード,数量,単価,注文ステータス\n"
    text += (
        "1,2026-01-20 10:00:00,茶碗,1,500,発送済み\n2,2026-01-21 10:00:00,コップ,2,650,キャンセル\n"
    )
    put(tmp_path, "orders_jp.csv", text.encode("cp932"))
    form = only_form(proposed(tmp_path)[1])
    assert form["read"]["encoding"] == "cp932"
    status = form["feeds"]["orders"]["derive"]["status"]["map"]
    assert status == {"発送済み": "shipped", "キャンセル": "closed"}


# the outside ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "above", ["\n\n", "\nOrders of January\n\n", ",,,,,\nOrders of January,,,,,\n"]
)
def test_blank_lines_and_titles_above_the_header_are_passed_over(
    tmp_path: Path, above: str
) -> None:
    put(tmp_path / "in", "orders_x.csv", above + HEAD + ROWS)
    _, content = proposed(tmp_path / "in")
    (landed,) = land_all(tmp_path, parse_sources(content["sources"]), "EUR", tmp_path / "in")
    assert landed.feeds == {"orders": 2, "order_items": 2}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("".join(f'"{line}"\n' for line in (HEAD + ROWS).splitlines()), "in quotes as a whole"),
        (HEAD + "".join(f'"{line}"\n' for line in ROWS.splitlines()), "in quotes as a whole"),
        (HEAD + ROWS.replace(",A,", ',"A\nblue,'), "opened in line 2 or before and never closed"),
        ("settlement-id\tposted-date\tamount-type\torder-id\tamount\n1\t2026-01-01\tx\t1-2\t5.00\n",
         "an Amazon settlement report: not a format that is known"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_called_what_it_is(tmp_path: Path, text: str, words: str) -> None:
    put(tmp_path, "orders_x.csv", text)
    assert words in unread(tmp_path)


def test_merged_titles_of_a_sheet_and_its_totals_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with xlsxwriter.Workbook(tmp_path / "in/orders_x.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.merge_range("A1:F1", "Orders of January")
        for number, line in enumerate([*(HEAD + ROWS).splitlines(), "Total,,,3,11.50,"], start=1):
            for column, cell in enumerate(line.split(",")):
                sheet.write_string(number, column, cell)
    _, content = proposed(tmp_path / "in")
    (landed,) = land_all(tmp_path, parse_sources(content["sources"]), "EUR", tmp_path / "in")
    assert (landed.rows_read, landed.feeds) == (2, {"orders": 2, "order_items": 2})


# what columns mean ------------------------------------------------------------------------------


def test_a_report_without_days_is_refused_by_a_guessed_mapping_too(tmp_path: Path) -> None:
    put(tmp_path / "a", "ads_a.csv", ADS + "2026-02-01,2026-02-28,Spring,264.40,2497,65\n")
    assert "of several days" in unread(tmp_path / "a")
    # Beside days a month is set aside; the currency stands in the header.
    days = "2026-02-01,2026-02-01,Spring,4.00,10,1\n2026-02-02,2026-02-02,Spring,5.00,10,1\n"
    put(tmp_path / "b", "ads_b.csv", ADS + days + "2026-01-01,2026-01-31,Spring,100,10,1\n")
    _, content = proposed(tmp_path / "b", Told("S", "EUR", "Europe/Berlin", "web"))
    (source,) = content["sources"].values()
    assert source["currency"] == "USD"
    source["files"][0]["max_bad_share"] = 1
    (landed,) = land_all(tmp_path, parse_sources(content["sources"]), "USD", tmp_path / "b")
    assert (landed.rows_landed, landed.rows_quarantined) == (2, 1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Start date,End date,Campaign name,Campaign ID,Cost,Impressions,Clicks\n"
         "2026-02-01,2026-02-28,Spring,123,264.40,3000,105\n", '"Start date" to "End date"'),
        ("Tag,Bis,Kampagne,Kosten,Impressionen,Klicks\n"
         "02.02.2026,08.02.2026,Spring,264.40,3000,105\n", '"Tag" to "Bis"'),
        ("Date,Campaign,Cost,Impressions,Clicks\n2026-02-02,A,1.00,3,1\n2026-02-09,A,1.50,3,1\n"
         "2026-02-16,A,2.00,3,1\n", "those of whole weeks"),
        ("Date,Campaign,Cost,Impressions,Clicks\n2026-02-01,A,1.00,3,1\n2026-03-01,A,1.50,3,1\n"
         "2026-12-01,A,2.00,3,1\n", "those of whole months"),
    ],
)  # fmt: skip
def test_reports_of_weeks_and_months_are_refused_whatever_says_so(
    tmp_path: Path, text: str, told: str
) -> None:
    put(tmp_path / "a", "ads_a.csv", text)
    assert told in unread(tmp_path / "a")


def test_days_that_stand_apart_by_chance_are_days(tmp_path: Path) -> None:
    rows = "".join(f"2026-02-{day:02},A,1.50,3,1\n" for day in (2, 9, 16, 17))
    put(tmp_path, "ads_a.csv", "Date,Campaign,Cost,Impressions,Clicks\n" + rows)
    _, content = proposed(tmp_path)
    form = only_form(content)
    assert form["delivery"] == "snapshot:spend_date"


def test_a_campaign_is_known_by_its_number_where_it_has_one(tmp_path: Path) -> None:
    head = "Day,Campaign,Campaign ID,Cost,Impressions,Clicks\n"
    put(tmp_path / "a", "ads_a.csv", head + "2026-02-02,Spring,12345,1.50,3,1\n")
    columns = only_form(proposed(tmp_path / "a")[1])["feeds"]["campaign_spend"]["columns"]
    assert (columns["campaign"], columns["campaign_id"]) == ("Campaign", "Campaign ID")
    put(tmp_path / "b", "ads_b.csv", head.replace("Campaign,", "") + "2026-02-02,12345,1.50,3,1\n")
    columns = only_form(proposed(tmp_path / "b")[1])["feeds"]["campaign_spend"]["columns"]
    assert columns["campaign"] == "Campaign ID" and "campaign_id" not in columns


def test_columns_are_taken_for_what_their_values_are(tmp_path: Path) -> None:
    text = "Order ID,Created at,Order Date,SKU,Qty,Unit Price,Currency,Platform,Shipping State\n"
    text += "1,2026-01-20 10:00:00,,A,1,5.00,eur,desktop,CA\n"
    text += "2,2026-01-21 10:00:00,2026-01-21 10:00:00,B,2,6.50,eur,mobile,NY\n"
    put(tmp_path, "orders_x.csv", text)
    orders = only_form(proposed(tmp_path)[1])["feeds"]["orders"]
    assert orders["columns"]["ordered_at"] == "Created at"  # the other is empty half the time
    assert orders["columns"]["device"] == "Platform" and "platform" not in orders["columns"]
    assert orders["derive"] == {"currency": {"expression": 'UPPER("Currency")'}}
    assert "status" in orders["constants"]  # a state of a country is none of an order


def test_what_the_owner_answers_of_states_holds_for_payments(tmp_path: Path) -> None:
    rows = ROWS.replace("6.50,paid", "6.50,zorp")
    put(tmp_path / "in", "orders_x.csv", HEAD + rows)
    proposal = propose_shop(tmp_path / "in", GIVEN)
    text = write(proposal).text.replace(f"zorp: {FILL_IN}", "zorp: paid")
    sources = parse_sources(yaml.safe_load(text)["sources"])
    (landed,) = land_all(tmp_path, sources, "EUR", tmp_path / "in")
    assert landed.feeds["orders"] == 2
    orders = pl.read_parquet(next((tmp_path / "landing/orders").rglob("*.parquet")))
    assert orders["paid_at"].null_count() == 0


def test_each_proposal_is_yaml_once_its_mark_is_taken_off(tmp_path: Path) -> None:
    head = "Order ID,Order Date,Order Total,Net Amount,Qty,Unit Price,SKU\n"
    for name in ("orders_1.csv", "orders_2.csv"):
        put(tmp_path, name, head + "1,03/04/2026,5.00,4.00,-1,5.00,A\n2,04/05/2026,6,5,1,6.00,B\n")
    written = write(propose_shop(tmp_path, GIVEN))
    lines = written.text.splitlines()
    proposals = [option for question in written.questions for option in question.options]
    assert len(proposals) >= 6
    for option in proposals:
        (at,) = [n for n, line in enumerate(lines) if line.strip() == f"# {option}"]
        key = option.partition(":")[0]
        taken = [line for n, line in enumerate(lines) if n == at or (f"{key}: FILL_IN" not in line
                 and f"{key}: [FILL_IN" not in line)]  # fmt: skip
        at = taken.index(lines[at])
        taken[at] = taken[at].replace("# ", "", 1)
        (source,) = yaml.safe_load("\n".join(taken))["sources"].values()
        form = source["files"][0]["format"]
        wanted = yaml.safe_load(option)
        places = (form, form["feeds"]["orders"]["columns"])
        assert any(wanted.items() <= place.items() for place in places), option


# names ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("ExportOrderList202605031630.csv", "2026-05-03 08:30:00"),
        ("ExportOrderList20260503163059.csv", "2026-05-03 08:30:59"),
        ("shop_202601010000_20260503163059.csv", "2026-05-03 08:30:59"),
    ],
)
def test_the_instant_in_native_names(tmp_path: Path, name: str, version: str) -> None:
    shop = Shop(tmp_path, {**ORDERS, "exported_at": {}})
    landed = shop.land(HEADER + order(1), name)
    assert str(shop.rows(landed, "orders")["_version_at"][0]) == version


def test_twelve_digits_that_are_no_instant_are_not_taken_for_one(tmp_path: Path) -> None:
    shop = Shop(tmp_path, {**ORDERS, "exported_at": {}})
    with pytest.raises(FileRejected, match="no export instant"):
        shop.land(HEADER + order(1), "orders_138000138000.csv")


def test_numbers_that_browsers_give_order_nothing() -> None:
    assert export_number(["export_1.csv", "export_12.csv"]) is not None
    assert export_number(["export_1.csv", "export_1 (1).csv"]) is None


# ids --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ids",
    [
        ["4123456789012340000", "4123456789012340000", "4123456789000000013"],
        ["4123456789012340000", "4123456789012350000", "4123456789000000013"],
        ["6920000000000010000", "6920000000000010000", "6900000"],
    ],
)
def test_ids_of_which_some_were_rounded_are_told(shop: Shop, ids: list[str]) -> None:
    with pytest.raises(FileRejected, match="rounded to 15 digits"):
        shop.land(HEADER + "".join(order(n, buyer=f"b{at}") for at, n in enumerate(ids)))


def test_ids_that_count_up_from_zeros_are_whole(shop: Shop) -> None:
    ids = [f"412345678901234{n:04}" for n in (0, 1, 2, 3)] + [
        f"41234567890123{n}0001" for n in (5, 6)
    ]
    assert shop.land(HEADER + "".join(order(n) for n in ids)).rows_landed == len(ids)


# files nobody wants -----------------------------------------------------------------------------


def test_files_that_are_not_wanted_are_asked_of_no_more(shop: Shop) -> None:
    shop.put(HEADER, "a/orders.csv")
    shop.put("see you\n", "a/notes.txt")
    files = [{"path": "a/*.csv", "format": shop.form}]
    sources = parse_sources({"s": {**SHOP, "files": files}})
    assert [p.name for p in unmatched_files(shop.inbox, sources)] == ["notes.txt"]
    assert unmatched_files(shop.inbox, sources, ["a/*.txt"]) == []
    told = write(propose_shop(shop.inbox, GIVEN)).text
    assert "# ignore: [a/notes.txt" in told
