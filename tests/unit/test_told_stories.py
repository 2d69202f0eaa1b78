"""What runs tell of an incident from its first day to its end, as a channel receives it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dashboards.registry import PAGES as ENTRIES
from dashboards.wording.facts import OPERATIONS_PAGES, Evidence, link_of
from dashboards.wording.message import AlertInfo
from dashboards.wording.metrics import by_name
from models.episodes import STORIES
from models.series import FEEDS_OF_METRIC
from orchestration.alerting.alerts import send_alerts
from orchestration.alerting.channels import Channel
from orchestration.alerting.delivery import SendPolicy
from orchestration.alerting.teller import Teller
from orchestration.config.sections import Alerts, Publish
from orchestration.config.settings import PROJECT_ROOT
from orchestration.ledger.stories import Stories
from tests.support.contracts import fake, registry
from tests.support.homes import Home
from tests.support.hooks import Answer, Clock, Hook, hooked
from tests.support.told import (
    DAY,
    causes,
    completeness,
    consoles,
    effects,
    gap,
    incident,
    promos,
    sets,
)

PAGES, TEMPLATES = (PROJECT_ROOT / "dashboards" / name for name in ("pages", "templates"))
NEXT, THIRD = DAY + timedelta(days=1), DAY + timedelta(days=2)
FALL = {"opened_date": DAY, "impact_amount": -80_000.0, "days": 1, "severity": "medium"}


class Shop:
    """Runs of a shop with one webhook; a run is given the incidents it finds."""

    def __init__(self, root: Path, hook: Hook, **alerts: Any) -> None:
        self.hook, self.clock = hook, Clock()
        self.home = Home(root, timezone="UTC")
        told = {"channels": [hook.address], **alerts}
        self.home.settings.file.__dict__["alerts"] = Alerts.model_validate(told)
        self.lost = False

    def run(self, last: date, *rows: dict[str, Any], whole: bool = True) -> list[dict[str, Any]]:
        """Bodies that a run with these incidents sends."""
        self.clock.now = datetime(last.year, last.month, last.day, 6, tzinfo=UTC) + timedelta(
            days=1
        )
        before = len(self.hook.received)
        lookup = {"feed": "refunds", "looks_for": "order", "source": "tmall", "rows": 100,
                  "orphan_rows": 40, "orphan_rate": 0.4, "is_material": self.lost}  # fmt: skip
        tables = {
            "insights.incidents": fake("insights.incidents", list(rows)),
            "insights.anomalies": fake("insights.anomalies", [{"business_date": last}]),
            "insights.root_causes": causes(),
            "insights.incident_effects": effects(),
            "insights.root_cause_sets": sets(),
            "marts.dim_promo": promos(),
            "quality.source_completeness_daily": completeness("ok" if whole else "no_rows"),
            "quality.source_watermarks": fake("quality.source_watermarks", []),
            "quality.lookups": fake("quality.lookups", [lookup]),
            "quality.platform_reconciliation_daily": consoles().clear(),
            "quality.metrics": registry(),
        }

        def published(sql: str) -> pl.DataFrame:
            frames = {name.replace(".", "_"): frame for name, frame in tables.items()}
            for room in ("marts", "insights", "quality"):
                sql = sql.replace(f"{room}.", f"{room}_")
            with pl.SQLContext(frames) as context:
                plain = f"select * {sql}" if sql.startswith("from") else sql
                return context.execute(plain, eager=True)

        policy = SendPolicy(now=self.clock, sleep=self.clock.pauses.append)
        send_alerts(self.home.settings, self.home.state, published, policy)
        return self.hook.received[before:]


@pytest.fixture
def hook() -> Iterator[Hook]:
    with hooked() as made:
        yield made


@pytest.fixture
def shop(tmp_path: Path, hook: Hook) -> Shop:
    return Shop(tmp_path / "home", hook)


def blocks(body: dict[str, Any]) -> tuple[list[str], list[str]]:
    english, chinese = body["message"].split("\n\n")
    return english.splitlines(), chinese.splitlines()


def test_an_incident_is_told_from_its_first_day_to_its_end(shop: Shop) -> None:
    """Expected by hand: 80 K on day one, 152 K by day two (1.9 times), 230 K by the end."""
    [opened] = shop.run(DAY, incident(**FALL))
    assert opened["title"] == "[Test] medium: Tmall: GMV below range on 2026-11-20, −¥80K"
    assert shop.run(DAY, incident(**FALL)) == []
    second = incident(**{**FALL, "last_date": NEXT, "impact_amount": -152_000.0, "days": 2})
    [grew] = shop.run(NEXT, second)
    english, chinese = blocks(grew)
    assert english[0] == "Still open: −¥152K by 2026-11-21, told as −¥80K on 2026-11-20."
    assert chinese[0] == "仍在持续：截至 2026-11-21 为 −¥15万，2026-11-20 告知时为 −¥8.0万。"
    assert "still open, medium: Tmall" in grew["title"]
    third = {**second, "last_date": THIRD, "days": 3, "severity": "critical"}
    third["impact_amount"] = -230_000.0
    [rose] = shop.run(THIRD, third)
    english, chinese = blocks(rose)
    assert english[0] == "Now critical; told as medium on 2026-11-21."
    assert chinese[0] == "级别现为紧急；2026-11-21 告知时为中。"
    assert (rose["type"], rose["alert"]["event"]) == ("failure", "escalated")
    over = {**third, "closed_date": THIRD + timedelta(days=1)}
    [closed] = shop.run(THIRD + timedelta(days=1), over)
    assert closed["title"] == "[Test] over: Tmall: GMV, −¥230K in all"
    english, chinese = blocks(closed)
    assert english[:3] == [
        "Test: over. The incident of Tmall (GMV below its expected range) was from 2026-11-20 to"
        " 2026-11-22.",
        "2026-11-23 was a normal day again.",
        "In all: −¥230K of GMV in 3 days.",
    ]
    assert chinese[:3] == [
        "【Test】已结束：天猫（支付金额低于预期区间），时间：2026-11-20 至 2026-11-22。",
        "2026-11-23 已恢复正常。",
        "合计：支付金额 −¥23万（共 3 天）。",
    ]
    assert (closed["type"], closed["alert"]["incidents"][0]["status"]) == ("success", "closed")
    for days in (1, 2, 9):
        assert shop.run(THIRD + timedelta(days=days), over) == []
    assert len(shop.hook.received) == 4 == len(set(shop.hook.keys))


def test_what_has_no_price_ends_without_a_total(shop: Shop) -> None:
    late = incident(**{**FALL, "impact_amount": None, "metric": "late_parcels_3_days",
                       "observed_amount": None, "expected_amount": None,
                       "cause_metric": None})  # fmt: skip
    [opened] = shop.run(DAY, late)
    assert "Impact" not in opened["message"] and "影响" not in opened["message"]
    [closed] = shop.run(NEXT, {**late, "closed_date": NEXT})
    assert closed["title"] == "[Test] over: Tmall: late parcels of three days' orders"
    english, chinese = blocks(closed)
    assert english[1] == "2026-11-21 was a normal day again."
    assert not any("In all" in line or "合计" in line for line in [*english, *chinese])


def test_late_data_take_an_incident_back_and_another_bad_day_opens_it_again(shop: Shop) -> None:
    shop.run(DAY, incident(**FALL))
    gone = incident(**FALL, closed_date=NEXT, withdrawn_date=NEXT)
    [back] = shop.run(NEXT, gone)
    assert back["title"] == "[Test] taken back: Tmall: GMV"
    english, chinese = blocks(back)
    assert english[0] == (
        "Test: taken back. GMV of Tmall, on 2026-11-20, told with −¥80K: by the data there are now"
        " its days are inside their range, or cannot be judged."
    )
    assert chinese[0] == (
        "【Test】撤回：天猫支付金额（2026-11-20，告知时为 −¥8.0万）：按现有数据，"
        "这些日期在预期区间内，或无法判断。"
    )
    assert shop.run(NEXT, gone) == []
    [again] = shop.run(THIRD, incident(**{**FALL, "last_date": THIRD}))
    english, chinese = blocks(again)
    assert english[0] == "Open again: it was told as taken back on 2026-11-21."
    assert chinese[0] == "再次出现：2026-11-21 曾告知撤回。"


def test_one_that_is_part_of_another_now_says_of_which(shop: Shop) -> None:
    shop.run(DAY, incident(**FALL))
    gone = incident(**FALL, closed_date=NEXT, withdrawn_date=NEXT)
    company = incident(incident_id="kpi-all", platform=None, dimension="all", segment="all",
                       opened_date=DAY, last_date=NEXT, explanation_en="GMV fell everywhere.",
                       explanation_zh="全公司下跌。")  # fmt: skip
    told = shop.run(NEXT, gone, company)
    [back] = [body for body in told if body["alert"]["event"] == "withdrawn"]
    english, chinese = blocks(back)
    assert english[0].endswith("told with −¥80K, is part of: GMV fell everywhere.")
    assert chinese[0].endswith("属于：全公司下跌。")
    assert len(told) == 2


def test_one_of_another_story_is_never_what_it_is_part_of(shop: Shop) -> None:
    """Of every metric one is taken back, on a platform of its own, where others stand."""
    rng = random.Random(5)
    metrics = sorted({*STORIES, *FEEDS_OF_METRIC, "checkout_rate"})

    def made(name: str, at: str, number: int, **more: Any) -> dict[str, Any]:
        place = ("product", f"P{number}") if number % 2 else ("platform", at)
        said = {"explanation_en": f"{at} {number}.", "explanation_zh": f"{at} 之 {number}。"}
        return incident(**{
            **FALL, "incident_id": f"kpi-{at}-{number}", "metric": name, "platform": at,
            "dimension": place[0], "segment": place[1], **said, **more,
        })  # fmt: skip

    before, after, true = [], [], {}
    for name in metrics:
        at, story = f"at_{name}", STORIES.get(name, "sales")
        alike = [one for one in metrics if STORIES.get(one, "sales") == story]
        strange = rng.sample([one for one in metrics if one not in alike], 3)
        before.append(made(name, at, 0))
        after.append({**before[-1], "closed_date": NEXT, "withdrawn_date": NEXT})
        after += [made(one, at, n, last_date=NEXT) for n, one in enumerate(strange, start=1)]
        if rng.getrandbits(1):
            true[at] = made(rng.choice(alike), at, 4, last_date=NEXT)
            after.append(true[at])
    rng.shuffle(after)
    settings, state = shop.home.settings, shop.home.state
    info, evidence = AlertInfo("Test", "CNY"), Evidence(completeness(), by_name(registry()))
    first, second = (fake("insights.incidents", rows) for rows in (before, after))
    teller = Teller(settings, state, info, DAY)
    teller.remember(teller.events(first), first)
    teller = Teller(settings, state, info, NEXT)
    told = teller.messages(teller.events(second), second, evidence)
    backs = [one for one in told if one.facts["event"] == "withdrawn"]
    assert len(backs) == len(metrics) and 5 < len(true) < len(metrics) - 5
    for back in backs:
        part = true.get(back.facts["incidents"][0]["platform"])
        english, chinese = (block.split("\n") for block in back.text.split("\n\n"))
        assert english[0].endswith(part["explanation_en"] if part else "or cannot be judged.")
        assert chinese[0].endswith(part["explanation_zh"] if part else "或无法判断。")


def test_a_message_that_did_not_arrive_comes_although_its_incident_is_over(shop: Shop) -> None:
    shop.hook.always = Answer(503)
    assert shop.run(DAY, incident(**FALL)) == []
    shop.hook.always = Answer()
    told = shop.run(NEXT, incident(**FALL, closed_date=NEXT))
    assert [body["alert"]["event"] for body in told] == ["opened", "closed"]


def test_two_channels_and_reruns_get_each_message_once(tmp_path: Path, hook: Hook) -> None:
    with hooked() as other:
        shop = Shop(tmp_path, hook, channels=[hook.address, other.address, hook.address])
        for _ in range(3):
            shop.run(DAY, incident(**FALL), incident(incident_id="kpi-2", platform="shopify",
                     segment="shopify", opened_date=DAY))  # fmt: skip
        assert len(hook.received) == len(other.received) == 2
        assert sorted(hook.keys) == sorted(other.keys)
        assert len(set(hook.keys)) == 2


def test_what_an_earlier_version_told_is_not_told_again_but_its_end_is(shop: Shop) -> None:
    name = Channel(1, shop.hook.address).fingerprint
    for key in ("gmv|platform:tmall|2026-11-20|low", f"gap|a|{DAY}|high"):
        shop.home.state.mark(f"{key}|{name}", datetime(2026, 11, 21, tzinfo=UTC))
    assert shop.run(NEXT, incident(**FALL),
                    gap("a", DAY, NEXT) | {"incident_id": "data-a"}) == []  # fmt: skip
    told = shop.run(THIRD, incident(**FALL, closed_date=NEXT))
    assert [body["alert"]["event"] for body in told] == ["closed"]


def test_an_outage_of_many_sources_is_one_message_and_its_end_another(shop: Shop) -> None:
    gaps = [gap(f"s{n}", DAY - timedelta(days=n % 2)) | {"severity": "high"} for n in range(6)]
    [told] = shop.run(DAY, *gaps)
    assert told["title"] == "[Test] high: data of 6 sources incomplete until 2026-11-20"
    assert all(f"s{n}: nothing arrived." in told["message"] for n in range(6))
    assert len(told["alert"]["incidents"]) == 6
    # Days that pass are no news; a seventh source is.
    later = [{**row, "last_date": NEXT} for row in gaps]
    assert shop.run(NEXT, *later) == []
    [seventh] = shop.run(NEXT, *later, gap("s7", NEXT, NEXT) | {"opened_date": NEXT})
    assert "s7: nothing arrived." in seventh["message"]
    [closed] = shop.run(THIRD, *({**row, "closed_date": THIRD} for row in later))
    assert closed["title"] == "[Test] over: 6 sources came whole again"
    english, chinese = blocks(closed)
    assert ("s0: 2026-11-22 came whole again. Data from 2026-11-20 to 2026-11-21 are not complete"
            " (orders).") in english  # fmt: skip
    assert (
        "s1：2026-11-22 的数据已完整到达；2026-11-19 至 2026-11-21 的数据仍不完整（orders）。"
        in chinese
    )


@pytest.mark.parametrize(("is_whole", "en", "zh"), [
    (True, "shopify: the data on 2026-11-20 are complete now.",
     "shopify：2026-11-20 的数据现已完整。"),
    (False, "shopify: no gap on 2026-11-20 any more: what is missing is not expected.",
     "shopify：2026-11-20 不再视为缺口：缺少的数据本不应到达。"),
])  # fmt: skip
def test_a_gap_that_is_none_any_more_says_whether_the_data_came(
    shop: Shop, is_whole: bool, en: str, zh: str
) -> None:
    hole = gap("shopify", DAY)
    assert len(shop.run(DAY, hole, whole=False)) == 1
    gone = {**hole, "closed_date": NEXT, "withdrawn_date": NEXT}
    [told] = shop.run(NEXT, gone, whole=is_whole)
    assert told["title"] == "[Test] taken back: shopify: no gap any more"
    english, chinese = blocks(told)
    assert (english[0], chinese[0]) == (en, zh)


def test_what_is_muted_waits_for_the_end_of_its_mute(shop: Shop) -> None:
    stories = Stories(shop.home.state)
    stories.mute({"metric": "*", "platform": "tmall", "segment": "*"}, NEXT, "known")
    other = incident(incident_id="kpi-2", platform="shopify", segment="shopify", opened_date=DAY)
    [told] = shop.run(DAY, incident(**FALL), other)
    assert "Shopify" in told["title"]
    assert shop.run(NEXT, incident(**{**FALL, "last_date": NEXT})) == []
    [late] = shop.run(THIRD, incident(**{**FALL, "last_date": THIRD}))
    assert late["alert"]["event"] == "opened"


@pytest.mark.parametrize("how", ["acknowledge", "judge"])
def test_what_somebody_looks_after_is_not_told_as_still_open(shop: Shop, how: str) -> None:
    shop.run(DAY, incident(**FALL))
    name, stories = "kpi-20261119-0a1b2c3d", Stories(shop.home.state)
    if how == "acknowledge":
        stories.acknowledge(name, "Li Wei")
    else:
        stories.judge(name, "known_promotion", "")
    worse = incident(**{**FALL, "last_date": NEXT, "impact_amount": -300_000.0})
    assert shop.run(NEXT, worse) == []
    assert len(shop.run(THIRD, {**worse, "closed_date": THIRD})) == 1


def test_the_owner_and_the_page_are_named(tmp_path: Path, hook: Hook) -> None:
    of_search = {"platform": "tmall", "segment": "channel:paid_search", "person": "Li Wei"}
    routes = [{"metric": "refund_rate", "person": "Service"}, of_search]
    shop = Shop(tmp_path, hook, routes=routes)
    site = Publish(site_url="https://kpi.example.com")
    shop.home.settings.file.__dict__["publish"] = site
    [told] = shop.run(DAY, incident(cause_dimension="channel", cause_segment="paid_search"))
    english, chinese = blocks(told)
    link = "https://kpi.example.com/drivers.html#lang={}&dim=channel&day=2026-11-20"
    assert english[-2:] == ["Owner: Li Wei.", f"Pages: {link.format('en')}"]
    assert chinese[-2:] == ["负责人：Li Wei", f"页面：{link.format('zh')}"]
    assert told["alert"]["owner"] == "Li Wei"
    assert told["alert"]["incidents"][0]["link"] == link.format("").replace("lang=&", "")


def test_without_an_address_of_the_pages_there_is_no_link_and_never_a_path(shop: Shop) -> None:
    [told] = shop.run(DAY, incident())
    assert "Pages" not in told["message"] and "页面" not in told["message"]
    assert told["alert"]["incidents"][0]["link"] is None
    assert str(shop.home.paths.data) not in json.dumps(told, ensure_ascii=False)


def test_facts_are_the_figures_of_the_text_and_effects_sum_to_the_change(shop: Shop) -> None:
    [told] = shop.run(DAY, incident())
    facts = told["alert"]
    assert (facts["schema"], facts["version"]) == ("kpi-warehouse/alert", 2)
    assert (facts["event"], facts["shop"], facts["currency"]) == ("opened", "Test", "CNY")
    [one] = facts["incidents"]
    known = {
        "incident_id": "kpi-20261119-0a1b2c3d", "kind": "kpi", "status": "open", "metric": "gmv",
        "unit": "currency", "platform": "tmall", "opened_date": "2026-11-19",
        "last_date": "2026-11-20", "closed_date": None, "days": 2, "severity": "high",
        "observed": 180_000.0, "expected": 260_000.0, "lower": 230_000.0, "upper": 290_000.0,
        "impact_amount": -152_000.0, "impact_of": "gmv", "cause_metric": "conversion_rate",
    }  # fmt: skip
    assert {name: one[name] for name in known} == known
    made = one["effects"]
    assert made["observed_amount"] - made["expected_amount"] == -152_000.0
    assert sum(made["parts"].values()) == -152_000.0 == one["impact_amount"]
    assert made["impact_parts"] == list(made["parts"]) == ["conversion_rate", "visitors", "aov"]
    assert one["places"][0] == {
        "dimension": "channel", "segment": "paid_search", "segment_name": None,
        "impact_amount": -70_000.0,
    }  # fmt: skip
    assert one["combinations"][0]["segments"] == "paid_search + mobile"
    assert one["todo"] == "conversion"
    assert all(place["impact_amount"] < 0 for place in one["places"])
    assert [(row["source"], row["is_complete"]) for row in one["data"]] == [
        ("shopify", True), ("tmall", True),
    ]  # fmt: skip
    file = next(shop.home.paths.outbox.glob("kpi-*.json"))
    assert json.loads(file.read_text("utf-8"))["facts"] == facts


def test_rows_that_find_nothing_are_told_once_a_month(shop: Shop) -> None:
    shop.lost = True
    [told] = shop.run(DAY)
    assert "refunds without an order" in told["message"]
    assert told["alert"]["event"] == "lookups"
    assert shop.run(DAY) == shop.run(NEXT) == []
    assert len(shop.run(date(2026, 12, 1))) == 1


@pytest.mark.parametrize(
    ("row", "address"),
    [
        (incident(), "drivers.html#day=2026-11-20"),
        (incident(metric="refund_rate"), "drivers.html#day=2026-11-20"),
        (incident(metric="visitors"), "funnel.html#platform=tmall"),
        (incident(metric="checkout_rate", platform=None), "funnel.html"),
        (incident(metric="on_hand", dimension="product", segment="P1"), "products.html"),
        (incident(metric="overdue_amount"), "profit.html"),
        (gap("a", DAY), "quality.html#at=completeness"),
    ],
)
def test_a_link_leads_to_a_page_and_a_place_on_it(row: dict[str, Any], address: str) -> None:
    assert link_of(row, "https://kpi.example.com/") == f"https://kpi.example.com/{address}"
    page, _, place = address.partition("#at=")
    assert (PAGES / page.partition(".html")[0] / "page.py").is_file()
    assert not place or f'id="{place}"' in (TEMPLATES / page).read_text("utf-8")


def test_alerts_of_operations_lead_to_pages_there_are() -> None:
    assert set(OPERATIONS_PAGES.values()) <= {entry.key for entry in ENTRIES}
    of_sales = {name for name, story in STORIES.items() if story in ("refunds", "trend")}
    assert set(STORIES) - of_sales <= set(OPERATIONS_PAGES)
