"""Messages and their delivery, against a real HTTP server on this machine."""

from __future__ import annotations

import json
import logging
import re
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from dashboards.wording.alerts import AlertInfo, Evidence, Message, compose
from dashboards.wording.comparisons import Comparisons
from dashboards.wording.metrics import by_name
from dashboards.wording.outage import joined
from models.incidents import INCIDENT_SCHEMA
from models.series import FEEDS_OF_METRIC
from orchestration.alerting.alerts import (
    alertable,
    failure_message,
    one_story_each,
    send_alerts,
    tell_failure,
)
from orchestration.alerting.delivery import SendPolicy, deliver
from orchestration.alerting.redact import Redactor, redacting
from tests.support.contracts import comparisons, fake, registry
from tests.support.homes import Home

DAY = date(2026, 11, 20)
INFO = AlertInfo("Demo shop", "CNY", "data/site/index.html")
TOKEN = "T0kenThatMustNotLeak"


def incident(**changed: object) -> dict[str, object]:
    row: dict[str, object] = dict.fromkeys(INCIDENT_SCHEMA)
    row |= {
        "incident_id": "kpi-20261119-0a1b2c3d",
        "metric": "gmv",
        "dimension": "platform",
        "segment": "tmall",
        "opened_date": date(2026, 11, 19),
        "last_date": DAY,
        "severity": "high",
        "impact_amount": Decimal("-152000.00"),
        "kind": "kpi",
        "explanation_en": "tmall fell.",
        "explanation_zh": "tmall 下跌。",
        "cause_metric": "conversion_rate",
        "observed": 180_000.0,
        "expected": 260_000.0,
        "lower": 230_000.0,
        "upper": 290_000.0,
        "days": 2,
        "platform": "tmall",
    }
    return row | changed


def change_rows(comparison: str = "trailing_28d") -> pl.DataFrame:
    def row(dimension: str, segment: str, gmv: float, base: float, **e: float) -> dict[str, object]:
        names = ("visitors", "conversion", "untracked_buyers", "orders_per_buyer",
                 "anonymous_orders", "aov", "mix")  # fmt: skip
        return {
            "business_date": DAY,
            "comparison": comparison,
            "dimension": dimension,
            "segment": segment,
            "gmv": gmv,
            "base_gmv": base,
            "gmv_change": gmv - base,
            "method": "lmdi",
            **{f"{name}_effect": e.get(name, 0.0) for name in names},
        }

    return fake(
        "marts.fct_gmv_change",
        [
            row("all", "all", 420_000.0, 500_000.0, conversion=-80_000.0),
            row("platform", "tmall", 180_000.0, 258_000.0, visitors=12_000.0, mix=-4_000.0,
                conversion=-90_000.0, aov=4_000.0),
            row("channel", "paid_search", 60_000.0, 130_000.0, conversion=-70_000.0),
            row("channel", "email", 50_000.0, 40_000.0, conversion=10_000.0),
            row("device", "mobile", 300_000.0, 375_000.0, conversion=-75_000.0),
        ],
    )  # fmt: skip


def causes() -> pl.DataFrame:
    def row(
        dimension: str, rank: int, segment: str, position: int, impact: float
    ) -> dict[str, object]:
        return {
            "incident_id": "kpi-20261119-0a1b2c3d",
            "platform": "tmall",
            "dimension": dimension,
            "segment": segment,
            "impact_amount": impact,
            "dimension_rank": rank,
            "position": position,
        }

    rows = [
        row("channel", 1, "paid_search", 1, -70_000.0),
        row("channel", 1, "email", 2, 10_000.0),
        row("device", 2, "mobile", 1, -75_000.0),
        row("channel", 1, "social", 1, -1.0) | {"incident_id": "another"},
    ]
    return fake("insights.root_causes", rows)


def completeness(reason: str = "ok") -> pl.DataFrame:
    rows = [
        {
            "business_date": DAY,
            "source": source,
            "feed": "orders",
            "platform": source,
            "expected_rows": expected,
            "arrived_rows": expected if state == "ok" else 0,
            "is_complete": state == "ok",
            "reason": state,
        }
        for source, expected, state in (("tmall", 400.0, "ok"), ("shopify", 200.0, reason))
    ]
    return fake("quality.source_completeness_daily", rows)


class MemoryStore:
    """What was sent, for one test."""

    def __init__(self) -> None:
        self.keys: dict[str, datetime] = {}

    def seen(self, key: str) -> bool:
        return key in self.keys

    def mark(self, key: str, sent_at: datetime) -> None:
        self.keys[key] = sent_at


