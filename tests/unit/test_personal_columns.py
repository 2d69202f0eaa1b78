"""Personal columns of formats: declared, never landed as they are, never shown."""

import re
from pathlib import Path
from typing import Any

import pytest

from ingestion.errors import MappingError
from ingestion.mapping.formats import load_formats
from ingestion.mapping.personal import Use
from ingestion.mapping.sources import parse_sources
from ingestion.mapping.spec import Format
from tests.support.exports import HEADER, ORDERS, SHOP, Shop, order

# What the name of a column says of a person, in the languages platforms export in.
CHINESE = (
    "手机|电话|收货人|收件人|收件|收货地址|详细地址|街道|姓名|昵称|会员名|买家账号|支付宝|旺旺"
    "|身份证|邮箱|邮件|留言|备注|发票抬头|生日|微信|买家ID|用户ID"
)
ENGLISH = (
    r"phone|mobile|e-?mail|street|address|zip|postal|postcode|passport|id[ _-]?card|birth_?da"
    r"|(first|last|full|buyer|customer|recipient|receiver|shipping|billing|ship|user)[ _-]?name"
    r"|(customer|buyer|user|visitor|device|member|client)[ _-]?(id|no)\b|user_pseudo|browser_ip"
    r"|\bip\b|\bnotes?\b|company|nick"
)
TELLING = re.compile(f"{CHINESE}|{ENGLISH}", re.IGNORECASE)
# What only sounds so.
INNOCENT = {
    "是否手机订单": "whether the order was placed on a phone",
    "主播昵称": "who hosts a live room, public on the platform",
    "达人昵称": "the creator who sells for the shop, public on the platform",
    "shipping_address_province": "a province",
}


_ADVERTISER = "the advertiser's own account"
INNOCENT_IN = {
    "google_ads_api_campaign_stats": {"customer_id": _ADVERTISER},
    "google_ads_campaigns": {"Customer ID": _ADVERTISER},
    "shopify_api_fulfillments": {"tracking_company": "the carrier"},
}


def telling_columns(form: Format) -> set[str]:
    names = {*form.read.header, *form.read.optional, *form.reads}
    return {name for name in names if TELLING.search(name) and name not in INNOCENT}


@pytest.mark.parametrize("name", load_formats())
def test_a_column_that_sounds_personal_is_declared_or_not_read(name: str) -> None:
    form = load_formats()[name]
    innocent = set(INNOCENT_IN.get(name, {}))
    assert telling_columns(form) & set(form.reads) - innocent <= set(form.personal)


@pytest.mark.parametrize("name", load_formats())
def test_what_is_landed_as_a_pseudonym_is_declared_personal(name: str) -> None:
    form = load_formats()[name]
    hashed = {c for c in form.reads if any(use.pseudonym for use in form.uses(c))}
    assert hashed <= set(form.personal)


def test_the_words_find_the_columns_they_are_meant_for() -> None:
    shopify, taobao = load_formats()["shopify_orders"], load_formats()["taobao_orders"]
    assert {"Email", "Billing Phone", "Shipping Address1", "Billing Name", "Notes"} <= (
        telling_columns(shopify)
    )
    assert {"买家会员名", "买家支付宝账号", "收货人姓名", "收货地址", "联系手机", "联系电话"} <= (
        telling_columns(taobao)
    )
    ads = "google_ads_campaigns"
    assert telling_columns(load_formats()[ads]) == set(INNOCENT_IN[ads])


def test_a_column_is_followed_to_where_it_arrives() -> None:
    taobao = load_formats()["taobao_orders"]
    assert taobao.uses("买家会员名") == [Use("orders", "customer_id", "whole")]
    assert taobao.uses("买家会员名")[0].pseudonym == "customer_key"
    # Of an address the province is kept, everything after the first space is not.
    found = {use.column: (use.how, use.told, use.pseudonym) for use in taobao.uses("收货地址")}
    assert found.pop("region") == ("part", r"^(\S+)\s", None)
    assert {pseudonym for _, _, pseudonym in found.values()} == {"address_key"}
    assert taobao.uses("联系手机") == []


def changed(**change: Any) -> dict[str, Any]:
    form = {**ORDERS, **change}
    return {"shop": {**SHOP, "files": [{"path": "*", "format": form}]}}


def orders_with(**derive: Any) -> dict[str, Any]:
    mapped = ORDERS["feeds"]["orders"]
    return {"orders": {**mapped, "derive": derive}}


@pytest.mark.parametrize(
    "change",
    [
        {"feeds": orders_with(region={"from": "buyer"})},
        {"feeds": orders_with(region={"concat": ["status", "buyer"], "separator": " "})},
        {"derive": {"x": {"from": "buyer"}}, "feeds": orders_with(region={"from": "x"})},
        {"feeds": orders_with(region={"first_of": ["status", "buyer"]})},
    ],
)
def test_a_personal_column_is_not_landed_as_it_is(change: dict[str, Any]) -> None:
    with pytest.raises(MappingError, match="personal column `buyer` would be landed as orders"):
        parse_sources(changed(**change))


def test_a_part_of_a_personal_column_may_be_kept_and_rules_may_read_it() -> None:
    change = {
        "feeds": orders_with(region={"from": "buyer", "regex": r"@(.+)$"}),
        "exclude": {"staff": "buyer LIKE '%@shop.example'"},
    }
    form = parse_sources(changed(**change))["shop"].files[0].format
    assert [(use.column, use.how) for use in form.uses("buyer")] == [
        ("customer_id", "whole"),
        ("region", "part"),
    ]
    assert form.rules_on("buyer") == ["staff"]


def test_a_customer_column_that_nobody_declared_is_still_not_shown(tmp_path: Path) -> None:
    """A map that does not know the value would quote it in the quarantine."""
    form = {
        **ORDERS,
        "personal": [],
        "derive": {"who": {"from": "buyer", "map": {"Ann Example": "a1"}}},
        "feeds": {
            "orders": {
                "columns": {**ORDERS["feeds"]["orders"]["columns"], "customer_id": "buyer"},
                "derive": {"coupon_code": {"from": "who"}},
            }
        },
    }
    shop = Shop(tmp_path, form=form, settings={"max_bad_share": 1})
    landed = shop.land(HEADER + order(1, buyer="Ann Example") + order(2, buyer="Bob Example"))
    assert landed.rows_quarantined == 1
    assert shop.quarantined(landed)["value"].to_list() == [None]
    assert "Bob" not in " ".join(landed.issues)
