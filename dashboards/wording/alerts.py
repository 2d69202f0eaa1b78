"""What an alert says: impact in money, expected range, every effect, where, state of the data.

Belongs here: the words of one incident in the languages of the shop, plain text. Which incidents
are told, and sending, is in `orchestration.alerting`; figures come from `insights` and
`fct_gmv_change`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from dashboards.wording.arrivals import past_lines, state_lines
from dashboards.wording.changes import effects
from dashboards.wording.facts import Event, Evidence, change_of, facts, incident_facts, link_of
from dashboards.wording.formatting import money
from dashboards.wording.i18n import text, word
from dashboards.wording.incidents import (
    cause_label,
    impact_of,
    is_above,
    is_back,
    place_label,
    platform_word,
    reason_label,
    segment_label,
    segment_word,
)
from dashboards.wording.message import AlertInfo, Message, one_line
from dashboards.wording.metrics import Metrics, in_unit, metric_word, unit_of

_SHOWN_DIMENSIONS, _SHOWN_SEGMENTS = 3, 3
_FEEDS = frozenset({"orders", "order_items", "events", "traffic_daily"})


def compose(
    incident: Mapping[str, Any],
    evidence: Evidence,
    info: AlertInfo,
    event: Event | None = None,
    owner: str | None = None,
) -> Message:
    """The message of an incident's last day.

    Args:
        incident: one row of `models.incidents.INCIDENT_SCHEMA` as a mapping.
        evidence: what is known of its day.
        info: shop, currency, site.
        event: why it is told again; that it has opened if not given.
        owner: who looks after it.
    """
    event = event or Event()
    is_data = incident["kind"] == "data"
    blocks = []
    for lang in info.languages:
        news = [event.lines[lang]] if event.lines else []
        if is_data:
            lines = [str(incident[f"explanation_{lang}"])]
        else:
            lines = _fall_lines(incident, evidence.metrics, lang, info)
            lines += _effect_lines(incident, evidence, lang, info)
            lines += _where_lines(incident, evidence, lang, info)
            lines += _console_lines(incident, evidence.consoles, lang, info)
        lines += state_lines(incident, evidence.completeness, lang)
        if not is_data and evidence.watermarks is not None:
            feeds = evidence.feeds_of.get(str(incident["metric"]), _FEEDS)
            behind = evidence.watermarks.filter(pl.col("feed").is_in(sorted(feeds)))
            lines += past_lines(incident, evidence.completeness, behind, lang)
        lines += closing_lines(incident, info, lang, owner)
        blocks.append("\n".join(one_line(line) for line in [*news, *lines]))
    impact = incident["impact_amount"]
    return Message(
        incident_id=re.sub(r"[^A-Za-z0-9_.-]", "_", str(incident["incident_id"])),
        day=incident["last_date"],
        kind=str(incident["kind"]),
        metric=str(incident["metric"]),
        segment=one_line(f"{incident['dimension']}:{incident['segment']}"),
        severity=str(incident["severity"]),
        subject=_subject(incident, evidence.metrics, info, event.lead),
        text="\n\n".join(blocks),
        impact_amount=None if impact is None else float(impact),  # JSON knows no DECIMAL
        # A gap that goes on for days is one piece of news: its first day, not its last, names it.
        keys=(f"gap|{incident['segment']}|{incident['opened_date']}|{incident['severity']}",)
        if is_data
        else (),
        facts=facts([incident_facts(incident, evidence, info)], info, event.name, owner),
    )


def closing_lines(
    incident: Mapping[str, Any], info: AlertInfo, lang: str, owner: str | None
) -> list[str]:
    """Who looks after an incident, and the page that shows it."""
    lines = [text("story.owner", lang, owner=owner)] if owner else []
    if link := link_of(incident, info.site, lang):
        lines.append(text("story.link", lang, link=link))
    return lines


def _subject(
    incident: Mapping[str, Any], metrics: Metrics, info: AlertInfo, lead: str | None = None
) -> str:
    lang, day = info.languages[0], incident["last_date"]
    severity = lead or word("severity", str(incident["severity"]), lang)
    stop = ": " if lang == "en" else "："
    start = f"[{info.shop}] {severity}{stop}{place_label(incident, lang)}"
    if incident["kind"] == "data":
        if lang == "en":
            reason = reason_label(incident["reason"], lang, "data incomplete")
            return one_line(f"{start}: {reason} on {day}")
        return one_line(f"{start}：{reason_label(incident['reason'], lang, '数据不完整')}（{day}）")
    name = metric_word(str(incident["metric"]), metrics, lang)
    amount = money(incident["impact_amount"], info.currency, lang, signed=True)
    if lang == "en":
        side = "above" if is_above(incident) else "below"
        when = f"before {day}" if is_back(incident) else f"on {day}"
        return one_line(f"{start}: {name} {side} range {when}, {amount}")
    side = "高于" if is_above(incident) else "低于"
    when = f"{day} 之前" if is_back(incident) else f"{day}"
    return one_line(f"{start}{name}{side}预期区间（{when}），{amount}")


def _fall_lines(
    incident: Mapping[str, Any], metrics: Metrics, lang: str, info: AlertInfo
) -> list[str]:
    metric = str(incident["metric"])
    unit, unknown = unit_of(metric, metrics), "unknown" if lang == "en" else "未知"
    seen, wanted, low, high_bound = (
        unknown if incident[name] is None else in_unit(incident[name], unit, info.currency, lang)
        for name in ("observed", "expected", "lower", "upper")
    )
    impact = money(incident["impact_amount"], info.currency, lang, signed=True)
    name, place = metric_word(metric, metrics, lang), place_label(incident, lang)
    day, opened = incident["last_date"], incident["opened_date"]
    cause = incident["cause_metric"]
    high, is_over, of = is_above(incident), is_back(incident), impact_of(incident)
    if lang == "zh":
        severity = word("severity", str(incident["severity"]), lang)
        whose = {"refunds": "净销售额", "gmv": "支付金额", "metric": "支付金额（仅此一项）"}[of]
        when = f"自 {opened} 起，{day} 已回到区间内" if is_over else f"{day}"
        lines = [
            f"【{info.shop}】{place}{name}{'高于' if high else '低于'}预期区间"
            f"（{when}，严重程度：{severity}）",
            f"{day} 实际 {seen}；预期 {wanted}（区间 {low} 至 {high_bound}）",
            f"影响：{whose} {impact}（自 {opened} 起，共 {incident['days']} 天）",
        ]
        return [*lines, cause_label(incident, metrics, lang)] if cause else lines
    whose = {"refunds": "net sales", "gmv": "GMV", "metric": "GMV by itself"}[of]
    when = f"since {opened}, and was back inside it on {day}" if is_over else f"on {day}"
    lines = [
        f"{info.shop}: {name} of {place} {'rose above' if high else 'fell below'} its expected"
        f" range {when} (severity {incident['severity']}).",
        f"Observed {seen}; expected {wanted} (range {low} to {high_bound}).",
        f"Impact: {impact} of {whose} since {opened}"
        f" ({incident['days']} day{'' if incident['days'] == 1 else 's'}).",
    ]
    if cause and incident["cause_side"] != "above":
        return [*lines, f"Main cause: {metric_word(str(cause), metrics, lang)}."]
    return [*lines, f"Main cause: {cause_label(incident, metrics, lang)}."] if cause else lines


def _effect_lines(
    incident: Mapping[str, Any], evidence: Evidence, lang: str, info: AlertInfo
) -> list[str]:
    """Every effect on the GMV of the platform (of the company), against the comparison named."""
    english = lang == "en"
    comparison, row = change_of(incident, evidence)
    if comparison is None or row is None:
        return ["No earlier day to compare with." if english else "没有可比较的日期。"]
    base = evidence.comparisons.said(comparison, "alert", lang)
    change = money(float(str(row["gmv_change"])), info.currency, lang, signed=True)
    platform = incident["platform"]
    of = "" if platform is None else platform_word(platform, lang)
    first = (
        f"GMV{' of ' + of if of else ''} {change} against {base}:"
        if english
        else f"{of}支付金额较{base} {change}："
    )
    return [first, *(f"  {effect.text}" for effect in effects(row, lang, info.currency))]


def _where_lines(
    incident: Mapping[str, Any], evidence: Evidence, lang: str, info: AlertInfo
) -> list[str]:
    """Segments that lost most against the expectation, within the incident's own platform."""
    causes = evidence.causes
    if causes is None or causes.is_empty():
        return []
    own = causes.filter(
        pl.col("incident_id") == incident["incident_id"],
        pl.col("impact_amount") < 0,
    ).sort("dimension_rank", "position")
    lines = []
    for (name,), group in own.group_by("dimension", maintain_order=True):
        parts = ", ".join(
            f"{segment_word(name, part['segment'], lang)}"
            f" {money(part['impact_amount'], info.currency, lang, signed=True)}"
            for part in group.sort("impact_amount").head(_SHOWN_SEGMENTS).to_dicts()
        )
        lines.append(f"  {segment_label(name, '', lang).strip()}: {parts}")
    if not lines:
        return []
    scope = _scope(incident, evidence.completeness, lang)
    first = (
        f"Where ({scope}, against the expectation):"
        if lang == "en"
        else f"主要来自（{scope}，与预期相比）："
    )
    return [first, *lines[:_SHOWN_DIMENSIONS]]


