"""What an alert says: impact in money, expected range, every effect, where, state of the data.

Belongs here: the message of one incident in the languages of the shop, plain text, and what the
platforms' consoles say of it. Its money is in `loss`, its places in `places`. Which incidents are
told, and sending, is in `orchestration.alerting`; figures come from `insights`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from dashboards.wording.arrivals import past_lines, state_lines
from dashboards.wording.facts import Event, Evidence, facts, incident_facts, link_of
from dashboards.wording.formatting import money
from dashboards.wording.i18n import text, word
from dashboards.wording.incidents import (
    day_of,
    impact_of,
    is_above,
    place_label,
    platform_word,
    reason_label,
)
from dashboards.wording.loss import loss_lines
from dashboards.wording.message import AlertInfo, Message, one_line
from dashboards.wording.metrics import Metrics, metric_word
from dashboards.wording.places import holiday_lines, place_lines, todo_line, together_lines

_SHOWN_CONSOLES = 3
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
            lines = loss_lines(incident, evidence.effects, evidence.metrics, info, lang)
            lines += place_lines(
                incident, evidence.causes, evidence.completeness, info.currency, lang
            )
            lines += together_lines(incident, evidence.sets, lang)
            lines += holiday_lines(incident, evidence.promos, lang)
            lines += _console_lines(incident, evidence.consoles, lang, info)
        lines.append(todo_line(incident, evidence.metrics, lang))
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
    impact, comma = incident["impact_amount"], ", " if lang == "en" else "，"
    paid = money(impact, info.currency, lang, signed=True)
    amount = "" if impact is None else f"{comma}{paid}"
    if lang == "en":
        side = "above" if is_above(incident) else "below"
        return one_line(f"{start}: {name} {side} range on {day_of(incident)}{amount}")
    side = "高于" if is_above(incident) else "低于"
    return one_line(f"{start}{name}{side}预期区间（{day_of(incident)}）{amount}")


def _console_lines(
    incident: Mapping[str, Any], consoles: pl.DataFrame | None, lang: str, info: AlertInfo
) -> list[str]:
    """What the platforms' own consoles say was paid: are the data to blame?"""
    # Only money that is GMV of a place, or a price, is what a console counts.
    is_paid = incident.get("observed_amount") is not None and impact_of(incident) != "refunds"
    if consoles is None or not is_paid:
        return []
    consoles = consoles.with_columns(gap=pl.col("paid_amount_difference").abs())
    off = consoles.filter(
        pl.col("business_date").is_between(incident["opened_date"], incident["last_date"]),
        pl.col("differs_in").str.contains("paid_amount"),
    )
    if incident["platform"] is not None:
        off = off.filter(pl.col("platform") == incident["platform"])
    lines = []
    for row in off.sort("business_date", "platform", descending=[True, False]).to_dicts():
        is_more = row["reported_paid_amount"] > row["own_paid_amount"]
        lines.append("  " + _console_words("more" if is_more else "less", row, info, lang))
    if lines:
        return [text("told.console_off", lang), *lines[:_SHOWN_CONSOLES]]
    same = consoles.filter(
        pl.col("business_date") == day_of(incident),
        pl.col("platform") == (incident["platform"] or ""),
        pl.col("own_paid_amount").is_not_null(),
        pl.col("is_within_tolerance"),
    )
    return [_console_words("same", row, info, lang) for row in same.to_dicts()]


def _console_words(how: str, row: Mapping[str, Any], info: AlertInfo, lang: str) -> str:
    said, own, gap = (
        money(row[name], info.currency, lang)
        for name in ("reported_paid_amount", "own_paid_amount", "gap")
    )
    platform = platform_word(row["platform"], lang)
    return text(
        f"told.console_{how}", lang,
        platform=platform, said=said, own=own, gap=gap, day=row["business_date"],
    )  # fmt: skip
