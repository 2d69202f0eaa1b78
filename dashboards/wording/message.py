"""A message as it is handed on: subject, text, and the facts that programs read.

Belongs here: its form. What it says is in `alerts`, `stories`, `lookups` and `outage`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")


@dataclass(frozen=True)
class Message:
    """One alert, plain text.

    Attributes:
        incident_id: incident (or run) it is about; safe in a file name.
        day: business date it is about.
        kind: kpi, data, run, digest or test.
        metric: metric of the incident.
        segment: `dimension:segment`.
        severity: critical, high, medium or low.
        subject: one line.
        text: a block for each language of the shop; no markup.
        impact_amount: money against the expectation, null for data incidents.
        keys: the news it holds; of several that is what each of them would be known by.
        before: keys by which earlier versions knew the same news.
        facts: what it says for programs, as docs/alerts.md describes it.
        html: the same for mail; empty where plain text is all there is.
        pictures: PNG files in Base64 by the names `html` knows them by.
    """

    incident_id: str
    day: date
    kind: str
    metric: str
    segment: str
    severity: str
    subject: str
    text: str
    impact_amount: float | None = None
    keys: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    html: str = ""
    pictures: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What makes two messages the same news: metric, segment, day, severity."""
        return f"{self.metric}|{self.segment}|{self.day}|{self.severity}"

    @property
    def about(self) -> list[Mapping[str, Any]]:
        """Its incidents, as facts give them; what is about none stands for itself."""
        own = {"metric": self.metric, "segment": self.segment, "severity": self.severity}
        return list(self.facts.get("incidents") or [own])

    def as_dict(self) -> dict[str, Any]:
        """For JSON: dates as ISO text."""
        told = {**asdict(self), "day": self.day.isoformat()}
        del told["before"]
        for name in ("html", "pictures"):
            if not told[name]:
                del told[name]
        return told

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Message:
        """The message that `as_dict` was made of."""
        day, keys = date.fromisoformat(told["day"]), tuple(told.get("keys", ()))
        return cls(**{**told, "day": day, "keys": keys})


@dataclass(frozen=True)
class AlertInfo:
    """What a message needs to know of the shop.

    Attributes:
        shop: name of the company.
        currency: ISO 4217 code of the reporting currency.
        site: address the pages are served at, empty if they are not.
        languages: languages of the messages in order; the subject is in the first.
    """

    shop: str
    currency: str
    site: str = ""
    languages: tuple[str, ...] = ("en", "zh")


def one_line(text: str) -> str:
    """One line: names from exports must not add lines or headers of their own."""
    return _CONTROL.sub(" ", text).strip()
