"""Whole folders: what is recognised, what is only proposed, what is asked; and that it reads."""

import io
import shutil
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
import yaml

from ingestion.mapping.sources import parse_sources
from ingestion.recognise import FILL_IN, Sure, Told, propose_shop, write
from orchestration.config.settings import DEMO_CONFIG, PROJECT_ROOT
from tests.support.exports import land_all
from tests.support.recognised import GIVEN, formats, only_form, proposed, readings
from tests.support.samples import SAMPLES
from tests.support.simulated import autumn
from tests.support.xls import xls

REAL = PROJECT_ROOT.parent / "shared/data"
needs_real = pytest.mark.skipif(not REAL.exists(), reason="no real data beside the checkout")

HEAD = "Order ID,Order Date,SKU,Qty,Unit Price,Order Status"
GERMAN = """\
Bestellnummer;Bestelldatum;Artikelnummer;Menge;Einzelpreis;Gesamtbetrag;E-Mail-Adresse;Bestellstatus
1001;03.02.2026 10:11;A-1;2;1.234,50;2.469,00;eva@example.org;Bezahlt
1001;03.02.2026 10:11;A-2;3;0,99;2,97;eva@example.org;Bezahlt
1002;28.02.2026 11:00;A-1;1;1.234,50;1.234,50;max@example.org;Storniert
"""


def put(folder: Path, name: str, text: str, encoding: str = "utf-8") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return autumn(tmp_path_factory) / "inbox"


def test_the_demo_shop_is_proposed_as_its_example_says(demo: Path) -> None:
    proposal, content = proposed(demo, Told())
    example = yaml.safe_load(DEMO_CONFIG.read_text(encoding="utf-8"))
    wanted = {
        files["path"]: (files["format"], source.get("platform"), source["currency"])
        for source in example["sources"].values()
        for files in source["files"]
        if any(demo.glob(files["path"]))
    }
    found = {
        files["path"]: (files["format"], source.get("platform"), source["currency"])
        for source in content["sources"].values()
        for files in source["files"]
    }
    assert {path: told[0] for path, told in found.items()} == {
        path: told[0] for path, told in wanted.items()
    }
    # What no file says is asked, never made up: where an own system sells, and in what.
    for path, told in found.items():
        assert set(told) - set(wanted[path]) <= {FILL_IN}, path
        if not path.startswith("erp/"):
            assert told == wanted[path]
    assert {sure for _, sure in formats(proposal).values()} == {"certain"}
    assert not proposal.unread
    assert (content["shop"]["currency"], content["shop"]["timezone"]) == ("CNY", "Asia/Shanghai")
    # The site's refunds are in local times and its export names no zone: that is asked.
    keys = [q.key for q in write(proposal).questions if ".erp." not in q.key]
    assert keys == ["sources.shopify.timezone"]


def test_the_samples_of_the_formats_are_recognised(tmp_path: Path) -> None:
    wrong = []
    files = sorted(path for path in SAMPLES.iterdir() if path.suffix != ".md")
    for path in files:
        folder = tmp_path / path.stem
        folder.mkdir()
        shutil.copyfile(path, folder / path.name)
        proposal, _ = proposed(folder)
        told = [(r.format_name, r) for r in readings(proposal).values()]
        name = path.name.partition(".")[0]
        if name in ("plain_products", "plain_refunds"):
            name = name.removeprefix("plain_")  # the same columns; the format knows more of them
        if [found for found, _ in told] != [name]:
            # One export that two formats read for two feeds: a question, and nothing runs.
            options = [line for _, r in told for note in r.notes for line in note.alternatives]
            is_asked = any(r.is_open for _, r in told) and any(f" {name} " in o for o in options)
            wrong += [] if is_asked else [(name, [found for found, _ in told])]
    assert wrong == []
    assert len(files) >= 20


