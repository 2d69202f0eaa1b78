"""What an alert says: impact in money, expected range, every effect, where, state of the data.

Belongs here: the choice of incidents worth a message, and their words, in English and Chinese.
Sending is in `delivery.py`; figures come from `models` and from `fct_gmv_change`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from models.incident_words import METRIC_LABELS, REASON_LABELS
from models.root_cause import change_row, sensible_comparison, top_segments
from orchestration.delivery import AlertStore, Delivery, Message, SendPolicy, deliver

if TYPE_CHECKING:
    from orchestration.run import Run

__all__ = [
    "AlertInfo",
    "AlertStore",
    "Delivery",
    "Message",
    "SendPolicy",
    "alertable",
    "compose",
    "deliver",
    "failure_message",
    "send_alerts",
]

_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
_CREDENTIALS = re.compile(r"://[^\s/@]+@")
_LONGEST_ERROR = 2000
_OUTBOX_DAYS = 35
_COMPARISONS = {
    "promo_phase": ("the same day of the promo phase last year", "去年同阶段"),
    "trailing_28d": ("the mean of the 28 days before", "前 28 天日均"),
    "last_week": ("the same weekday last week", "上周同期"),
    "last_year": ("364 days before", "去年同期"),
    "previous_day": ("the day before", "前一日"),
}
_SEVERITIES = {"high": "高", "medium": "中", "low": "低"}


@dataclass(frozen=True)
class AlertInfo:
    """What a message needs to know of the shop.

    Attributes:
        shop: name of the company.
        currency: ISO 4217 code of the reporting currency.
        site: address or path of the pages, empty if there are none.
    """

    shop: str
    currency: str
    site: str = ""


def alertable(incidents: pl.DataFrame, as_of: date, within_days: int = 2) -> pl.DataFrame:
    """Open incidents of the last days, the costliest first: history is not news.

    Args:
        incidents: frame of `models.incidents.INCIDENT_SCHEMA`.
        as_of: last business date of the data.
        within_days: days back, `as_of` included.
    """
    since = as_of - timedelta(days=within_days - 1)
    return incidents.filter(
        pl.col("closed_date").is_null(), pl.col("last_date").is_between(since, as_of)
    ).sort(pl.col("kind") != "data", pl.col("impact_amount").fill_null(0), "incident_id")


def compose(
    incident: Mapping[str, Any],
    changes: pl.DataFrame,
    completeness: pl.DataFrame,
    info: AlertInfo,
) -> Message:
    """The message of an incident's last day.

    Args:
        incident: one row of `models.incidents.INCIDENT_SCHEMA` as a mapping.
        changes: rows of `fct_gmv_change`.
        completeness: `quality.source_completeness_daily`.
        info: shop, currency, site.
    """
    is_data = incident["kind"] == "data"
    blocks = []
    for lang in ("en", "zh"):
        lines = _gap_lines(incident, lang) if is_data else _fall_lines(incident, lang, info)
        if not is_data:
            lines += _effect_lines(incident, changes, lang, info)
        lines += _state_lines(incident, completeness, lang)
        if info.site:
            lines.append(f"{'Pages' if lang == 'en' else '页面'}: {info.site}")
        blocks.append("\n".join(_line(line) for line in lines))
    return Message(
        incident_id=re.sub(r"[^A-Za-z0-9_.-]", "_", str(incident["incident_id"])),
        day=incident["last_date"],
        kind=str(incident["kind"]),
        metric=str(incident["metric"]),
        segment=_line(f"{incident['dimension']}:{incident['segment']}"),
        severity=str(incident["severity"]),
        subject=_subject(incident, info),
        text="\n\n".join(blocks),
        impact_amount=incident["impact_amount"],
    )


def failure_message(
    run_id: str,
    step: str,
    error: BaseException | str,
    log_path: Path | str,
    day: date | None = None,
) -> Message:
    """The message of a run that failed; readers keep the last good generation.

    Args:
        run_id: id of the run.
        step: the step it failed at.
        error: what was raised; credentials in addresses are removed.
        log_path: where to read more.
        day: business date of the run; today (UTC) if not given.
    """
    told = str(error).strip() or type(error).__name__
    reason = _CREDENTIALS.sub("://***@", told)[:_LONGEST_ERROR]
    lines = [_line(line) for line in reason.splitlines()] or ["no message"]
    english = [f"Run {run_id} failed at step {step}.", *lines, f"Log: {log_path}"]
    english.append("Published figures and pages are those of the last good run.")
    chinese = [f"运行 {run_id} 在步骤 {step} 失败，错误见上文。日志：{log_path}"]
    chinese.append("已发布的数据和页面保持上一次成功运行的结果。")
    return Message(
        incident_id=f"run-{re.sub(r'[^A-Za-z0-9_-]', '_', run_id)[:60]}",
        day=day or datetime.now(UTC).date(),
        kind="run",
        metric="run",
        segment=_line(f"run:{run_id}"),
        severity="high",
        subject=_line(f"kpi-warehouse: run failed at {step}"),
        text="\n".join(english) + "\n\n" + "\n".join(_line(line) for line in chinese),
    )


def send_alerts(run: Run) -> int:
    """Tell the incidents of the published generation.

    Those open on the last days go to the configured channels. The outbox also explains what
    happened in the weeks before: it is read by people who were not told at the time.

    Args:
        run: the run under way, after it has published.

    Returns:
        Number of incidents that are news.
    """
    incidents = run.published("from insights.incidents")
    last = run.published("select max(business_date) as day from insights.anomalies")["day"][0]
    if last is None:
        return 0
    told = incidents.filter(pl.col("last_date") > last - timedelta(days=_OUTBOX_DAYS))
    if told.is_empty():
        return 0
    days = ", ".join(f"date '{day}'" for day in told["last_date"].unique().sort())
    changes = run.published(f"from marts.fct_gmv_change where business_date in ({days})")
    completeness = run.published("from quality.source_completeness_daily")
    shop = run.settings.shop
    info = AlertInfo(shop.name, shop.currency, (run.paths.site / "index.html").as_posix())
    messages = {
        row["incident_id"]: compose(row, changes, completeness, info) for row in told.to_dicts()
    }
    news = alertable(incidents, last)["incident_id"].to_list()
    channels = run.settings.alert_channels()
    deliver(list(messages.values()), run.paths.outbox, [], run.state)
    deliver([messages[name] for name in news], run.paths.outbox, channels, run.state)
    return len(news)


def _line(text: str) -> str:
    """One line: names from exports must not add lines or headers of their own."""
    return _CONTROL.sub(" ", text).strip()


def _place(incident: Mapping[str, Any], lang: str) -> str:
    if incident["dimension"] == "all":
        return "the company" if lang == "en" else "全公司"
    return str(incident["segment"])


def _subject(incident: Mapping[str, Any], info: AlertInfo) -> str:
    from dashboards.narrative import money

    start = f"[{info.shop}] {incident['severity']}: {_place(incident, 'en')}"
    if incident["kind"] == "data":
        reason = REASON_LABELS.get(str(incident["reason"]), ("data incomplete", ""))[0]
        return _line(f"{start}: {reason} on {incident['last_date']}")
    name = METRIC_LABELS[str(incident["metric"])][0]
    amount = money(incident["impact_amount"], info.currency, "en", signed=True)
    return _line(f"{start}: {name} below range on {incident['last_date']}, {amount}")


def _value(metric: str, value: float | None, lang: str, info: AlertInfo) -> str:
    """A figure in the unit of its metric."""
    from dashboards.narrative import money

    if value is None:
        return "unknown" if lang == "en" else "未知"
    if metric in ("gmv", "aov"):
        return money(value, info.currency, lang)
    if metric == "conversion_rate":
        return f"{value:.2%}"
    return f"{value:,.0f}" if metric in ("visitors", "buyers") else f"{value:.3f}"


def _fall_lines(incident: Mapping[str, Any], lang: str, info: AlertInfo) -> list[str]:
    from dashboards.narrative import money

    metric = str(incident["metric"])
    seen, wanted, low, high = (
        _value(metric, incident[name], lang, info)
        for name in ("observed", "expected", "lower", "upper")
    )
    impact = money(incident["impact_amount"], info.currency, lang, signed=True)
    name = METRIC_LABELS[metric][lang == "zh"]
    place, day, opened = _place(incident, lang), incident["last_date"], incident["opened_date"]
    cause = METRIC_LABELS.get(str(incident["cause_metric"]), ("", ""))[lang == "zh"]
    if lang == "zh":
        severity = _SEVERITIES.get(str(incident["severity"]), incident["severity"])
        lines = [
            f"【{info.shop}】{place}{name}低于预期区间（{day}，严重程度：{severity}）",
            f"实际 {seen}；预期 {wanted}（区间 {low} 至 {high}）",
            f"影响：支付金额 {impact}（自 {opened} 起，共 {incident['days']} 天）",
        ]
        return [*lines, f"主因：{cause}"] if cause else lines
    lines = [
        f"{info.shop}: {name} of {place} fell below its expected range on {day}"
        f" (severity {incident['severity']}).",
        f"Observed {seen}; expected {wanted} (range {low} to {high}).",
        f"Impact: {impact} of GMV since {opened} ({incident['days']} days).",
    ]
    return [*lines, f"Main cause: {cause}."] if cause else lines


def _effect_lines(
    incident: Mapping[str, Any], changes: pl.DataFrame, lang: str, info: AlertInfo
) -> list[str]:
    """Every effect and the leading segments, against the comparison that is named."""
    from dashboards.narrative import effects, money

    day, english = incident["last_date"], lang == "en"
    comparison = sensible_comparison(changes, day) if len(changes) else None
    row = None
    if comparison:
        place = (str(incident["dimension"]), str(incident["segment"]))
        row = change_row(changes, day, comparison, *place)
    if comparison is None or row is None:
        return ["No earlier day to compare with." if english else "没有可比较的日期。"]
    base = _COMPARISONS[comparison][lang == "zh"]
    change = money(float(str(row["gmv_change"])), info.currency, lang, signed=True)
    lines = [f"GMV {change} against {base}:" if english else f"支付金额较{base} {change}："]
    lines += [f"  {effect.text}" for effect in effects(row, lang, info.currency)]
    segments = top_segments(changes, day, comparison).group_by("dimension", maintain_order=True)
    named = [
        f"  {name[0]}: "
        + ", ".join(
            f"{part['segment']} {money(part['gmv_change'], info.currency, lang, signed=True)}"
            for part in group.to_dicts()
        )
        for name, group in segments
    ]
    if named:
        lines.append(
            "Where (whole company, same comparison):"
            if english
            else "主要来自（全公司，同一比较）："
        )
    return lines + named


def _gap_lines(incident: Mapping[str, Any], lang: str) -> list[str]:
    return [str(incident["explanation_en" if lang == "en" else "explanation_zh"])]


def _state_lines(incident: Mapping[str, Any], completeness: pl.DataFrame, lang: str) -> list[str]:
    """What of the day has arrived: a reader must know how far to trust the figures."""
    day = completeness.filter(
        pl.col("business_date") == incident["last_date"], pl.col("reason") != "not_expected"
    )
    gaps = day.filter(~pl.col("is_complete")).sort("source", "feed").to_dicts()
    english = lang == "en"
    if not gaps:
        known = "complete" if len(day) else "not known"
        return [f"Data of the day: {known}." if english else
                f"当日数据：{'完整' if len(day) else '未知'}。"]  # fmt: skip
    lines = ["Data of the day, incomplete:" if english else "当日数据不完整："]
    for gap in gaps:
        reason = REASON_LABELS.get(str(gap["reason"]), (str(gap["reason"]),) * 2)[not english]
        rows = f"{gap['arrived_rows'] or 0:,.0f} / {gap['expected_rows'] or 0:,.0f}"
        lines.append(f"  {gap['source']} {gap['feed']}: {reason} ({rows})")
    return lines