def _console_lines(
    incident: Mapping[str, Any], consoles: pl.DataFrame | None, lang: str, info: AlertInfo
) -> list[str]:
    """What the platforms' own consoles say was paid, where it differs: are the data to blame?"""
    if consoles is None or impact_of(incident) == "refunds":
        return []
    off = consoles.filter(
        pl.col("business_date").is_between(incident["opened_date"], incident["last_date"]),
        pl.col("differs_in").str.contains("paid_amount"),
    ).with_columns(gap=pl.col("paid_amount_difference").abs())
    if incident["platform"] is not None:
        off = off.filter(pl.col("platform") == incident["platform"])
    lines = []
    for row in off.sort("business_date", "platform", descending=[True, False]).to_dicts():
        day, platform = row["business_date"], platform_word(row["platform"], lang)
        said, own, gap = (
            money(row[name], info.currency, lang)
            for name in ("reported_paid_amount", "own_paid_amount", "gap")
        )
        is_more = row["reported_paid_amount"] > row["own_paid_amount"]
        if lang == "en":
            side = "more" if is_more else "less"
            lines.append(
                f"  {platform} reports {said} paid on {day}, {gap} {side} than {own} here."
            )
        else:
            side = "多" if is_more else "少"
            lines.append(f"  {platform}自报 {day} 支付金额 {said}，比此处的 {own} {side} {gap}。")
    if not lines:
        return []
    first = (
        "The platform's own figures differ, so the data may be to blame:"
        if lang == "en"
        else "平台自报数据不同，可能是数据问题："
    )
    return [first, *lines[:_SHOWN_SEGMENTS]]


def _scope(incident: Mapping[str, Any], completeness: pl.DataFrame, lang: str) -> str:
    """What the list of places is a list of; platforms that are not whole are not in it."""
    if incident["platform"] is not None:
        platform = platform_word(incident["platform"], lang)
        return f"within {platform}" if lang == "en" else f"{platform}内"
    gaps = completeness.filter(
        pl.col("business_date").is_between(incident["opened_date"], incident["last_date"]),
        ~pl.col("is_complete"),
        pl.col("reason") != "not_expected",
    )
    names = gaps["platform"].drop_nulls().unique().sort()
    late = ", ".join(platform_word(name, lang) for name in names)
    if lang == "en":
        return f"whole company without {late}, not complete" if late else "whole company"
    return f"全公司，不含数据不完整的 {late}" if late else "全公司"