class Hook:
    """A server that fails as often as told and keeps what it is given."""

    def __init__(self) -> None:
        self.received: list[dict[str, str]] = []
        self.calls = 0
        self.failures = 0
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.calls += 1
                ok = hook.calls > hook.failures
                if ok:
                    hook.received.append(json.loads(body))
                self.send_response(200 if ok else 500)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """No output in tests."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"json://127.0.0.1:{self.server.server_port}/hooks/{TOKEN}"


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


PAUSES: list[float] = []
QUICK = SendPolicy(attempts=3, wait_seconds=0.5, timeout_seconds=2.0, sleep=PAUSES.append)


@pytest.fixture(autouse=True)
def no_pauses() -> None:
    PAUSES.clear()


def evidence(
    changes: pl.DataFrame | None = None, reason: str = "ok", **more: pl.DataFrame
) -> Evidence:
    return Evidence(
        change_rows() if changes is None else changes,
        completeness(reason),
        Comparisons(comparisons()),
        by_name(registry()),
        FEEDS_OF_METRIC,
        **more,
    )


def message(**changed: object) -> Message:
    return compose(incident(**changed), evidence(causes=causes()), INFO)


def test_a_message_says_impact_range_effects_segments_and_data_in_both_languages() -> None:
    told = message()
    assert told.subject == "[Demo shop] high: Tmall: GMV below range on 2026-11-20, −¥152K"
    english, chinese = told.text.split("\n\n")
    for part in (
        "Observed ¥180K; expected ¥260K (range ¥230K to ¥290K).",
        "Impact: −¥152K of GMV since 2026-11-19 (2 days).",
        "Main cause: conversion.",
        "GMV of Tmall −¥78K against the mean of the 28 days before:",  # by hand: 180 - 258
        "+¥12K", "−¥90K", "−¥4.0K", "+¥4.0K",  # every effect of the platform's row
        "Where (within Tmall, against the expectation):\nchannel: Paid search −¥70K",
        "device: Mobile −¥75K",
        "Data of the day: complete.",
        "data/site/index.html",
    ):  # fmt: skip
        assert part in english, part
    assert "Email" not in english  # it rose, so it is no place of the fall
    assert "Social" not in english  # another incident's
    for part in ("支付金额低于预期区间", "较前 28 天日均", "主因：支付转化率", "当日数据：完整"):
        assert part in chinese, part
    assert "−¥15.2万" in chinese or "−¥15万" in chinese
    assert told.key == "gmv|platform:tmall|2026-11-20|high"


def consoles(**changed: object) -> pl.DataFrame:
    """Tmall's console says 100 K more than there is here; Shopify's agrees, its refunds do not."""
    tmall = {
        "business_date": DAY, "platform": "tmall", "reported_paid_amount": 280_000.0,
        "own_paid_amount": 180_000.0, "paid_amount_difference": -100_000.0,
        "differs_in": "paid_amount", "is_within_tolerance": False,
    }  # fmt: skip
    shopify = {
        **tmall, "platform": "shopify", "reported_paid_amount": 9.0, "own_paid_amount": 9.0,
        "paid_amount_difference": 0.0, "differs_in": "refund_amount",
    }  # fmt: skip
    return fake("quality.platform_reconciliation_daily", [tmall | changed, shopify])


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
        ({"metric": "refund_rate"}, {}),
        ({"opened_date": DAY + timedelta(days=1), "last_date": DAY + timedelta(days=1)}, {}),
        ({}, {"differs_in": None, "is_within_tolerance": True}),
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
    told = compose(incident(**place), evidence(None, "no_rows", causes=causes()), INFO)
    assert "Where (whole company without Shopify, not complete, against the expect" in told.text
    assert "不含数据不完整的 Shopify" in told.text
    whole = compose(incident(**place), evidence(causes=causes()), INFO)
    assert "Where (whole company, against the expectation):" in whole.text


def test_a_segment_of_a_platform_is_told_with_the_effects_of_the_platform() -> None:
    told = message(dimension="channel", segment="paid_search", metric="visitors")
    assert "Tmall (channel paid search): visitors below range" in told.subject
    assert "GMV of Tmall −¥78K" in told.text
    assert "天猫（渠道 付费搜索）" in told.text


def test_refunds_rise_above_their_range() -> None:
    told = message(metric="refund_rate", observed=0.21, expected=0.08, lower=0.05, upper=0.12)
    assert "refund rate above range" in told.subject
    assert "rose above its expected range" in told.text
    assert "Observed 21.00%; expected 8.00%" in told.text
    assert "of net sales since" in told.text and "退款率高于预期区间" in told.text


def test_a_promotion_is_compared_with_its_own_phase_and_says_so() -> None:
    both = pl.concat([change_rows(), change_rows("promo_phase")])
    told = compose(incident(), evidence(both), INFO)
    assert "against the same day of the promo phase last year" in told.text
    assert "去年同阶段" in told.text
    assert "28 days" not in told.text


def test_a_message_without_a_comparison_or_with_gaps_says_so() -> None:
    told = compose(incident(), evidence(pl.DataFrame(), "no_rows"), INFO)
    assert "No earlier day to compare with." in told.text
    assert "shopify orders: nothing arrived (0 / 200)" in told.text
    unknown = compose(incident(), replace(evidence(), completeness=completeness().clear()), INFO)
    assert "Data of the day: not known." in unknown.text


def watermarks(**places: tuple[date | None, str]) -> pl.DataFrame:
    """Sources complete through DAY, but those given as source_feed=(day, reason)."""
    rows = [
        {
            "source": source,
            "feed": feed,
            "platform": source,
            "complete_until_date": until,
            "reason": reason,
        }
        for source in ("tmall", "shopify")
        for feed in ("orders", "events", "refunds")
        for until, reason in [places.get(f"{source}_{feed}", (DAY, "ok"))]
    ]
    return fake("quality.source_watermarks", rows)


def test_an_alert_for_a_day_past_the_watermark_of_what_feeds_it_says_so() -> None:
    before = DAY - timedelta(days=3)
    marks = watermarks(
        shopify_orders=(before, "file_missing"),
        shopify_events=(before, "no_rows"),
        tmall_orders=(None, "no_rows"),
        shopify_refunds=(before, "not_daily"),
    )

    def told(reason: str = "ok", **place: object) -> list[str]:
        text = compose(incident(**place), evidence(None, reason, watermarks=marks), INFO)
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
    assert "Observed 1.23%; expected 3.00% (range 2.50% to 3.50%)." in told.text
    days = message(metric="gmv_3_days", observed=15234.1, expected=2e4, lower=18000.0, upper=None)
    assert "Observed ¥15.2K; expected ¥20.0K (range ¥18.0K to unknown)." in days.text
    assert "实际 ¥1.52万；预期 ¥2.00万" in days.text
    price = message(metric="gmv_per_unit", observed=41.5, expected=60.0, lower=55.0, upper=65.0)
    assert "Observed ¥41.50; expected ¥60.00" in price.text
    orders = message(
        metric="orders_per_buyer", observed=1.0312, expected=1.1, lower=1.05, upper=2.0
    )
    assert "Observed 1.031; expected 1.100" in orders.text
    visitors = message(metric="visitors", observed=1234.4, expected=9876.0, lower=9e3, upper=None)
    assert "Observed 1,234; expected 9,876 (range 9,000 to unknown)." in visitors.text


def test_a_data_incident_names_source_and_reason_and_no_money() -> None:
    told = compose(
        incident(kind="data", metric="completeness", dimension="source", reason="stops_early",
                 impact_amount=None, explanation_en="tmall: the data stop early."),
        evidence(None, "no_rows"), INFO,
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


def test_the_outbox_is_written_once_and_without_channels_nothing_is_imported_or_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trap(*_: object, **__: object) -> None:
        raise AssertionError("network")

    monkeypatch.setattr(socket.socket, "connect", trap)
    monkeypatch.setitem(sys.modules, "apprise", None)  # an import would raise
    first = deliver([message()], tmp_path / "outbox", [], MemoryStore())
    assert [(d.channel, d.status) for d in first] == [("outbox", "written")]
    files = sorted(path.name for path in (tmp_path / "outbox").iterdir())
    stem = "kpi-20261119-0a1b2c3d_2026-11-20"
    assert files == [f"{stem}.json", f"{stem}.txt"]
    record = json.loads((tmp_path / "outbox" / f"{stem}.json").read_text(encoding="utf-8"))
    assert record["impact_amount"] == -152_000.0
    assert record["day"] == "2026-11-20"
    changed = (tmp_path / "outbox" / f"{stem}.txt").stat().st_mtime_ns
    again = deliver([message()], tmp_path / "outbox", [], MemoryStore())
    assert again[0].status == "unchanged"
    assert (tmp_path / "outbox" / f"{stem}.txt").stat().st_mtime_ns == changed


def test_the_same_news_is_sent_once_and_worse_news_again(tmp_path: Path, hook: Hook) -> None:
    store = MemoryStore()
    for _ in range(2):
        report = deliver([message()], tmp_path, [hook.address], store, QUICK)
    assert report[-1].status == "already_sent"
    assert len(hook.received) == 1
    assert hook.received[0]["title"] == message().subject
    assert "支付金额" in hook.received[0]["message"]
    deliver([message(severity="low")], tmp_path, [hook.address], store, QUICK)
    deliver([message(last_date=date(2026, 11, 21))], tmp_path, [hook.address], store, QUICK)
    assert len(hook.received) == 3


def test_a_channel_that_recovers_gets_the_message_after_growing_pauses(
    tmp_path: Path, hook: Hook
) -> None:
    hook.failures = 2
    report = deliver([message()], tmp_path, [hook.address], MemoryStore(), QUICK)
    assert (report[-1].status, report[-1].tries) == ("sent", 3)
    assert (hook.calls, len(hook.received)) == (3, 1)
    assert PAUSES == [0.5, 1.0]


def test_a_channel_that_stays_down_is_tried_next_run_and_holds_nobody_back(
    tmp_path: Path, hook: Hook
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"json://127.0.0.1:{free.getsockname()[1]}/hooks/other-{TOKEN}"
    store = MemoryStore()
    report = deliver([message()], tmp_path, [closed, hook.address], store, QUICK)
    assert [d.status for d in report] == ["written", "failed", "sent"]
    assert len(store.keys) == 1
    again = deliver([message()], tmp_path, [closed, hook.address], store, QUICK)
    assert [d.status for d in again] == ["unchanged", "failed", "already_sent"]


def test_a_server_that_never_answers_costs_the_time_limit_only(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"json://127.0.0.1:{silent.getsockname()[1]}/x"
        started = datetime.now()
        policy = SendPolicy(attempts=1, timeout_seconds=0.5, sleep=PAUSES.append)
        report = deliver([message()], tmp_path, [address], MemoryStore(), policy)
    assert report[-1].status == "failed"
    assert (datetime.now() - started).total_seconds() < 10


def test_no_log_line_and_no_report_holds_a_secret(
    tmp_path: Path, hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("apprise").setLevel(logging.DEBUG)
    hook.failures = 99
    user = hook.address.replace("json://", f"json://robot:pass{TOKEN}@")
    channels = [
        user,
        f"dingtalk://{TOKEN}!!/not-a-phone",  # malformed: logged even as a warning
        f"slack://{TOKEN}/bad/token",
        f"no-scheme-{TOKEN}",
    ]
    report = deliver([message()], tmp_path, channels, MemoryStore(), QUICK)
    assert [d.status for d in report[1:]] == ["failed"] * 4
    said = caplog.text + repr(report)
    assert "alert kpi-20261119-0a1b2c3d was not delivered" in said
    assert "apprise" in caplog.text or "http" in caplog.text  # foreign records were made
    assert TOKEN.lower() not in said.lower()
    assert "robot" not in said


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
    report = deliver([told], tmp_path, [], MemoryStore())
    assert report[0].status == "written"
    assert (tmp_path / "run-20261121T060000_2026-11-20.txt").is_file()
    silent = failure_message("r/../1", "build", ValueError(), "data/logs", day=DAY)
    assert "ValueError" in silent.text
    assert silent.incident_id == "run-r____1"


def test_a_run_tells_the_open_incidents_of_its_last_days(tmp_path: Path, hook: Hook) -> None:
    class Build:
        """The tables of a run, as `orchestration.run.Run` gives them."""

        tables = {  # noqa: RUF012
            "insights.incidents": fake(
                "insights.incidents",
                [incident(), incident(incident_id="kpi-old", closed_date=DAY)],
            ),
            "insights.anomalies": fake(
                "insights.anomalies", [{"business_date": day} for day in (date(2026, 8, 1), DAY)]
            ),
            "insights.root_causes": causes(),
            "marts.fct_gmv_change": change_rows(),
            "quality.source_completeness_daily": completeness(),
            "quality.source_watermarks": watermarks(),
            "quality.platform_reconciliation_daily": consoles(),
            "quality.metrics": registry(),
            "quality.comparisons": comparisons(),
        }
        settings = SimpleNamespace(
            shop=SimpleNamespace(name="Demo shop", currency="CNY", languages=("en", "zh")),
            alert_channels=lambda: [hook.address],
            paths=SimpleNamespace(site=tmp_path / "site", outbox=tmp_path / "outbox"),
        )
        state = MemoryStore()

        def published(self, sql: str) -> pl.DataFrame:
            with pl.SQLContext(
                {name.replace(".", "_"): frame for name, frame in self.tables.items()}
            ) as context:
                plain = sql.replace("marts.", "marts_").replace("insights.", "insights_")
                plain = plain.replace("quality.", "quality_")
                plain = f"select * {plain}" if plain.startswith("from") else plain
                return context.execute(plain, eager=True)

    run = Build()
    assert send_alerts(run.settings, run.state, run.published) == 1  # type: ignore[arg-type]
    assert send_alerts(run.settings, run.state, run.published) == 1  # type: ignore[arg-type]
    assert len(hook.received) == 1
    assert "Paid search" in hook.received[0]["message"]
    # The closed one is no news, but the outbox explains it.
    assert len(list((tmp_path / "outbox").glob("*.txt"))) == 2


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


def test_what_is_not_attributed_is_a_place_where_it_lost_most() -> None:
    known = causes()
    blind = known.head(1).with_columns(
        segment=pl.lit("(untracked)"), impact_amount=pl.lit(-90_000.0), position=pl.lit(3)
    )
    told = compose(incident(), evidence(causes=pl.concat([known, blind.cast(known.schema)])), INFO)  # type: ignore[arg-type]
    assert "channel: (untracked) −¥90K, Paid search −¥70K" in told.text


def test_a_metric_back_in_its_range_is_not_told_as_below_it() -> None:
    told = message(observed=240_000.0)
    assert (
        "fell below its expected range since 2026-11-19, and was back inside it on 2026-11-20"
        in (told.text)
    )
    assert "GMV below range before 2026-11-20" in told.subject
    assert "2026-11-20 已回到区间内" in told.text


def gap(source: str, opened: date, last: date = DAY) -> dict[str, object]:
    return incident(
        incident_id=f"data-{source}", kind="data", metric="completeness", dimension="source",
        segment=source, platform=source, reason="no_rows", feeds="orders", impact_amount=None,
        opened_date=opened, last_date=last, observed=None, expected=None, lower=None, upper=None,
        explanation_en=f"{source}: nothing arrived.", explanation_zh=f"{source}：没有数据。",
    )  # fmt: skip


def test_an_outage_of_many_sources_and_days_is_one_message(tmp_path: Path, hook: Hook) -> None:
    store = MemoryStore()

    def run(*rows: dict[str, object]) -> list[str]:
        """Titles that a run with these open incidents sends."""
        before = len(hook.received)
        news = alertable(pl.DataFrame(rows, schema=INCIDENT_SCHEMA), DAY)
        told = {str(row["incident_id"]): compose(row, evidence(), INFO) for row in rows}
        for names in one_story_each(news):
            message = joined([told[name] for name in names], INFO)
            deliver([message], tmp_path, [hook.address], store, QUICK)
        return [str(one["title"]) for one in hook.received[before:]]

    sources = [gap(f"s{n}", DAY - timedelta(days=n % 2)) for n in range(6)]
    titles = run(*sources, incident())
    assert titles == [
        "[Demo shop] high: data of 6 sources incomplete until 2026-11-20", message().subject,
    ]  # fmt: skip
    assert all(f"s{n}: nothing arrived." in hook.received[0]["message"] for n in range(6))
    # Sources that come back one by one, and days that pass, are no news; a seventh source is.
    assert run(*sources[1:]) == []
    assert run(*({**row, "last_date": DAY} for row in sources[2:])) == []
    assert run(*sources[2:], gap("s7", DAY)) == [
        "[Demo shop] high: data of 5 sources incomplete until 2026-11-20"
    ]


def test_gaps_that_do_not_touch_are_apart() -> None:
    rows = [gap("a", DAY - timedelta(days=9), DAY - timedelta(days=1)), gap("b", DAY)]
    early = gap("c", DAY - timedelta(days=9), DAY - timedelta(days=5))
    frame = pl.DataFrame([*rows, early], schema=INCIDENT_SCHEMA)
    assert one_story_each(frame) == [["data-a", "data-c", "data-b"]]
    assert one_story_each(pl.DataFrame([early, rows[1]], schema=INCIDENT_SCHEMA)) == [
        ["data-c"], ["data-b"],
    ]  # fmt: skip


def test_two_failed_runs_of_a_day_are_two_messages() -> None:
    first, second = (failure_message(run, "audit", "x", "log", day=DAY) for run in ("a", "b"))
    assert first.key != second.key
