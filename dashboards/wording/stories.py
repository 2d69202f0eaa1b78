"""What is told of an incident after it was first told: that it grew, rose, ended or was taken back.

Belongs here: the words, and those of a digest. When they are said is decided in
`orchestration.alerting.story`; what an incident that opened says is in `alerts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from dashboards.wording.alerts import closing_lines, compose
from dashboards.wording.facts import Event, Evidence, facts, incident_facts
from dashboards.wording.formatting import money
from dashboards.wording.i18n import text, word
from dashboards.wording.incidents import impact_of, is_above, place_label
from dashboards.wording.message import AlertInfo, Message, one_line
from dashboards.wording.metrics import metric_word

_JUDGED_DAYS = 120  # an incident whose last day is older was not looked at again


@dataclass(frozen=True)
class Before:
    """What was told of an incident last.

    Attributes:
        status: open, closed or withdrawn.
        severity: the gravest that was told.
        impact: its money; None of data.
        day: last day of the data then.
        events: how often it was told.
    """

    status: str
    severity: str
    impact: float | None
    day: date
    events: int


def told_again(  # noqa: PLR0913, PLR0917 - the parts of one message
    event: str,
    incident: Mapping[str, Any],
    before: Before,
    evidence: Evidence,
    info: AlertInfo,
    owner: str | None = None,
    other: Mapping[str, Any] | None = None,
) -> Message:
    """The message of an incident that was told before.

    Args:
        event: grew, escalated, reopened, closed or withdrawn.
        incident: one row of `models.incidents.INCIDENT_SCHEMA` as a mapping.
        before: what was told last.
        evidence: what is known of its last day, and of all days of a gap.
        info: shop, currency, site, languages.
        owner: who looks after it.
        other: the incident that one that was withdrawn is part of now.
    """
    if event in ("closed", "withdrawn"):
        made = _end(event, incident, before, evidence, info, owner, other)
    else:
        words = {lang: _again_words(event, incident, before, info, lang) for lang in info.languages}
        first = info.languages[0]
        why = Event(
            event,
            text(f"story.{event}_lead", first, **words[first]),
            {lang: text(f"story.{event}", lang, **words[lang]) for lang in info.languages},
        )
        made = compose(incident, evidence, info, why, owner)
    return replace(made, keys=(f"{made.incident_id}|{event}|{before.events}",))


def _again_words(
    event: str, incident: Mapping[str, Any], before: Before, info: AlertInfo, lang: str
) -> dict[str, str]:
    def paid(amount: Any) -> str:
        return money(amount, info.currency, lang, signed=True)

    told = {
        "grew": paid(before.impact),
        "escalated": word("severity", before.severity, lang),
        "reopened": word("story.was", before.status, lang),
    }
    return {
        "severity": word("severity", str(incident["severity"]), lang),
        "impact": paid(incident["impact_amount"]),
        "day": str(incident["last_date"]),
        "told": told[event],
        "before": str(before.day),
    }


def _end(  # noqa: PLR0913, PLR0917 - as above
    event: str,
    incident: Mapping[str, Any],
    before: Before,
    evidence: Evidence,
    info: AlertInfo,
    owner: str | None,
    other: Mapping[str, Any] | None,
) -> Message:
    is_data = incident["kind"] == "data"
    blocks, subjects = [], []
    for lang in info.languages:
        words = _end_words(incident, before, evidence, info, lang)
        if is_data:
            key, lines = _data_end(event, incident, evidence.completeness, words, lang)
        elif event == "closed":
            key, lines = "closed", _total_lines(incident, words, lang)
        else:
            key, lines = "withdrawn", [text("story.withdrawn", lang, **words)]
            if other is not None:
                words["other"] = str(other[f"explanation_{lang}"])
                lines = [text("story.merged", lang, **words)]
        if key == "closed" and incident["impact_amount"] is None:
            key = "closed_free"
        subjects.append(text(f"story.{key}_subject", lang, **words))
        lines += closing_lines(incident, info, lang, owner)
        blocks.append("\n".join(map(one_line, lines)))
    return replace(
        compose(incident, evidence, info),
        subject=one_line(subjects[0]),
        text="\n\n".join(blocks),
        facts=facts([incident_facts(incident, evidence, info)], info, event, owner),
    )


def _end_words(
    incident: Mapping[str, Any], before: Before, evidence: Evidence, info: AlertInfo, lang: str
) -> dict[str, str]:
    first, last = str(incident["opened_date"]), str(incident["last_date"])
    is_data, span = incident["kind"] == "data", "one_day" if first == last else "span"
    amount = before.impact if incident["withdrawn_date"] is not None else incident["impact_amount"]
    return {
        "shop": info.shop,
        "place": place_label(incident, lang),
        "metric": "" if is_data else metric_word(str(incident["metric"]), evidence.metrics, lang),
        "span": text(f"story.{span}", lang, first=first, last=last),
        "impact": text("story.no_money", lang)
        if amount is None and not is_data
        else money(amount, info.currency, lang, signed=True),
        "side": text("story.above" if is_above(incident) else "story.below", lang),
        "whose": text(f"story.whose.{impact_of(incident)}", lang),
        "day": str(incident["closed_date"]),
        "days": str(incident["days"]),
        "feeds": str(incident["feeds"]),
    }


def _total_lines(incident: Mapping[str, Any], words: Mapping[str, str], lang: str) -> list[str]:
    lines = [text("story.closed", lang, **words)]
    if (incident["closed_date"] - incident["last_date"]).days < _JUDGED_DAYS:
        lines.append(text("story.closed_good", lang, **words))
    if incident["impact_amount"] is None:  # what has no price cost nothing that is known
        return lines
    total = "story.total_one" if incident["days"] == 1 else "story.total"
    return [*lines, text(total, lang, **words)]


def _data_end(
    event: str,
    incident: Mapping[str, Any],
    completeness: pl.DataFrame,
    words: Mapping[str, str],
    lang: str,
) -> tuple[str, list[str]]:
    """A gap that ended with a whole day, or was filled, or is none any more."""
    if event == "closed":
        return "data_closed", [text("story.data_closed", lang, **words)]
    days = completeness.filter(
        pl.col("business_date").is_between(incident["opened_date"], incident["last_date"])
    )
    if incident["dimension"] == "source":
        days = days.filter(pl.col("source") == incident["segment"])
    is_whole = len(days) > 0 and bool(
        (days["is_complete"] & (days["reason"] != "not_expected")).all()
    )
    return "data_back", [text(f"story.data_{'back' if is_whole else 'unneeded'}", lang, **words)]


def ended_together(messages: Sequence[Message], info: AlertInfo) -> Message:
    """One message of several gaps that ended alike in one run.

    Args:
        messages: of data incidents with one event; at least one.
        info: shop, languages.
    """
    from dashboards.wording.outage import joined

    if len(messages) == 1:
        return messages[0]
    key, lang = f"story.ends_{messages[0].facts['event']}", info.languages[0]
    subject = text(key, lang, shop=info.shop, n=len(messages))
    return replace(joined(messages, info), subject=one_line(subject))


def digest(
    subjects: Sequence[str], shop: str, languages: Sequence[str], day: date, limit: int
) -> Message:
    """One message of all that is beyond the limit of a day.

    Args:
        subjects: of the messages that were left, the gravest first.
        shop: name of the company.
        languages: languages of the message in order; subjects are in the first.
        day: day of the reporting zone.
        limit: messages a day.
    """
    lines: Callable[[str], list[str]] = lambda lang: [  # noqa: E731
        text("story.digest", lang, limit=limit), *(f"  {subject}" for subject in subjects)
    ]  # fmt: skip
    subject = text("story.digest_subject", languages[0], shop=shop, n=len(subjects), day=day)
    info = AlertInfo(shop, "", "", tuple(languages))
    return Message(
        incident_id="digest",
        day=day,
        kind="digest",
        metric="digest",
        segment="digest",
        severity="low",
        subject=one_line(subject),
        text="\n\n".join("\n".join(map(one_line, lines(lang))) for lang in languages),
        keys=(f"digest|{day}",),
        facts=facts([], info, "digest") | {"currency": None},
    )
