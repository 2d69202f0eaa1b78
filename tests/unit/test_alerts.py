"""Messages and their delivery, against a real HTTP server on this machine."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from dashboards.wording.alerts import compose
from dashboards.wording.facts import Evidence
from dashboards.wording.message import AlertInfo, Message
from dashboards.wording.metrics import by_name
from models.incidents import INCIDENT_SCHEMA
from models.series import FEEDS_OF_METRIC
from orchestration.alerting.alerts import alertable, failure_message, tell_failure
from orchestration.alerting.outbox import write_outbox
from orchestration.alerting.redact import Redactor, redacting
from orchestration.alerting.teller import one_story_each
from tests.support.contracts import registry
from tests.support.homes import Home
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
    watermarks,
)

NEXT = DAY + timedelta(days=1)
INFO = AlertInfo("Demo shop", "CNY", "https://kpi.example.com/shop/")


def evidence(reason: str = "ok", **more: pl.DataFrame) -> Evidence:
    return Evidence(
        completeness(reason), by_name(registry()), FEEDS_OF_METRIC, effects=effects(), **more
    )


def message(**changed: object) -> Message:
    return compose(incident(**changed), evidence(causes=causes()), INFO)


def test_a_message_says_impact_range_effects_segments_and_data_in_both_languages() -> None:
    told = message()
    assert told.subject == "[Demo shop] high: Tmall: GMV below range on 2026-11-20, −¥152K"
    english, chinese = told.text.split("\n\n")
    for part in (
        "On 2026-11-20: ¥180K; expected ¥260K (range ¥230K to ¥290K).",
        "Impact: −¥152K of GMV, from 2026-11-19 to 2026-11-20 (2 days).",
        "Main cause: conversion.",
        "GMV of Tmall from 2026-11-19 to 2026-11-20: ¥364K, expected ¥516K, −¥152K:\n"
        "Conversion −¥170K\nTraffic −¥14K\nAOV +¥32K\n",  # by hand: -170 - 14 + 32 = 364 - 516
        "The whole company from 2026-11-19 to 2026-11-20: −¥140K of GMV against the expectation.",
        "Where (within Tmall, against the expectation):\nChannel: Paid search −¥70K",
        "Device: Mobile −¥75K",
        "What to do: order something yourself",
        "Data of the day: complete.",
        "Pages: https://kpi.example.com/shop/drivers.html#lang=en&day=2026-11-20",
    ):  # fmt: skip
        assert part in english, part
    assert "Email" not in english  # it rose, so it is no place of the fall
    assert "Social" not in english  # another incident's
    for part in (
        "支付金额低于预期区间", "预期 ¥51.6万，−¥15万：", "主因：支付转化率", "当日数据：完整",
        "建议：自己实际下一单",
    ):  # fmt: skip
        assert part in chinese, part
    assert "−¥15.2万" in chinese or "−¥15万" in chinese
    assert told.key == "gmv|platform:tmall|2026-11-20|high"


def test_a_fall_that_the_platforms_own_figure_does_not_show_says_so() -> None:
    told = compose(incident(), evidence(consoles=consoles()), INFO).text
    english, chinese = told.split("\n\n")
    assert (
        "The platform's own figures differ, so the data may be to blame:\n"
        "Tmall reports ¥280K paid on 2026-11-20, ¥100K more than ¥180K here."
    ) in english
    assert "天猫自报 2026-11-20 支付金额 ¥28.0万，比此处的 ¥18.0万 多 ¥10.0万。" in chinese
    assert "Shopify reports" not in told
    less = consoles(reported_paid_amount=170_000.0, paid_amount_difference=10_000.0)
    told = compose(incident(), evidence(consoles=less), INFO).text
    assert "¥170K paid on 2026-11-20, ¥10.0K less than ¥180K here" in told


@pytest.mark.parametrize(
    ("what", "seen"),
    [
        ({"platform": "shopify", "segment": "shopify"}, {}),
        ({"metric": "refund_rate", "impact_of": "refunds"}, {}),
        ({"opened_date": NEXT, "last_date": NEXT, "told_date": NEXT}, {}),
        ({}, {"differs_in": None, "is_within_tolerance": None, "own_paid_amount": None}),
    ],
)
def test_a_platforms_figure_is_told_of_the_place_and_days_of_a_fall_alone(
    what: dict[str, object], seen: dict[str, object]
) -> None:
    told = compose(incident(**what), evidence(consoles=consoles(**seen)), INFO).text
    assert "own figures" not in told and "自报" not in told


def test_a_company_incident_names_the_platforms_its_places_are_without() -> None:
    place = {"dimension": "all", "segment": "all", "platform": None}
    told = compose(incident(**place), evidence("no_rows", causes=causes()), INFO)
    assert "Where (whole company without Shopify, not complete, against the expect" in told.text
    assert "不含数据不完整的 Shopify" in told.text
    whole = compose(incident(**place), evidence(causes=causes()), INFO)
    assert "Where (whole company, against the expectation):" in whole.text


def test_a_segment_of_a_platform_is_told_with_the_money_of_its_place() -> None:
    place = {"impact_dimension": "channel", "impact_segment": "paid_search"}
    told = message(dimension="channel", segment="paid_search", metric="visitors", **place)
    assert "Tmall (channel paid search): visitors below range" in told.subject
    assert "GMV of Tmall (channel paid search) from" in told.text
    assert "天猫（渠道 付费搜索）" in told.text


def test_refunds_rise_above_their_range() -> None:
    money = {"impact_of": "refunds", "observed_amount": 21_000.0, "expected_amount": 8_000.0,
             "impact_amount": -13_000.0, "cause_metric": None}  # fmt: skip
    told = message(
        metric="refund_rate", observed=0.21, expected=0.08, lower=0.05, upper=0.12, **money
    )
    assert "refund rate above range" in told.subject
    assert "rose above the expected range" in told.text
    assert "On 2026-11-20: 21.00%; expected 8.00%" in told.text
    assert (
        "Impact: −¥13K of net sales, from 2026-11-19 to 2026-11-20 (2 days): ¥21.0K refunded,"
        " ¥8.00K expected."
    ) in told.text
    assert "Conversion" not in told.text and "GMV of" not in told.text
    assert "退款率高于预期区间" in told.text and "read the reasons" in told.text


def test_a_price_is_told_with_the_units_sold_and_the_product_by_name() -> None:
    money = {"impact_of": "price", "observed_amount": 1_351.0, "expected_amount": 3_900.0,
             "impact_amount": -2_549.0, "cause_metric": "gmv_per_unit"}  # fmt: skip
    place = {"dimension": "product", "segment": "P011", "segment_name": "Stackable box",
             "cause_dimension": "product", "cause_segment": "P011",
             "cause_segment_name": "Stackable box"}  # fmt: skip
    told = message(metric="gmv_per_unit", **money, **place)
    assert "Tmall (product Stackable box [P011]): price per unit below range" in told.subject
    assert "¥1.35K paid for units that make ¥3.90K at their usual price" in told.text
    assert "check the price of Stackable box [P011] now" in told.text
    assert "核对Stackable box [P011]的价格" in told.text


def test_what_a_metric_does_alone_is_said_beside_the_gmv_of_the_days() -> None:
    alone = {"metric": "visitors", "impact_of": "metric", "impact_amount": -14_000.0,
             "cause_metric": "visitors", "cause_dimension": "channel",
             "cause_segment": "paid_search"}  # fmt: skip
    told = message(**alone)
    assert "Impact: −¥14K of GMV by visitors alone, from" in told.text
    assert "expected ¥516K, −¥152K:" in told.text
    assert "Main cause" not in told.text  # it is in the headline already
    assert "see whether the campaigns of paid search run" in told.text


def test_counts_and_operations_are_told_without_what_they_do_not_have() -> None:
    nothing = dict.fromkeys(
        ("impact_dimension", "impact_segment", "observed_amount", "expected_amount", "lower",
         "company_impact_amount", "cause_metric", "impact_amount")
    )  # fmt: skip
    place = {"dimension": "carrier", "segment": "Lantern Express", "cause_dimension": "carrier",
             "cause_segment": "Lantern Express"}  # fmt: skip
    late = incident(
        **nothing | place, metric="late_parcels_3_days", impact_of="metric", observed=20.0,
        expected=2.0, upper=16.0,
    )  # fmt: skip
    told = compose(late, evidence(consoles=consoles()), INFO)
    assert told.subject.endswith("late parcels of three days' orders above range on 2026-11-20")
    assert "On 2026-11-20: 20; expected 2 (at most 16).\nWhat to do: call the carrier Lantern" in (
        told.text
    )
    assert told.impact_amount is None and "¥" not in told.text
    service = late | {"dimension": "service", "segment": "erp", "platform": None,
                      "cause_dimension": "service", "cause_segment": "erp",
                      "metric": "error_rate"}  # fmt: skip
    assert "of service erp rose above" in compose(service, evidence(), INFO).text
    trend = incident(**nothing, metric="visitors_trend", impact_of="metric") | {
        "upper": None, "impact_amount": -450.0,
    }  # fmt: skip
    text = compose(trend, evidence(), INFO).text
    assert "expected 260,000.\nImpact: −¥450 of GMV, from" in text


def test_a_combination_and_a_holiday_are_named() -> None:
    more = evidence(sets=sets(), promos=promos("closed"), causes=causes())
    told = compose(incident(), more, INFO).text
    assert (
        "Most likely together: channel Paid search + device Mobile (90 orders; 400 at the rate of"
        " all others)."
    ) in told
    assert (
        "2026-11-20 is part of Spring Festival: the shop is usually closed on this holiday." in told
    )
    assert "2026-11-20 属于春节：店铺在该节假日通常休息。" in told
    told = compose(incident(), evidence(promos=promos("sale")), INFO).text
    assert "2026-11-20 is part of Spring Festival." in told
    told = compose(incident(), evidence(promos=promos(platform="shopify")), INFO).text
    assert "Spring Festival" not in told


def test_the_platforms_own_figure_is_told_where_it_is_the_same() -> None:
    same = consoles(
        reported_paid_amount=180_000.0, paid_amount_difference=0.0, differs_in=None,
        is_within_tolerance=True,
    )  # fmt: skip
    told = compose(incident(), evidence(consoles=same), INFO).text
    assert "Tmall itself reports ¥180K paid on 2026-11-20; here it is ¥180K." in told
    assert "天猫自报 2026-11-20 支付金额 ¥18.0万；此处为 ¥18.0万。" in told


def test_a_message_with_gaps_or_without_effects_says_so() -> None:
    told = compose(incident(), replace(evidence("no_rows"), effects=None), INFO)
    assert "expected ¥516K, −¥152K.\n" in told.text
    assert "shopify orders: nothing arrived (0 / 200)" in told.text
    unknown = compose(incident(), replace(evidence(), completeness=completeness().clear()), INFO)
    assert "Data of the day: not known." in unknown.text


def test_an_alert_for_a_day_past_the_watermark_of_what_feeds_it_says_so() -> None:
    before = DAY - timedelta(days=3)
    marks = watermarks(
        shopify_orders=(before, "file_missing"),
        shopify_events=(before, "no_rows"),
        tmall_orders=(None, "no_rows"),
        shopify_refunds=(before, "not_daily"),
    )

    def told(reason: str = "ok", **place: object) -> list[str]:
        text = compose(incident(**place), evidence(reason, watermarks=marks), INFO)
        return [
            line for line in text.text.splitlines() if "Past what" in line or "超出完整" in line
        ]

    company = {"platform": None, "dimension": "all", "segment": "all"}
    shop = {"platform": "shopify", "dimension": "platform", "segment": "shopify"}
    orders = (
        f"Past what is complete: shopify orders is complete only through {before}"
        " (a file that was announced has not come)."
    )
    assert told(metric="gmv", **shop) == [
        orders,
        f"超出完整数据范围：shopify orders 仅完整至 {before}（清单中的文件尚未到达）。",
    ]
    assert told(metric="gmv", **company)[:2] == [
        orders,
        "Past what is complete: tmall orders is not complete on any day yet (nothing arrived).",
    ]
    assert [line.split(": ")[1][:14] for line in told(metric="visitors", **shop)[:1]] == [
        "shopify events"
    ]
    assert len(told(metric="conversion_rate", **shop)) == 4
    assert len(told(metric="refund_rate", **shop)) == 2
    # A gap that begins with the day itself is told with the state of the day, and only there.
    marks = watermarks(shopify_orders=(DAY - timedelta(days=1), "no_rows"))
    assert told("no_rows", metric="gmv", **shop) == []
    assert len(told(metric="gmv", **shop)) == 2
    marks = watermarks()
    assert told(metric="gmv", **company) == []


def test_metrics_are_written_in_their_own_unit() -> None:
    told = message(
        metric="conversion_rate", observed=0.0123, expected=0.03, lower=0.025, upper=0.035
    )
    assert "On 2026-11-20: 1.23%; expected 3.00% (range 2.50% to 3.50%)." in told.text
    days = message(metric="gmv_3_days", observed=15234.1, expected=2e4, lower=18000.0, upper=None)
    assert "On 2026-11-20: ¥15.2K; expected ¥20.0K (at least ¥18.0K)." in days.text
    assert "实际 ¥1.52万；预期 ¥2.00万" in days.text
    price = message(metric="gmv_per_unit", observed=41.5, expected=60.0, lower=55.0, upper=65.0)
    assert "On 2026-11-20: ¥41.50; expected ¥60.00" in price.text
    orders = message(
        metric="orders_per_buyer", observed=1.0312, expected=1.1, lower=1.05, upper=2.0
    )
    assert "On 2026-11-20: 1.031; expected 1.100" in orders.text
    visitors = message(metric="visitors", observed=1234.4, expected=9876.0, lower=9e3, upper=None)
    assert "On 2026-11-20: 1,234; expected 9,876 (at least 9,000)." in visitors.text


def test_a_data_incident_names_source_and_reason_and_no_money() -> None:
    told = compose(
        incident(kind="data", metric="completeness", dimension="source", reason="stops_early",
                 impact_amount=None, explanation_en="tmall: the data stop early."),
        evidence("no_rows"), INFO,
    )  # fmt: skip
    assert "the data stop before the end of the day on 2026-11-20" in told.subject
    assert told.text.startswith("tmall: the data stop early.")
    assert "¥" not in told.text


def test_names_from_exports_cannot_add_lines_or_headers() -> None:
    told = message(segment="tmall\r\nBcc: all@example.com", incident_id="kpi/../../x")
    assert "\n" not in told.subject
    assert "\r" not in told.subject + told.text
    assert "\nBcc" not in told.text
    assert "/" not in told.incident_id
    script = message(segment="<script>alert(1)</script>")
    assert "<script>" in script.text  # plain text, shown as it is


def test_only_open_incidents_of_the_last_days_are_told() -> None:
    rows = [
        incident(incident_id="today"),
        incident(incident_id="closed", closed_date=DAY),
        incident(incident_id="old", last_date=date(2026, 11, 10)),
        incident(incident_id="gap", kind="data", impact_amount=None),
    ]
    told = alertable(pl.DataFrame(rows, schema=INCIDENT_SCHEMA), DAY)
    assert told["incident_id"].to_list() == ["gap", "today"]


def test_redaction_of_parts_quoted_parts_and_exceptions(caplog: pytest.LogCaptureFixture) -> None:
    secret = "mailto://me:p%40ssw0rd@mail.example.com?to=boss@example.com"
    redact = Redactor([secret])
    for leak in (secret, "p%40ssw0rd", "p@ssw0rd", "P@SSW0RD", "https://hooks.example.com/a/b/c"):
        assert leak not in redact(f"could not reach {leak} today")
    assert redact("could not reach it today") == "could not reach it today"
    log = logging.getLogger("foreign.library")
    factory = logging.getLogRecordFactory()
    with redacting([secret]):
        try:
            raise ValueError("login me:p@ssw0rd failed")
        except ValueError:
            log.exception("sending to %s failed", secret)
        log.warning("wrong %d arguments p@ssw0rd", "x")
    assert "p@ssw0rd" not in caplog.text
    assert "ValueError" in caplog.text
    assert logging.getLogRecordFactory() is factory


def test_a_failed_run_is_told_without_credentials(tmp_path: Path) -> None:
    error = RuntimeError("cannot open http://bot:hunter22@10.0.0.1/x\nsecond line")
    told = failure_message("20261121T060000", "audit", error, "data/logs", day=DAY)
    assert told.subject == "kpi-warehouse: run failed at audit"
    assert "hunter22" not in told.text
    assert "second line" in told.text
    assert "data/logs" in told.text
    write_outbox([told], tmp_path)
    assert (tmp_path / "run-20261121T060000_2026-11-20.txt").is_file()
    silent = failure_message("r/../1", "build", ValueError(), "data/logs", day=DAY)
    assert "ValueError" in silent.text
    assert silent.incident_id == "run-r____1"


def test_a_failed_run_is_told_once_whoever_sees_it(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for _ in range(2):  # the run itself, then the sensor
        tell_failure(home.settings, home.state, "run-1", "audit", ValueError("no"))
    tell_failure(home.settings, home.state, "run-2", "audit", ValueError("no"))
    assert len(list(home.paths.outbox.glob("run-*.txt"))) == 2
    assert len(list(home.paths.data.glob("logs/error_*.log"))) == 2


def test_messages_are_in_the_languages_of_the_shop() -> None:
    han = re.compile(r"[\u4e00-\u9fff]")
    english = compose(incident(), evidence(causes=causes()), replace(INFO, languages=("en",)))
    assert not han.search(english.subject + english.text)
    assert english.text == message().text.split("\n\n")[0]
    chinese = compose(incident(), evidence(causes=causes()), replace(INFO, languages=("zh",)))
    assert chinese.subject == "[Demo shop] 高：天猫支付金额低于预期区间（2026-11-20），−¥15万"
    assert chinese.text == message().text.split("\n\n")[1]
    failed = failure_message("r", "audit", "disk full", "log", day=DAY, languages=("en",))
    assert not han.search(failed.subject + failed.text)
    failed = failure_message("r", "audit", "disk full", "log", day=DAY, languages=("zh",))
    assert "disk full" in failed.text and "failed" not in failed.subject + failed.text


def test_only_what_belongs_to_the_cause_is_a_place_and_what_is_told_of_always() -> None:
    known = causes()
    noise = known.head(1).with_columns(
        segment=pl.lit("direct"), impact_amount=pl.lit(-90_000.0), is_cause=pl.lit(False)
    )
    every = pl.concat([known, noise.cast(dict(known.schema))])
    told = compose(incident(), evidence(causes=every), INFO).text
    assert "Channel: Paid search −¥70K\n" in told and "Direct" not in told
    gained = every.with_columns(pl.col("impact_amount").abs())
    place = {"dimension": "channel", "segment": "paid_search"}
    told = compose(incident(**place), evidence(causes=gained), INFO)
    [one] = told.facts["incidents"]
    assert [row["segment"] for row in one["places"]] == ["paid_search"]


def test_the_figures_are_those_of_the_last_day_out_of_range() -> None:
    told = message(told_date=DAY - timedelta(days=1))
    assert "fell below the expected range on 2026-11-19 (severity high)" in told.text
    assert "GMV below range on 2026-11-19" in told.subject
    assert "2026-11-19 实际 ¥18.0万" in told.text


def test_gaps_that_do_not_touch_are_apart() -> None:
    rows = [gap("a", DAY - timedelta(days=9), DAY - timedelta(days=1)), gap("b", DAY)]
    early = gap("c", DAY - timedelta(days=9), DAY - timedelta(days=5))

    def stories(*gaps: dict[str, object]) -> list[list[object]]:
        return [[row["incident_id"] for row in group] for group in one_story_each(gaps)]

    assert stories(*rows, early) == [["data-a", "data-c", "data-b"]]
    assert stories(early, rows[1]) == [["data-c"], ["data-b"]]


def test_two_failed_runs_of_a_day_are_two_messages() -> None:
    first, second = (failure_message(run, "audit", "x", "log", day=DAY) for run in ("a", "b"))
    assert first.key != second.key