def test_a_german_export_is_read_to_the_cent(tmp_path: Path) -> None:
    put(tmp_path / "in", "bestellungen_2026.csv", GERMAN, "cp1252")
    proposal, content = proposed(tmp_path / "in")
    (reading,) = readings(proposal).values()
    form = only_form(content)
    assert form["read"]["delimiter"] == ";"
    assert form["numbers"] == {"thousands": ".", "decimal": ","}
    assert form["datetimes"] == ["%d.%m.%Y %H:%M"]
    assert form["personal"] == ["E-Mail-Adresse"]
    assert form["order_value"] == "each_line"
    assert form["feeds"]["orders"]["derive"]["status"]["map"] == {
        "Bezahlt": "paid",
        "Storniert": "closed",
    }
    assert (reading.trial.rows_read, reading.trial.rows_quarantined) == (3, 0)
    (landed,) = land_all(tmp_path, parse_sources(content["sources"]), "EUR", tmp_path / "in")
    assert landed.feeds == {"orders": 2, "order_items": 3}
    orders = pl.read_parquet(next((tmp_path / "landing/orders").rglob("*.parquet")))
    assert orders.select("order_id", "order_amount", "status").rows() == [
        ("1001", Decimal("2471.97"), "paid"),
        ("1002", Decimal("1234.50"), "closed"),
    ]
    # A cancelled order is not taken for a paid one.
    assert orders["paid_at"].is_null().to_list() == [False, True]


def test_no_person_is_told_of(tmp_path: Path) -> None:
    put(tmp_path, "bestellungen_2026.csv", GERMAN)
    proposal, _ = proposed(tmp_path)
    text = write(proposal).text + str(readings(proposal))
    assert "eva@" not in text and "max@" not in text


def test_days_and_months_that_cannot_be_told_apart_are_asked(tmp_path: Path) -> None:
    rows = "1,03/04/2026,A,1,5.00,paid\n2,04/05/2026,B,2,6.50,paid\n"
    put(tmp_path, "orders_us.csv", f"{HEAD}\n{rows}")
    proposal, content = proposed(tmp_path)
    written = write(proposal)
    assert only_form(content)["datetimes"] == [FILL_IN]
    (asked,) = [q for q in written.questions if q.key.endswith("datetimes")]
    assert FILL_IN in written.text.splitlines()[asked.line - 1]
    assert [option.partition(" #")[0] for option in asked.options] == [
        "datetimes: ['%d/%m/%Y']",
        "datetimes: ['%m/%d/%Y']",
    ]
    assert next(iter(readings(proposal).values())).sure == Sure.UNSURE


def test_another_date_column_settles_how_dates_are_written(tmp_path: Path) -> None:
    rows = "1,03/04/2026,A,1,5.00,paid,13/04/2026\n2,04/05/2026,B,2,6.50,paid,28/05/2026\n"
    put(tmp_path, "orders_uk.csv", f"{HEAD},Ship Date\n{rows}")
    _, content = proposed(tmp_path)
    assert only_form(content)["datetimes"] == ["%d/%m/%Y"]


def test_several_amounts_are_a_question_and_none_is_taken(tmp_path: Path) -> None:
    text = "Order ID,Order Date,Order Total,Net Amount\n1,2026-01-20,5.00,4.00\n2,2026-01-21,6,5\n"
    put(tmp_path, "orders_x.csv", text)
    proposal, content = proposed(tmp_path)
    assert only_form(content)["feeds"]["orders"]["columns"]["order_amount"] == FILL_IN
    (asked,) = [q for q in write(proposal).questions if "order_amount" in q.text]
    assert asked.options == ("order_amount: Order Total", "order_amount: Net Amount")


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        (["10.00", "", "7.00", ""], "first_line"),
        (["10.00", "10.00", "7.00", "7.00"], "repeated"),
        (["6.00", "4.00", "2.00", "5.00"], "each_line"),
    ],
)
def test_how_order_values_stand_on_lines(tmp_path: Path, cells: list[str], rule: str) -> None:
    lines = [
        f"{1 + n // 2},2026-01-{20 + n // 2} 10:00:00,S{n},1,1.00,{cell},paid"
        for n, cell in enumerate(cells)
    ]
    head = "Order ID,Order Date,SKU,Qty,Unit Price,Order Total,Order Status"
    put(tmp_path, "orders_x.csv", "\n".join([head, *lines]) + "\n")
    _, content = proposed(tmp_path)
    assert only_form(content)["order_value"] == rule


