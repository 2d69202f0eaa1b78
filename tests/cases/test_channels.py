"""Where a visit came from: source before medium, referrers, what never takes the credit.

The table is worked out from the channel groups that Google Analytics 4 publishes.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError

from orchestration.cli.untold import other_visits, referrers
from orchestration.config.sections import Channels
from orchestration.config.settings import Paths
from tests.support.landed import built
from tests.support.raw import read
from tests.support.shop import kpi

SHOP = """
shop: {name: S, currency: EUR, timezone: Europe/Berlin}
channels:
  own_domains: [lamps.example]
  rules:
    - {source: "leaf*", medium: qr, channel: print}
    - {source: partner+one, channel: affiliate}
sources:
  web:
    platform: web
    shop_id: web
    timezone: Europe/Berlin
    currency: EUR
    files:
      - {path: "events.csv", format: plain_events, daily: false}
      - {path: "orders.csv", format: plain_orders, daily: false}
  ga4:
    platform: ga4
    shop_id: ga4
    timezone: Europe/Berlin
    currency: EUR
    files:
      - {path: "ga4.json", format: ga4_events_jsonl, daily: false}
"""
# source, medium, referrer, channel
VISITS = """
facebook      cpc            -                               paid_social
Facebook      CPC            -                               paid_social
instagram     cpm            -                               paid_social
fb            paid           -                               paid_social
l.facebook.com retargeting   -                               paid_social
youtube.com   cpv-cpc        -                               paid_social
google        cpc            -                               paid_search
google        cpm            -                               paid_search
bing          ppc            -                               paid_search
baidu         cpc            -                               paid_search
unheard       cpc            -                               other
unheard       paid_search    -                               paid_search
unheard       cpm            -                               display
google        display        -                               display
awin          affiliate      -                               affiliate
facebook      social-network -                               social
unheard       sm             -                               social
klaviyo       e_mail         -                               email
newsletter    -              -                               email
google        organic        -                               organic_search
unheard       organic        -                               organic_search
chatgpt.com   referral       -                               referral
(direct)      (none)         -                               direct
(not)         (set)          -                               other
unheard       push           -                               other
leaflet       qr             -                               print
partner+one   x              -                               affiliate
partnerrone   x              -                               other
paypal.com    referral       -                               direct
klarna        affiliate      -                               affiliate
google        cpc            https://www.facebook.com/       paid_search
-             -              https://www.google.co.uk/       organic_search
-             -              https://duckduckgo.com/?q=lamp  organic_search
-             -              https://mail.google.com/mail/   email
-             -              https://m.facebook.com/         social
-             -              https://t.co/abc                social
-             -              https://blog.example.org/lamps  referral
-             -              https://www.paypal.com/         direct
-             -              https://checkout.stripe.com/x   direct
-             -              https://lamps.example/cart      direct
-             -              https://help.lamps.example/     direct
-             -              https://otherlamps.example/     referral
-             -              -                               direct
"""
# Mail at nine, back from the payment page after more than half an hour, then the purchase.
PAYMENT = """
p1,2026-04-06 09:00:00,home,newsletter,email,,
p1,2026-04-06 09:45:00,other,klarna.com,referral,,
p1,2026-04-06 09:45:30,purchase,,,,P1
p2,2026-04-06 10:00:00,home,newsletter,email,,
p2,2026-04-06 10:45:00,other,,,https://www.klarna.com/,
p2,2026-04-06 10:45:30,purchase,,,,P2
"""
ORDERS = """order_id,ordered_at,paid_at,status,customer_id,order_amount
P1,2026-04-06 09:45:30,2026-04-06 09:45:30,completed,c1,40
P2,2026-04-06 10:45:30,2026-04-06 10:45:30,completed,c2,2
"""


def _visits() -> list[list[str]]:
    return [["" if cell == "-" else cell for cell in line.split()]
            for line in VISITS.strip().splitlines()]  # fmt: skip


# page, referrer, tagged source and medium, click id of its own column, channel
ANALYTICS = [
    ("/", "https://blog.example.org/", None, None, None, "referral"),
    # goes on after an hour on a page of the same site
    ("/", "https://shop.example/a", None, None, None, "direct"),
    # from the same shop's checkout, and from a shop whose name ends alike
    ("/", "https://checkout.Shop.example/thanks", None, None, None, "direct"),
    ("/", "https://otto-shop.example/", None, None, None, "referral"),
    ("/", None, None, None, "x1", "paid_search"),
    ("/?a=1&gbraid=x2", None, None, None, None, "paid_search"),
    ("/?gclid=x3", None, "newsletter", "email", None, "paid_search"),
    ("/?msclkid=x4", None, "bing", "organic", None, "paid_search"),
    ("/?ttclid=x5", None, None, None, None, "paid_social"),
    ("/?fbclid=x6", None, None, None, None, "social"),
    ("/?fbclid=x7", None, "facebook", "cpc", None, "paid_social"),
    ("/?next=gclid", None, None, None, None, "direct"),
]


def _ga4() -> str:
    """Each a visit of its own, a minute after the one before."""
    lines = []
    for number, (page, referrer, source, medium, click, _) in enumerate(ANALYTICS):
        parameters = {"page_location": f"https://shop.example{page}", "page_referrer": referrer}
        lines.append({
            "event_timestamp": f"{1775462400 + 60 * number}000000", "event_name": "page_view",
            "user_pseudo_id": f"g{number}",
            "collected_traffic_source": {"manual_source": source, "manual_medium": medium,
                                         "gclid": click},
            "event_params": [{"key": key, "value": {"string_value": value}}
                             for key, value in parameters.items()],
        })  # fmt: skip
    return "".join(json.dumps(line) + "\n" for line in lines)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    events = "visitor_id,occurred_at,event_type,utm_source,utm_medium,referrer,order_id\n"
    for number, (source, medium, referrer, _) in enumerate(_visits()):
        events += f"v{number},2026-04-06 08:00:00,home,{source},{medium},{referrer},\n"
    files = {"events.csv": events + PAYMENT.lstrip(), "orders.csv": ORDERS, "ga4.json": _ga4()}
    return built(tmp_path_factory.mktemp("channels"), SHOP, files)


def test_the_golden_table_of_channels(file: Path) -> None:
    """Of visitors whose pseudonyms are not known: by source, medium and referrer."""
    rows = read(
        file,
        "select distinct coalesce(e.utm_source, ''), coalesce(e.utm_medium, ''),"
        " coalesce(e.referrer, ''), s.channel from staging.stg_raw__events as e"
        " inner join marts.fct_sessions as s on e.visitor_key = s.visitor_key"
        " where e.platform = 'web' and e.occurred_at = timestamp '2026-04-06 06:00:00'",
    )
    assert {row[:3]: row[3] for row in rows.iter_rows()} == {
        tuple(visit[:3]): visit[3] for visit in _visits()
    }


def test_a_payment_provider_takes_no_credit(file: Path) -> None:
    rows = read(
        file,
        "select channel, credited_orders, credited_revenue from marts.fct_attribution_daily"
        " where model = 'last_non_direct'",
    )
    assert rows.rows() == [("email", 2.0, 42.0)]


def test_click_ids_and_pages_of_the_same_site(file: Path) -> None:
    rows = read(
        file, "select channel from marts.fct_sessions where platform = 'ga4' order by started_at"
    )
    assert rows["channel"].to_list() == [visit[-1] for visit in ANALYTICS]


@pytest.mark.parametrize("word", ["o'neill", 'a"b', "a\\b", "{{ a }}", "a^b"])
def test_a_rule_holds_no_sql(word: str) -> None:
    with pytest.raises(ValidationError):
        Channels.model_validate({"own_domains": [word]})


def test_what_no_rule_knows_is_told(file: Path, tmp_path: Path) -> None:
    sessions, tagged = other_visits(file)
    assert (sessions, dict(tagged)) == (
        4, {"unheard / cpc": 1, "(not) / (set)": 1, "unheard / push": 1, "partnerrone / x": 1}
    )  # fmt: skip
    assert other_visits(tmp_path / "none.duckdb") == (0, [])


def test_sites_that_send_visits_are_told(file: Path, tmp_path: Path) -> None:
    # One of the table's, one of Analytics'; the others once each.
    assert referrers(file) == [
        ("blog.example.org", 2), ("chatgpt.com", 1), ("otherlamps.example", 1),
        ("otto-shop.example", 1),
    ]  # fmt: skip
    assert referrers(tmp_path / "none.duckdb") == []
    paths = Paths(file.parents[2])
    shutil.copyfile(file, paths.good_build)
    told = kpi(paths.home, "doctor").stdout
    assert "most visits came from blog.example.org 2, chatgpt.com 1, " in told
    assert "channels: {own_domains: [blog.example.org]}" in told
