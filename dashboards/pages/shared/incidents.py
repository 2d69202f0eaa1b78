"""Alert lines: the incidents that are open on a day.

Belongs here: which ones are shown first, and under which heading.
Does not belong here: the explanation, which comes with the incident.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from dashboards.base.data import Data, Row, SiteInfo
from dashboards.base.page import Both, amount_text, both, tr
from dashboards.wording.formatting import long_day
from dashboards.wording.incidents import impact_of

ALERT_LINES = 3
_SEVERITY = {"critical": 0, "high": 1, "error": 1, "medium": 2, "warn": 2, "warning": 2, "low": 3}


@dataclass(frozen=True)
class Alert:
    """One alert line: `kind` is `kpi` or `data`, `anchor` its place on the page of alerts."""

    kind: str
    title: Both
    text: Both
    anchor: str


def anchor(incident_id: object) -> str:
    """The HTML id of an incident on the page of alerts."""
    return "alert-" + re.sub(r"[^a-z0-9_-]", "-", str(incident_id).lower())


def gravity(row: Row) -> int:
    """How grave an incident is: 0 critical to 3 low."""
    return _SEVERITY.get(str(row["severity"]).lower(), 2)


def open_incidents(data: Data, moment: date, kinds: tuple[str, ...] = ("kpi", "data")) -> list[Row]:
    """Incidents of some kinds open on a day, gravest first, then the costliest."""
    rows = [
        row
        for row in data["insights.incidents"].to_dicts()
        if row["opened_date"]
        and row["opened_date"] <= moment
        and (row["closed_date"] is None or row["closed_date"] > moment)
        and ("data" if row["kind"] == "data" else "kpi") in kinds
    ]
    rows.sort(
        key=lambda row: (
            gravity(row),
            -abs(row["impact_amount"] or 0),
            str(row["incident_id"]),
        )
    )
    return rows


def alerts(
    data: Data, info: SiteInfo, moment: date, kinds: tuple[str, ...] = ("kpi", "data")
) -> list[Alert]:
    """The gravest incidents of some kinds that are open on a day, `ALERT_LINES` at most."""
    return [alert(row, info) for row in open_incidents(data, moment, kinds)[:ALERT_LINES]]


def alert(row: Row, info: SiteInfo) -> Alert:
    """The line of an incident."""
    kind = "data" if row["kind"] == "data" else "kpi"
    en = row["explanation_en"] or row["explanation_zh"] or str(row["metric"])
    since = both(lambda lang: long_day(row["opened_date"], lang, info.data_through))
    impact = amount_text(row["impact_amount"], info.currency, signed=True)
    is_money = kind == "kpi" and row["impact_amount"] is not None
    key = f"alert.kpi_{impact_of(row)}" if is_money else f"alert.{kind}_n"
    return Alert(
        kind,
        tr(key, day=since, impact=impact),
        Both(en, row["explanation_zh"] or en),
        anchor(row["incident_id"]),
    )