def test_unknown_words_of_a_status_stay_open(tmp_path: Path) -> None:
    rows = "1,2026-01-20 10:00:00,A,1,5.00,paid\n2,2026-01-21 10:00:00,B,2,6.50,zorp\n"
    put(tmp_path, "orders_x.csv", f"{HEAD}\n{rows}")
    _, content = proposed(tmp_path)
    derived = only_form(content)["feeds"]["orders"]["derive"]
    assert derived["status"]["map"] == {"paid": "paid", "zorp": FILL_IN}


def test_what_is_not_known_is_left_to_fill_in(tmp_path: Path) -> None:
    rows = "1,2026-01-20 10:00:00,A,1,5.00,paid\n2,2026-01-21 10:00:00,B,2,6.50,paid\n"
    put(tmp_path, "orders_x.csv", f"{HEAD}\n{rows}")
    _, content = proposed(tmp_path, Told())
    (source,) = content["sources"].values()
    assert (content["shop"]["currency"], content["shop"]["timezone"]) == (FILL_IN, FILL_IN)
    assert [source[key] for key in ("platform", "timezone", "currency")] == [FILL_IN] * 3


def test_bad_files_are_listed_with_what_to_do_beside_good_ones(tmp_path: Path) -> None:
    rows = "1,2026-01-20 10:00:00,A,1,5.00,paid\n2,2026-01-21 10:00:00,B,2,6.50,paid\n"
    put(tmp_path, "orders_1.csv", f"{HEAD}\n{rows}")
    put(tmp_path, "orders_2.csv", "")
    put(tmp_path, "nohead.csv", "1,2026-01-02,A,5.00\n")
    put(tmp_path, "notes.txt", "Dear all\nsee you, bye\n")
    (tmp_path / "photo.png").write_bytes(b"\x89PNG....")
    proposal, _ = proposed(tmp_path)
    assert list(readings(proposal)) == ["orders_*.csv"]
    told = {one.glob: one.why for one in proposal.unread}
    assert set(told) == {"orders_2.csv", "nohead.csv", "notes.txt", "photo.png"}
    assert "empty" in told["orders_2.csv"] and "no header" in told["nohead.csv"]


def test_a_shaky_guess_is_switched_off_and_can_be_switched_on(tmp_path: Path) -> None:
    text = "order_id,created_at,amount,gateway,x1,x2,x3,x4,x5,x6\n"
    text += (
        "1,2026-01-20 10:00:00,5.00,card,a,b,c,d,e,f\n2,2026-01-21 10:00:00,6.00,card,a,b,c,d,e,f\n"
    )
    put(tmp_path, "payout.csv", text.replace("amount", "refund_amount"))
    proposal, content = proposed(tmp_path)
    (reading,) = readings(proposal).values()
    assert reading.is_doubtful and not content["sources"]
    switched_on = write(proposal).text.replace("#| ", "").replace("sources: {}", "sources:")
    sources = parse_sources(yaml.safe_load(switched_on)["sources"])
    assert [files.path for s in sources.values() for files in s.files] == ["payout.csv"]


def test_levels_of_one_report_do_not_both_count(tmp_path: Path) -> None:
    head = "ad_id,date,account_id,impressions,inline_link_clicks,spend,reach"
    put(tmp_path, "ads.csv", f"{head}\n1,2026-01-01,9,100,3,4.50,80\n")
    put(tmp_path, "regions.csv", f"{head},region\n1,2026-01-01,9,100,3,4.50,80,East\n")
    proposal, _ = proposed(tmp_path)
    live = {r.group.glob: r.is_doubtful for r in readings(proposal).values()}
    assert live == {"ads.csv": False, "regions.csv": True}


