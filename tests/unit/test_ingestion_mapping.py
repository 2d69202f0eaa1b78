"""shop.yml and formats: what is refused, and what the refusal says."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from ingestion.errors import MappingError
from ingestion.feeds import FEEDS
from ingestion.landing.deliveries import batch_id_of, match_files, unmatched_files
from ingestion.mapping.formats import load_formats
from ingestion.mapping.sources import fingerprint, parse_sources
from orchestration.config.sections import ShopFile
from tests.support.exports import LINES, ORDERS, SHOP

ROOT = Path(__file__).parents[2]


def shop(*files: Any, **settings: Any) -> dict[str, Any]:
    items = list(files) or [{"path": "a/*.csv", "format": "refunds"}]
    return {"a": {**SHOP, "files": items, **settings}}


def told(raw: Any) -> str:
    with pytest.raises(MappingError) as error:
        parse_sources(raw)
    return str(error.value)


def test_the_shipped_formats_are_valid_and_cover_every_feed() -> None:
    formats = load_formats()
    assert {feed for form in formats.values() for feed in form.feeds} == set(FEEDS)
    assert {name for name in formats if name.startswith("plain_")} >= {f"plain_{f}" for f in FEEDS}


def test_a_format_is_laid_over_the_one_it_extends() -> None:
    form = {"extends": "refunds", "read": {"delimiter": ";"}, "exclude": {"old": "amount IS NULL"}}
    made = parse_sources(shop({"path": "*", "format": form}))["a"].files[0].format
    assert (made.name, made.read.delimiter) == ("inline", ";")
    assert made.read.header == load_formats()["plain_refunds"].read.header
    assert list(made.exclude) == ["not_refunded_yet", "old"]
    said = told(shop({"path": "*", "format": {"extends": "refund"}}))
    assert "there is no format `refund` to extend" in said
    assert "did you mean `refunds`?" in said
    assert "goes in a circle" in told(shop({"path": "*", "format": {"extends": "inline"}}))


@pytest.mark.parametrize("path", ["shop.example.yml", "examples/online_retail/shop.yml"])
def test_the_shipped_shops_are_valid(path: str) -> None:
    raw = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
    assert set(raw) <= set(ShopFile.model_fields)
    sources = parse_sources(raw["sources"])
    assert all(source.feeds() for source in sources.values())


def test_an_unknown_key_names_its_place_and_the_nearest_key() -> None:
    said = told(shop({"path": "a/*.csv", "fromat": "x", "format": "refunds"}))
    assert "shop.yml sources.a.files[0]" in said
    assert "unknown key `fromat`; did you mean `format`?" in said
    assert "did you mean `timezone`?" in told(shop(timezon="UTC"))


def test_an_unknown_format_names_the_nearest() -> None:
    said = told(shop({"path": "a/*.csv", "format": "shopify_order"}))
    assert "sources.a.files[0].format: there is no format `shopify_order`" in said
    assert "did you mean `shopify_orders`?" in said


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"feeds": {"order": {}}}, "unknown feed `order`; did you mean `orders`?"),
        ({"feeds": {}}, "`feeds` is empty"),
        ({"read": {"encoding": "gkb"}}, "`gkb` is not an encoding"),
        ({"read": {"header": ["id"]}}, "which the header has not"),
        ({"filter": "SELECT ((("}, "is not an SQL expression"),
        ({"non_goods": ["("]}, "is not a regular expression"),
        ({"zone": "Mars/Base"}, "is not a time zone"),
        ({"exported_at": {"file_name": "no group"}}, "needs exactly one group"),
        ({"derive": {"x": {"from": "buyer", "concat": ["buyer"]}}}, "give exactly one of"),
        ({"order_value": "repeated"}, "needs the two feeds"),
    ],
)
def test_a_format_that_cannot_be_carried_out_is_refused(change: Any, expected: str) -> None:
    said = told(shop({"path": "a/*.csv", "format": {**ORDERS, **change}}))
    assert expected in said
    assert "sources.a" in said


def test_a_feed_says_which_column_it_lacks_or_does_not_have() -> None:
    columns = dict(ORDERS["feeds"]["orders"]["columns"])
    wrong = {**columns, "order_amuont": "paid_amount"}
    form = {**ORDERS, "feeds": {"orders": {"columns": wrong}}}
    assert "did you mean `order_amount`?" in told(shop({"path": "*", "format": form}))
    del columns["ordered_at"]
    form = {**ORDERS, "feeds": {"orders": {"columns": columns}}}
    assert "needs column `ordered_at`" in told(shop({"path": "*", "format": form}))


def test_orders_of_lines_must_say_where_the_order_value_stands() -> None:
    form = {key: value for key, value in LINES.items() if key != "order_value"}
    assert "order_value" in told(shop({"path": "*", "format": form}))


@pytest.mark.parametrize("path", ["/etc/passwd", "../x.csv", "a/../../x"])
def test_a_path_stays_below_the_inbox(path: str) -> None:
    assert "below the inbox" in told(shop({"path": path, "format": "refunds"}))


@pytest.mark.parametrize("currency", ["cny", "RMB¥", ""])
def test_a_currency_is_three_capitals(currency: str) -> None:
    assert "currency" in told(shop(currency=currency))


@pytest.mark.parametrize("raw", [{}, None, {"a": 1}, {"a": {**SHOP}}, {"a": {**SHOP, "files": []}}])
def test_sources_that_say_nothing_are_refused(raw: Any) -> None:
    assert "sources" in told(raw)


def test_a_snapshot_names_a_column_of_its_feeds() -> None:
    spec = {"path": "a/*.csv", "format": "shop_traffic", "delivery": "snapshot:traffic_day"}
    assert "did you mean" in told(shop(spec)) or "traffic_date" in told(shop(spec))
    assert "must be delta or snapshot" in told(shop({**spec, "delivery": "full"}))


def test_overrides_change_single_keys_of_a_format() -> None:
    spec = {"path": "*", "format": "refunds", "overrides": {"read": {"delimiter": ";"}}}
    form = parse_sources(shop(spec))["a"].files[0].format
    assert form.read.delimiter == ";"
    assert form.read.header[0] == "refund_id"
    assert load_formats()["refunds"].read.delimiter == ","


def test_the_currency_in_a_column_name_is_the_sources() -> None:
    spec = {"path": "*", "format": "meta_ads_campaigns"}
    form = parse_sources(shop(spec, currency="EGP"))["a"].files[0].format
    assert form.feeds["campaign_spend"].columns["cost"] == "Amount spent (EGP)"


def test_the_fingerprint_follows_the_meaning_of_a_mapping_only() -> None:
    def mark(**changes: Any) -> str:
        source = parse_sources(shop({"path": "a/*.csv", "format": ORDERS, **changes}))["a"]
        return fingerprint(source, source.files[0])

    assert mark() == mark() == mark(path="other/*.csv")
    assert mark(format={**ORDERS, "description": "said anew"}) == mark()
    others = {
        mark(format={**ORDERS, "zone": "UTC"}),
        mark(delivery="snapshot:ordered_at"),
        mark(format={**ORDERS, "filter": "status = 'paid'"}),
    }
    assert len(others | {mark()}) == 4


def test_the_batch_id_is_sixteen_digits_of_source_content_and_mapping() -> None:
    # printf 'a|b|c' | sha256sum
    assert batch_id_of("a", "b", "c") == "a52dd81bfd5e4e66"


def test_files_are_matched_in_stable_order_and_strangers_are_named(tmp_path: Path) -> None:
    for name in ("a/2.csv", "a/1.csv", "b/x.txt", "a/.hidden.csv", "a/3.csv.part"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    sources = parse_sources(shop())
    matches = match_files(tmp_path, sources)
    assert [(path.name, source) for path, source, _ in matches] == [("1.csv", "a"), ("2.csv", "a")]
    assert [path.name for path in unmatched_files(tmp_path, sources)] == ["x.txt"]


def test_a_file_may_be_read_in_several_ways_but_no_row_twice_into_a_feed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/1.csv").touch()
    form = {**ORDERS, "filter": "status = 'paid'"}
    for other in ({"format": "plain_products"}, {"format": form}):
        both = [{"path": "a/*.csv", "format": ORDERS}, {"path": "a/1*", **other}]
        matches = match_files(tmp_path, parse_sources(shop(*both)))
        assert [match.files.path for match in matches] == ["a/*.csv", "a/1*"]
    same = [{"path": "a/*.csv", "format": ORDERS}] * 2
    assert len(match_files(tmp_path, parse_sources(shop(*same)))) == 2
    both = [{"path": "a/*.csv", "format": ORDERS}, {"path": "a/1*", "format": ORDERS}]
    two = {name: {**shop()["a"], "files": [both[0]]} for name in ("a", "b")}
    for sources in (shop(*both), two):
        with pytest.raises(MappingError, match=r"both claim a/1\.csv for feed orders"):
            match_files(tmp_path, parse_sources(sources))


def test_a_quiet_day_of_refunds_is_no_gap_but_of_orders_it_is() -> None:
    specs = [{"path": "a", "format": "refunds"}, {"path": "b", "format": "taobao_orders"}]
    source = parse_sources(shop(*specs))["a"]
    assert not source.is_expected_daily("refunds")
    assert source.is_expected_daily("orders")
    weekly = parse_sources(shop({**specs[1], "daily": False}))["a"]
    assert not weekly.is_expected_daily("orders")


def test_a_personal_column_cannot_be_kept_as_it_is() -> None:
    files = {"path": "a/*.csv", "format": "shopify_orders"}
    assert "keep names `Email`, which is personal" in told(shop(files, keep=["Email"]))
    assert "keep names `Notes`, which is personal" in told(shop(files, keep=["Notes"]))
    assert parse_sources(shop(files, keep=["Vendor"]))["a"].keep == ("Vendor",)


def test_orders_of_a_source_are_delivered_in_one_way() -> None:
    whole = {"path": "a/whole*.csv", "format": "shopify_orders", "delivery": "snapshot:ordered_at"}
    [source] = parse_sources(shop(whole)).values()
    assert source.files[0].snapshot_column == "ordered_at"
    parts = {**whole, "path": "a/new*.csv", "delivery": "delta"}
    assert "a snapshot withdraws only what came in one" in told(shop(whole, parts))
    # A feed without an order of its own, and no column of the period.
    lines = {"path": "a/l*.csv", "format": "plain_order_items", "delivery": "snapshot:ordered_at"}
    assert "delivery names column `ordered_at`; feed order_items" in told(shop(lines))


def test_what_is_of_no_shop_needs_no_platform_and_all_else_does() -> None:
    place = {"timezone": "Asia/Shanghai", "currency": "CNY"}
    office = {**place, "files": [{"path": "o/*.csv", "format": "plain_headcount"}]}
    named = {**office, "platform": "company", "shop_id": "company"}
    [bare], [full] = (list(parse_sources({"o": one}).values()) for one in (office, named))
    # Whoever made the names up may take them out: nothing is landed anew.
    assert fingerprint(bare, bare.files[0]) == fingerprint(full, full.files[0])
    shop = {**place, "files": [{"path": "s/*.csv", "format": "plain_orders"}]}
    told = r"`platform` is missing: rows of feed orders \(s/\*.csv\) are of a shop"
    with pytest.raises(MappingError, match=told):
        parse_sources({"s": shop})
    with pytest.raises(MappingError, match="`shop_id` is missing"):
        parse_sources({"s": {**shop, "platform": "web"}})


def test_the_last_day_of_a_source_lands_nothing_anew() -> None:
    files = [{"path": "s/*.csv", "format": "plain_orders"}]
    one = {"platform": "web", "shop_id": "s", "timezone": "UTC", "currency": "EUR", "files": files}
    [before], [after] = (list(parse_sources({"s": told}).values())
                         for told in (one, {**one, "until": "2026-03-31"}))  # fmt: skip
    assert fingerprint(before, before.files[0]) == fingerprint(after, after.files[0])
    with pytest.raises(MappingError, match="until"):
        parse_sources({"s": {**one, "until": "in spring"}})
