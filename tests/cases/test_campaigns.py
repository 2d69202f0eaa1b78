"""Campaigns are known by account and number, and a newer report replaces the days of its account.

Belongs here: the cost of campaigns from the reports of advertising to SQL. Every source is a
platform of its own unless it is said to share one.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support import shop
from tests.support.shop import query

D = Decimal
AS_OF = "2026-03-08"
STAMP = {"file_name": r"(?<!\d)(\d{8}_\d{6})(?!\d)", "datetime": "%Y%m%d_%H%M%S"}
EVENTS = "visitor_id,occurred_at,event_type,utm_source,utm_medium,utm_campaign,order_id\n"
ORDERS = "order_id,ordered_at,paid_at,status,customer_id,order_amount\n"
SPEND = "spend_date,campaign,cost_kind,cost,clicks,impressions\n"
META = "Reporting starts,Reporting ends,Account ID,Campaign ID,Campaign name,Results,"
META += "Amount spent (EUR),Impressions,Link clicks\n"
# Source -> platform, format.
SOURCES = {
    "spring_shop": ("spring", "plain_events"),
    "spring_google_ads": ("spring", "plain_campaign_spend"),
    "spring_meta_ads": ("spring", "plain_campaign_spend"),
    "renamed": ("renamed", "google_ads_campaigns"),
    "vanished": ("vanished", "google_ads_campaigns"),
    "parts": ("parts", "google_ads_campaigns"),
    "meta_ads": ("numbered", "meta_ads_campaigns"),
    "numbered_shop": ("numbered", "plain_events"),
    "twins": ("twins", "plain_campaign_spend"),
    "twins_shop": ("twins", "plain_events"),
    "others": ("others", "google_ads_campaigns"),
    "accounts": ("accounts", "google_ads_campaigns"),
    "numbers": ("numbers", "plain_campaign_spend"),
}


def google(*rows: str, head: str = "Day,Campaign,Currency code,Impr.,Clicks,Cost") -> str:
    return f'Campaign report\n"March 1, 2026 - March 4, 2026"\n{head}\n' + "".join(
        f"{row}\n" for row in (*rows, "Total: All campaigns, --, --,1,1,0.00")
    )


def line(day: int, campaign: str, cost: str) -> str:
    return f'2026-03-0{day},{campaign},EUR,"1,000",50,{cost}'


def meta(account: int, *rows: tuple[int, int, str, str]) -> str:
    """Rows of an account: day, number, name, cost."""
    return META + "".join(
        f"2026-03-0{day},2026-03-0{day},{account},{number},{name},,{cost},10,1\n"
        for day, number, name, cost in rows
    )


FILES = {
    # the same name in two accounts; visits tell which brought what
    "spring_google_ads/spend.csv": SPEND + "2026-03-02,spring,click,100,2,50\n",
    "spring_meta_ads/spend.csv": SPEND + "2026-03-02,spring,click,300,1,90\n",
    "spring_shop/events.csv": EVENTS
    + "s1,2026-03-02 09:00:00,home,google,cpc,spring,\n"
    + "s2,2026-03-02 09:01:00,home,google,cpc,spring,\n"
    + "s3,2026-03-02 09:02:00,home,facebook,paid_social,spring,\n"
    + "s3,2026-03-02 09:05:00,purchase,,,,Z1\ns1,2026-03-02 09:06:00,purchase,,,,Z2\n",
    "spring_shop/orders.csv": ORDERS
    + "Z1,2026-03-02 09:05:00,2026-03-02 09:05:00,completed,cZ1,900\n"
    + "Z2,2026-03-02 09:06:00,2026-03-02 09:06:00,completed,cZ2,100\n",
    # the newer report of the same days calls Brand otherwise
    "renamed/campaigns_20260304_060000.csv": google(
        line(1, "Brand", "100.00"), line(2, "Brand", "90.00"), line(1, "Old", "10.00")
    ),
    "renamed/campaigns_20260305_060000.csv": google(
        line(1, "Brand | DE", "100.00"),
        line(2, "Brand | DE", "90.00"),
        line(3, "Brand | DE", "70.00"),
        line(1, "Old", "10.00"),
    ),
    # the newer report has one campaign less, which alone had cost on the 3rd: it was credited
    "vanished/campaigns_20260304_060000.csv": google(
        line(1, "Brand", "100.00"), line(1, "Fraud", "55.00"), line(3, "Fraud", "5.00")
    ),
    "vanished/campaigns_20260308_060000.csv": google(
        line(1, "Brand", "100.00"), line(2, "Brand", "10.00"), line(4, "Brand", "0.00")
    ),
    # two accounts that no column names, exported at one instant each day; one renames
    "parts/one_20260304_060000.csv": google(line(1, "Brand", "100.00")),
    "parts/two_20260304_060000.csv": google(line(1, "Sale", "40.00"), line(2, "Sale", "5.00")),
    "parts/one_20260305_060000.csv": google(line(1, "Brand new", "99.00")),
    "parts/two_20260305_060000.csv": google(line(1, "Sale", "41.00"), line(2, "Sale", "5.00")),
    # accounts in files of their own at instants of their own: in account 1 number 11 is renamed and
    # 12 is gone; in account 2 another campaign has number 11
    "meta_ads/one_20260304_060000.csv": meta(
        1, (1, 11, "Video", "20.00"), (1, 12, "Gone", "7.00"), (2, 11, "Video", "21.00")
    ),
    "meta_ads/two_20260304_070000.csv": meta(2, (1, 11, "Catalogue", "50.00")),
    "meta_ads/one_20260306_060000.csv": meta(
        1, (2, 11, "Video 2", "22.00"), (1, 11, "Video", "20.00")
    ),
    "meta_ads/two_20260306_070000.csv": meta(2, (1, 11, "Catalogue", "51.00")),
    # links carry an earlier name, or the number, which in two accounts is no one's
    "numbered_shop/events.csv": EVENTS
    + "v1,2026-03-01 09:00:00,home,facebook,paid_social,Video,\n"
    + "v2,2026-03-02 09:00:00,home,facebook,paid_social,Video 2,\n"
    + "v3,2026-03-02 10:00:00,home,facebook,paid_social,11,\n",
    "numbered_shop/orders.csv": ORDERS
    + "N1,2026-03-02 09:05:00,2026-03-02 09:05:00,completed,n1,10\n",
    # two accounts of one source of which nothing is known share a name
    "twins/spend.csv": SPEND.replace("campaign,", "account,campaign,")
    + "2026-03-02,a,twin,click,1,1,1\n2026-03-02,b,twin,click,2,1,1\n"
    + "2026-03-02,tiktok-7,known,click,4,1,1\n2026-03-02,bing-8,known,click,8,1,1\n",
    "twins_shop/events.csv": EVENTS
    + "t1,2026-03-02 09:00:00,home,google,cpc,twin,\n"
    + "t2,2026-03-02 09:00:00,home,facebook,paid_social,twin,\n"
    + "t3,2026-03-02 09:00:00,home,bing,cpc,known,\n"
    + "t4,2026-03-02 09:00:00,home,tiktok,paid_social,known,\n",
    "twins_shop/orders.csv": ORDERS
    + "T1,2026-03-02 09:05:00,2026-03-02 09:05:00,completed,n1,10\n",
    # a newer report of the same day names nothing that the older one did, at another cost
    "others/campaigns_20260304_060000.csv": google(line(1, "Brand", "100.00")),
    "others/campaigns_20260305_060000.csv": google(line(1, "Sale", "40.00")),
    # the account is a column from the second report on
    "accounts/campaigns_20260304_060000.csv": google(line(1, "Brand", "100.00")),
    "accounts/campaigns_20260305_060000.csv": google(
        "9-1," + line(1, "Brand", "100.00"),
        head="Customer ID,Day,Campaign,Currency code,Impr.,Clicks,Cost",
    ).replace("Total: All campaigns,", "Total: All campaigns,,"),
    # the number is a column from the second file on
    "numbers/spend_1.csv": SPEND + "2026-03-01,Brand,click,100,1,1\n",
    "numbers/spend_2.csv": SPEND.replace("campaign,", "campaign,campaign_id,")
    + "2026-03-01,Brand,77,click,100,1,1\n2026-03-02,Brand,77,click,90,1,1\n",
}
# Older than what is there, and after it.
LATE = {
    "renamed/campaigns_20260303_060000.csv": google(
        line(1, "Brand", "88.00"), line(1, "Never", "9.00")
    ),
    "vanished/late_20260302_060000.csv": google(line(1, "Fraud", "56.00")),
}


def settings() -> dict[str, Any]:
    """The shop: plain files carry no instant, those of Google and Meta do."""
    sources = {}
    for name, (platform, form) in SOURCES.items():
        files = [{"path": f"{name}/*_2026*.csv" if "ads_camp" in form else f"{name}/[se]*.csv",
                  "format": form, "daily": False}]  # fmt: skip
        if "ads_campaigns" in form:
            files[0]["overrides"] = {"exported_at": {**STAMP, "required": False}}
        if form == "plain_events":
            orders = {"path": f"{name}/orders.csv", "format": "plain_orders", "daily": False}
            files.append(orders)
        sources[name] = {"platform": platform, "shop_id": platform, "currency": "EUR",
                         "timezone": "Europe/Berlin", "files": files}  # fmt: skip
    return {
        "shop": {"name": "Ads", "currency": "EUR", "timezone": "Europe/Berlin",
                 "languages": ["en"]},
        "sources": sources,
        "alerts": {"channels": []},
    }  # fmt: skip


Costs = dict[str, list[tuple[Any, ...]]]


def costs_of(file: Path) -> Costs:
    """Platform -> campaign and cost, by name."""
    found: Costs = {}
    sql = "select platform, campaign, cost from marts.dim_campaign where source is not null"
    for platform, *row in shop.query_of(file, f"{sql} order by all"):
        found.setdefault(platform, []).append(tuple(row))
    return found


@pytest.fixture
def home(late_home: Path) -> Path:
    """Run on all files, then again once older reports have come late."""
    return late_home


@pytest.fixture
def costs(home: Path) -> Costs:
    """What all campaigns cost in the end."""
    return costs_of(shop.generations(home)[-1])


def campaigns(home: Path, platform: str) -> list[tuple[Any, ...]]:
    return query(
        home,
        "select source, account, campaign_id, campaign, channel, channel_reason, session_count,"
        f" cost from marts.dim_campaign where platform = '{platform}' order by all nulls last",
    )


@pytest.mark.long
def test_older_reports_that_come_late_change_nothing(home: Path) -> None:
    before, after = map(costs_of, shop.generations(home))
    assert before == after


def test_the_cost_of_a_shared_name_stands_in_the_channel_of_its_account(home: Path) -> None:
    rows = query(
        home,
        "select channel, cost, attributed_gmv, roas, new_customers, cac"
        " from marts.fct_channel_daily where platform = 'spring' order by 1",
    )
    assert rows == [
        ("paid_search", D("100.00"), 100.0, 1.0, 1.0, 100.0),
        ("paid_social", D("300.00"), 900.0, 3.0, 1.0, 300.0),
    ]
    why = "account and visits"
    assert campaigns(home, "spring") == [
        ("spring_google_ads", None, None, "spring", "paid_search", why, 2, D("100.00")),
        ("spring_meta_ads", None, None, "spring", "paid_social", why, 1, D("300.00")),
    ]


def test_a_renamed_campaign_counts_once_under_its_new_name(costs: Costs) -> None:
    assert costs["renamed"] == [("Brand | DE", D("260.00")), ("Old", D("10.00"))]


def test_a_campaign_that_is_gone_from_the_newer_report_is_gone(costs: Costs) -> None:
    assert costs["vanished"] == [("Brand", D("110.00"))]


def test_files_of_one_export_add_up(costs: Costs) -> None:
    """Brand is renamed in its part, Sale stays in the other."""
    assert costs["parts"] == [("Brand new", D("99.00")), ("Sale", D("46.00"))]


def test_accounts_do_not_withdraw_each_others_rows(home: Path) -> None:
    """11 of account 1 cost 20 + 22 and keeps the visits of its earlier name; 12 is gone."""
    rows = campaigns(home, "numbered")
    assert rows[:2] == [
        ("meta_ads", "1", "11", "Video 2", "paid_social", "account and visits", None, D("42.00")),
        ("meta_ads", "2", "11", "Catalogue", "paid_social", "account and visits", None, D("51.00")),
    ]
    # the visit by the number may be of either
    assert rows[2][3:] == ("11", "paid_social", "visits", 1, D("0.00"))


def test_two_accounts_of_one_name_and_nothing_to_tell_them_apart_are_told(home: Path) -> None:
    rows = {(row[1], row[3]): row[4:6] for row in campaigns(home, "twins")}
    assert rows["a", "twin"] == rows["b", "twin"] == ("paid_search", "unclear")
    assert rows["tiktok-7", "known"] == ("paid_social", "account and visits")
    assert rows["bing-8", "known"] == ("paid_search", "account and visits")
    assert checked(home, "campaigns_of_one_name_are_told_apart") == [("failed", "warn", "2")]


def test_reports_that_may_not_speak_of_the_same_are_told(home: Path, costs: Costs) -> None:
    """Of `others` the newer counts; of `accounts` and `numbers` both do, though it is one money."""
    assert costs["others"] == [("Sale", D("40.00"))]
    assert costs["accounts"] == [("Brand", D("100.00")), ("Brand", D("100.00"))]
    assert costs["numbers"] == [("Brand", D("100.00")), ("Brand", D("190.00"))]
    assert checked(home, "reports_of_spend_replace_their_like") == [("failed", "warn", "3")]


def checked(home: Path, name: str) -> list[tuple[Any, ...]]:
    return query(
        home, f"select status, severity, observed from quality.checks where check_name = '{name}'"
    )