def test_files_of_several_platforms_in_one_folder_become_several_sources(
    demo: Path, tmp_path: Path
) -> None:
    for pattern in ("tmall/ExportOrderList_*", "shopify/orders_export_*", "meta_ads/*"):
        path = sorted(demo.glob(pattern))[0]
        shutil.copyfile(path, tmp_path / path.name)
    proposal, content = proposed(tmp_path, Told("S", "CNY", "Asia/Shanghai"))
    platforms = {
        files["format"]: source["platform"]
        for source in content["sources"].values()
        for files in source["files"]
    }
    # Tmall and Taobao write the same report: which of them is for the owner to say.
    assert platforms == {
        "taobao_orders": FILL_IN,
        "shopify_orders": "shopify",
        "meta_ads_campaigns": "shopify",
    }
    asked = [q for q in write(proposal).questions if q.key.endswith("platform")]
    assert [q.options for q in asked] == [("platform: tmall", "platform: taobao")]


@needs_real
def test_online_retail_is_proposed_and_reads(tmp_path: Path) -> None:
    folder = REAL / "online_retail_2010_2011"
    proposal, content = proposed(folder, Told("UK", "GBP", "Europe/London", "web"))
    form = only_form(content)
    assert form["datetimes"] == ["%m/%d/%y %H:%M"]
    assert form["order_value"] == "repeated"
    columns = {**form["feeds"]["orders"]["columns"], **form["feeds"]["order_items"]["columns"]}
    assert columns == {
        "order_id": "InvoiceNo",
        "ordered_at": "InvoiceDate",
        "paid_at": "InvoiceDate",
        "customer_id": "CustomerID",
        "region": "Country",
        "product_id": "StockCode",
        "quantity": "Quantity",
        "unit_price": "UnitPrice",
        "product_name": "Description",
    }
    (reading,) = readings(proposal).values()
    raw = pl.read_csv(next(folder.glob("*.csv.gz")), infer_schema=False)
    bad = raw.filter(
        (pl.col("Quantity").cast(pl.Int64) < 1) | (pl.col("UnitPrice").cast(pl.Float64) < 0)
    )
    sold = raw.filter(pl.col("Quantity").cast(pl.Int64) >= 1)
    assert reading.trial.rows_read == raw.height
    # Whole orders are set aside with a bad line, so at least the bad lines are.
    assert bad.height <= reading.trial.rows_quarantined <= raw.height - 0.97 * sold.height


@needs_real
def test_complete_journey_is_proposed(tmp_path: Path) -> None:
    told = Told("US", "USD", "America/New_York", "pos")
    proposal, _ = proposed(REAL / "complete_journey_150_households", told)
    found = {r.group.glob: r for r in readings(proposal).values()}
    assert {glob: r.feeds for glob, r in found.items()} == {
        "campaigns.parquet": ("campaign_members",),
        "coupon_redemptions.parquet": ("coupon_redemptions",),
        "transactions.parquet": ("orders", "order_items"),
    }
    # The counts of the data's own description.
    assert found["campaigns.parquet"].trial.rows_landed == 366
    assert found["coupon_redemptions.parquet"].trial.rows_landed == 158
    asked = [q.text for q in write(proposal).questions]
    assert any("UTC" in text for text in asked)


@needs_real
def test_headers_of_the_platforms_are_recognised() -> None:
    proposal = propose_shop(REAL / "platform_layouts", GIVEN)
    assert {glob: name for glob, (name, _) in formats(proposal).items()} == {
        "douyin_settlement_flow.header.csv": "douyin_settlement",
        "douyin_shop_order_export.header.csv": "douyin_orders",
        "jd_pop_order_export.header.csv": "jd_pop_orders",
        "meta_ads_manager_campaign_export.header.csv": "meta_ads_campaigns",
        "shopify_orders_export.header.csv": "shopify_orders",
        "taobao_tmall_order_detail_ExportOrderDetailList.header.csv": "taobao_order_details",
        "taobao_tmall_order_report_ExportOrderList.header.csv": "taobao_orders",
    }


@needs_real
def test_of_sixty_tables_of_three_apis_only_right_ones_are_switched_on() -> None:
    folder = REAL / "fivetran_seeds"
    proposal = propose_shop(folder, Told("S", "USD", "America/New_York", "shopify"))
    live = {
        Path(r.group.glob).stem: r.format_name
        for r in readings(proposal).values()
        if not r.is_doubtful
    }
    assert live == {
        "facebook_ads_basic_ad_data": "facebook_ads_api_basic_ad",
        "campaign_stats_data": "google_ads_api_campaign_stats",
        "shopify_customer_data": "shopify_api_customers",
        "shopify_fulfillment_data": "shopify_api_fulfillments",
        "shopify_inventory_quantity_data": "shopify_api_inventory_quantities",
        "shopify_order_data": "shopify_api_orders",
        "shopify_order_line_data": "shopify_api_order_lines",
        "shopify_product_data": "shopify_api_products",
        "shopify_product_variant_data": "shopify_api_product_variants",
        "shopify_transaction_data": "shopify_api_transactions",
    }


REFUNDS = [
    ["refund_id", "order_id", "refunded_at", "amount", "kind", "status"],
    ["R1", "O1", "2026-01-02 10:00:00", "5.50", "return", "succeeded"],
]


def xlsx(*rows: list[str]) -> bytes:
    content = io.BytesIO()
    pl.DataFrame(list(rows[1:]), schema=rows[0], orient="row").write_excel(content)
    return content.getvalue()


def packed(*rows: list[str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("refunds.csv", "".join(",".join(row) + "\n" for row in rows))
    return content.getvalue()


@pytest.mark.parametrize(("kind", "made"), [("xlsx", xlsx), ("xls", xls), ("zip", packed)])
def test_what_the_reader_unpacks_is_recognised_like_the_csv_of_the_same_columns(
    tmp_path: Path, kind: str, made: Callable[..., bytes]
) -> None:
    (tmp_path / f"refunds_20260105000000.{kind}").write_bytes(made(*REFUNDS))
    proposal, _ = proposed(tmp_path)
    assert {glob: name for glob, (name, _) in formats(proposal).items()} == {
        f"refunds_*.{kind}": "refunds"
    }
    (reading,) = readings(proposal).values()
    assert (reading.trial.rows_read, reading.trial.rows_landed) == (1, 1)


def test_what_is_of_the_company_is_asked_for_no_shop(tmp_path: Path) -> None:
    put(tmp_path, "office/people.csv", "month,team,headcount\n2026-03-01,shop,3\n")
    _, content = proposed(tmp_path)
    assert {"platform", "shop_id"}.isdisjoint(content["sources"]["office"])
    parse_sources(content["sources"])


@pytest.mark.parametrize(
    ("header", "row", "is_asked"),
    [
        ("Order,Cost type,Booked at,Amount", "{n},payment_fee,2026-03-0{n} 10:00:00,1.5{n}", False),
        (
            "Parcel no,Order no,Carrier,Shipped at,Delivered at",
            "p{n},o{n},dhl,2026-03-0{n} 10:00:00,",
            True,
        ),
    ],
)
def test_the_order_of_exports_is_asked_for_rows_that_may_change_alone(
    tmp_path: Path, header: str, row: str, *, is_asked: bool
) -> None:
    """A fee is booked once; of a parcel a later file tells that it came."""
    for number, rows in ((1, (1, 2, 3)), (2, (3, 4, 5))):
        text = "".join(row.format(n=n) + "\n" for n in rows)
        put(tmp_path, f"exports/file_{number}.csv", f"{header}\n{text}")
    proposal, _ = proposed(tmp_path)
    asked = [q for q in write(proposal).questions if q.key.endswith("exported_at")]
    assert [len(r.group.paths) for r in readings(proposal).values()] == [2]
    assert bool(asked) == is_asked
